"""junit.xml of what was not kept: a row says so, and a long or odd text breaks none."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest
from support.in_process_reader import readiness
from support.outcomes import AFTER, checked, left_out, outcome

from retry_contract.consumer.readiness import Finding, Readiness, Result, ScenarioOutcome
from retry_contract.outcome import Entry, RuleResult, RuleState, Verdict
from retry_contract.report.junit import readiness_junit, verify_junit
from retry_contract.rules import RULES
from retry_contract.verification.findings import NOT_SELECTED

DAY = date(2026, 1, 5)


def suite_of(xml: bytes) -> ElementTree.Element:
    (suite,) = ElementTree.fromstring(xml)
    return suite


def last_of(xml: bytes) -> ElementTree.Element:
    """What the last row says of why it did not pass."""
    (said,) = suite_of(xml)[-1]
    return said


def consumer(*more: ScenarioOutcome, **changes: Any) -> Readiness:
    found = readiness(lambda response: response["id"])
    return dataclasses.replace(found, scenarios=(*found.scenarios, *more), **changes)


@pytest.mark.parametrize("verdict", [Verdict.BROKEN, Verdict.NOT_TESTED, Verdict.USAGE_ERROR])
def test_run_without_rows_and_without_a_reason_is_an_error(verdict: Verdict) -> None:
    unselected = checked(*(left_out(rule, NOT_SELECTED) for rule in RULES))
    xml = verify_junit(outcome(verdict, unselected))
    assert (len(suite_of(xml)), suite_of(xml).get("errors")) == (1, "1")
    assert last_of(xml).get("message") == str(verdict)


def test_ready_code_whose_report_is_not_whole_is_an_error() -> None:
    xml = readiness_junit(consumer(unwritten="summary.md could not be written"))
    assert suite_of(xml).get("errors") == "1"
    said = "It is ready, but summary.md could not be written."
    assert (last_of(xml).get("message"), last_of(xml).get("type")) == (said, "usage error")


def test_scenario_that_was_not_tested_is_skipped_and_no_failure() -> None:
    finding = Finding(Result.NOT_TESTED, "nothing can be compared")
    xml = readiness_junit(consumer(ScenarioOutcome("late", AFTER, True, 2, 2, finding)))
    assert [suite_of(xml).get(name) for name in ("failures", "skipped", "errors")] == list("011")


def test_failure_of_code_counts_what_else_differs_and_says_how_to_see_it() -> None:
    def reads(response: dict[str, object]) -> object:
        last = [*response.values()][-1]
        return {"one": last, "two": last, "three": last}

    found = dataclasses.replace(readiness(reads), replay="retry-contract consumer sms:parse")
    said = next(suite_of(readiness_junit(found)).iter("failure"))
    assert str(said.get("message")).endswith(", at /one; and 2 more")
    assert "replay: retry-contract consumer sms:parse" in str(said.text)


def test_name_of_a_scenario_is_text() -> None:
    xml = readiness_junit(consumer(ScenarioOutcome("\x00\u202e##vso[a]", AFTER, False, 1)))
    name = str(suite_of(xml)[-1].get("name"))
    assert (name.isprintable(), "##vso[" in name) == (True, False)


def test_first_hundred_known_entries_of_a_rule_are_shown() -> None:
    known = tuple(Entry("values-kept", AFTER, f"/values/{n}", DAY, DAY) for n in range(103))
    result = RuleResult("values-kept", AFTER, RuleState.KNOWN, known=known)
    said = next(suite_of(verify_junit(outcome(Verdict.KEPT, checked(result)))).iter("skipped"))
    assert said.get("message") == "known: /values/0; and 102 more"
    assert str(said.text).splitlines()[-1] == "/values/99"
