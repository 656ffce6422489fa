"""Which rules there are, and what says so."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from retry_contract.plugin import SCENARIOS
from retry_contract.rules import ESSENTIAL, RULES, Basis, Rule, Section, rule_named
from retry_contract.rules.scenarios import CUTOVER, EVERY, GROUPS, RETRIEVED
from retry_contract.rules.sources import Source, sources
from retry_contract.verification.plan import PLAN

RULES_BY_SECTION = {
    "accepted": """status-is-201 body-is-json response-matches-schema creator-id-as-contracted
        message-id-kept campaign-id-kept status-reset-to-created created-at-kept
        updated-at-moves-on recipient-kept values-kept template-kept full-message-kept
        creator-id-kept same-shape-as-single-send retrieve-agrees attempt-recorded""",
    "refused": """unknown-message-refused unfailed-message-refused second-retry-refused
        concurrent-retries-accepted-once attempts-capped key-required wrong-key-refused
        revoked-key-refused malformed-id-refused foreign-campaign-refused
        refusal-changes-nothing error-shape error-code-documented no-secret-echoed""",
    "batches": "batch-status-respected",
    "all responses": """no-server-error content-type-is-json wrong-method-refused
        neighbours-match-schema""",
    "cutover": "one-contract-served contract-in-force-served",
    "generated": "generated-requests-answered generated-sequences-kept",
}
STATEMENTS = [f"P{number}" for number in range(1, 15)]


def _claimed(rule: Rule) -> list[str]:
    return [source.id for source in rule.sources if re.fullmatch("P[0-9]+", source.id)]


def section(name: Section) -> list[Rule]:
    return [rule for rule in RULES.values() if rule.section == name]


@pytest.mark.parametrize("name", get_args(Section))
def test_section_has_the_rules_that_were_asked_for(name: Section) -> None:
    assert {rule.id for rule in section(name)} == set(RULES_BY_SECTION[name].split())


def test_every_rule_is_in_a_section() -> None:
    assert sum(len(section(name)) for name in get_args(Section)) == len(RULES)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statement_of_the_page_is_claimed_or_listed_as_not_testable(statement: str) -> None:
    claimed = any(statement in _claimed(rule) for rule in RULES.values())
    assert claimed is not bool(sources()[statement].not_tested)


def test_rule_has_the_name_and_the_docstring_of_its_check() -> None:
    rule = RULES["wrong-key-refused"]
    assert rule.check.__name__ == "wrong_key_refused"
    assert rule.sentence == (
        "A retry with a key that is not valid, or not sent as Bearer, is refused with status 401."
    )
    assert rule_named("wrong_key_refused") is rule_named("wrong-key-refused") is rule


def test_statement_is_quoted_with_its_page_and_its_address() -> None:
    assert sources()["P13"].not_tested == "an image, and not reproduced"
    assert sources()["P3"] == Source(
        "P3",
        "the message keeps its id",
        "guide, Single Send - Retry",
        "https://postman-v2.guides.gov.sg/endpoints-for-api-users/single-send-retry",
        "",
    )


def test_nothing_beyond_the_page_is_claimed_or_listed() -> None:
    assert [id_ for id_ in sources() if re.fullmatch("P[0-9]+", id_)] == STATEMENTS


def test_every_source_is_used_or_says_why_not() -> None:
    used = {source.id for rule in RULES.values() for source in rule.sources}
    for source in sources().values():
        assert (source.id in used) is not bool(source.not_tested), source.id
        assert not source.not_tested or len(source.not_tested.split()) > 3
        assert source.address.startswith("https://")
        assert not re.search(r"\bP[0-9]+\b", str(source))


def test_every_group_of_scenarios_has_a_fixture_and_no_other() -> None:
    assert GROUPS.keys() == SCENARIOS.keys() == {rule.scenario for rule in RULES.values()}


def test_old_id_is_answered_with_the_new_one() -> None:
    with pytest.raises(LookupError, match=r"^reply-matches-schema was renamed: use response-"):
        rule_named("reply-matches-schema")
    with pytest.raises(LookupError, match=r"^nothing: no such rule; see: retry-contract rules$"):
        rule_named("nothing")


def _is_well_formed(name: str, rule: Rule) -> bool:
    return (
        name == rule.id
        and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) is not None
        and re.fullmatch(r"[^.]*[A-Za-z0-9]", rule.sentence.removesuffix(".")) is not None
        and rule.basis in Basis
        and bool(rule.sources)
    )


def test_every_rule_has_an_id_a_sentence_a_source_and_a_basis() -> None:
    assert [name for name, rule in RULES.items() if not _is_well_formed(name, rule)] == []


def _has_the_basis_of_its_source(rule: Rule) -> bool:
    if rule.basis is Basis.PUBLISHED:
        return len(rule.sources) > len(_claimed(rule))
    return bool(_claimed(rule))


def test_basis_goes_with_the_source() -> None:
    assert [rule.id for rule in RULES.values() if not _has_the_basis_of_its_source(rule)] == []


def test_what_a_rule_needs_is_in_the_plan() -> None:
    needs = {rule.id: set(GROUPS[rule.scenario]) for rule in RULES.values()}
    assert [name for name, scenarios in needs.items() if not scenarios <= PLAN.keys()] == []


def test_plan_knows_every_scenario_and_no_other() -> None:
    assert set(PLAN) == {*EVERY, CUTOVER, RETRIEVED}


def test_every_scenario_is_needed_by_a_rule_by_name() -> None:
    assert {s for rule in RULES.values() for s in GROUPS[rule.scenario]} == set(PLAN)


def test_rules_about_an_accepted_retry_are_the_essential_ones() -> None:
    assert {rule.id for rule in section("accepted")} == ESSENTIAL
