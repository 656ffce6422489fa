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
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


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


@EVERY_RULE
def test_rule_has_an_id_a_sentence_a_source_and_a_basis(rule: Rule) -> None:
    assert RULES[rule.id] is rule
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
    assert re.fullmatch(r"[^.]*[A-Za-z0-9]", rule.sentence.removesuffix("."))
    assert rule.basis in Basis
    assert all(part.strip() for part in re.split(r"[;,]", rule.source))


@EVERY_RULE
def test_basis_goes_with_the_source(rule: Rule) -> None:
    public = re.search(r"guide|RFC [0-9]+|CWE-[0-9]+|git ", rule.source)
    if rule.basis is Basis.PUBLISHED:
        assert public
    else:
        assert _claimed(rule)
    if rule.basis is Basis.INFERRED:
        assert _claimed(rule) == ["P10"]


@EVERY_RULE
def test_what_a_rule_needs_is_in_the_plan(rule: Rule) -> None:
    assert rule.needs is None or set(rule.needs) <= PLAN.keys()


def test_plan_knows_every_scenario_and_no_other() -> None:
    assert set(PLAN) == {*EVERY, CUTOVER}


def test_every_scenario_is_needed_by_a_rule_by_name() -> None:
    assert {s for rule in RULES.values() for s in rule.needs or ()} == set(PLAN)


def test_rules_about_an_accepted_retry_are_the_essential_ones() -> None:
    assert {rule.id for rule in section("accepted")} == ESSENTIAL
