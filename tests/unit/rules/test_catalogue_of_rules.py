"""Which rules there are, and what says so."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from retry_contract.rules import ESSENTIAL, NOT_TESTED, RULES, Basis, Rule, Section, section
from retry_contract.rules.scenarios import CUTOVER, EVERY
from retry_contract.verification.plan import PLAN

AT_THE_LEAST = {
    "accepted": """status-is-201 body-is-json response-matches-schema creator-id-as-contracted
        message-id-kept campaign-id-kept status-reset-to-created created-at-kept
        updated-at-moves-on recipient-kept values-kept template-kept full-message-kept
        creator-id-kept same-shape-as-single-send retrieve-agrees""",
    "refused": """unknown-message-refused unfailed-message-refused second-retry-refused
        attempts-capped key-required wrong-key-refused foreign-campaign-refused
        refusal-changes-nothing error-shape error-code-documented no-secret-echoed""",
    "batches": "batch-status-respected",
    "all responses": "no-server-error content-type-is-json wrong-method-refused",
    "cutover": "one-contract-served contract-in-force-served",
    "fuzz": "generated-requests-answered",
    "sequences": "generated-sequences-kept",
}
STATEMENTS = [f"P{number}" for number in range(1, 15)]


def _claimed(rule: Rule) -> list[str]:
    return re.findall(r"\bP[0-9]+\b", rule.source)


@pytest.mark.parametrize("name", get_args(Section))
def test_section_has_the_rules_that_were_asked_for(name: Section) -> None:
    assert {rule.id for rule in section(name)} == set(AT_THE_LEAST[name].split())


def test_every_rule_is_in_a_section() -> None:
    assert sum(len(section(name)) for name in get_args(Section)) == len(RULES)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statement_of_the_page_is_claimed_or_listed_as_not_testable(statement: str) -> None:
    claimed = any(statement in _claimed(rule) for rule in RULES.values())
    assert claimed is not (statement in NOT_TESTED)


def test_nothing_beyond_the_page_is_claimed_or_listed() -> None:
    named = {statement for rule in RULES.values() for statement in _claimed(rule)}
    assert named | set(NOT_TESTED) == set(STATEMENTS)


@pytest.mark.parametrize("reason", NOT_TESTED.values(), ids=NOT_TESTED)
def test_not_testable_says_why(reason: str) -> None:
    assert len(reason.split()) > 3


def _is_well_formed(name: str, rule: Rule) -> bool:
    return (
        name == rule.id
        and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) is not None
        and re.fullmatch(r"[^.]*[A-Za-z0-9]", rule.sentence.removesuffix(".")) is not None
        and rule.basis in Basis
        and all(part.strip() for part in re.split(r"[;,]", rule.source))
    )


def test_every_rule_has_an_id_a_sentence_a_source_and_a_basis() -> None:
    assert [name for name, rule in RULES.items() if not _is_well_formed(name, rule)] == []


def _has_the_basis_of_its_source(rule: Rule) -> bool:
    if rule.basis is Basis.PUBLISHED:
        return re.search(r"guide|RFC [0-9]+|CWE-[0-9]+|git ", rule.source) is not None
    return _claimed(rule) == ["P10"] if rule.basis is Basis.INFERRED else bool(_claimed(rule))


def test_basis_goes_with_the_source() -> None:
    assert [rule.id for rule in RULES.values() if not _has_the_basis_of_its_source(rule)] == []


def test_what_a_rule_needs_is_in_the_plan() -> None:
    needs = {rule.id: set(rule.needs or ()) for rule in RULES.values()}
    assert [name for name, scenarios in needs.items() if not scenarios <= PLAN.keys()] == []


def test_plan_knows_every_scenario_and_no_other() -> None:
    assert set(PLAN) == {*EVERY, CUTOVER}


def test_every_scenario_is_needed_by_a_rule_by_name() -> None:
    assert {s for rule in RULES.values() for s in rule.needs or ()} == set(PLAN)


def test_rules_about_an_accepted_retry_are_the_essential_ones() -> None:
    assert {rule.id for rule in section("accepted")} == ESSENTIAL
