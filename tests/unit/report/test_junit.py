"""junit.xml, as a runner of pipelines reads it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from support.in_process_reader import readiness
from support.outcomes import AFTER, BEFORE, broken, checked, left_out, outcome, violation

from retry_contract.consumer.readiness import Finding, Readiness, Result, ScenarioOutcome
from retry_contract.outcome import Drift, Entry, RuleResult, RuleState, Verdict
from retry_contract.report.junit import readiness_junit, verify_junit
from retry_contract.rules import RULES
from retry_contract.verification.findings import NOT_SELECTED

BEGAN = datetime(2025, 2, 24, 9, tzinfo=UTC)
ENTRY = Entry(
    *("creator-id-kept", AFTER, "/creatorId", date(2025, 2, 1), date(2025, 2, 3)),
    *(date(2025, 3, 1), "the team mends it", "SMS-1"),
)
REPLAY = "retry-contract verify --contract after"
LEFT_OUT = left_out("attempts-capped", "needs --provision simulator")
IGNORED = left_out("key-required", "--ignore", ignored=True)
KNOWN = RuleResult("creator-id-kept", AFTER, RuleState.KNOWN, known=(ENTRY,))
RUN = outcome(
    Verdict.BROKEN, checked(broken(), LEFT_OUT, IGNORED, KNOWN), replay=REPLAY, began=BEGAN
)
NOT_TESTED = outcome(Verdict.NOT_TESTED, reason="the host is not reachable")
LARGEST = 30_000_000
"""In bytes, of a file that GitLab reads."""


def suite_of(xml: bytes) -> TestSuite:
    (suite,) = JUnitXml.fromstring(xml)
    return suite


def cases_of(xml: bytes) -> dict[str, TestCase]:
    """The rows by class and name, of which no two are alike: GitLab drops one of them."""
    rows = [(f"{case.classname}/{case.name}", case) for case in suite_of(xml)]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def result_of(case: TestCase) -> Any:
    (result,) = case.result
    return result


def row(xml: bytes, name: str, section: str = "accepted") -> Any:
    return result_of(cases_of(xml)[f"retry-contract.{section}/{name}"])


def test_rows_are_the_rules_by_section_and_contract() -> None:
    found = outcome(Verdict.KEPT, checked(contract=BEFORE), checked())
    names = {
        f"retry-contract.{rule.section.replace(' ', '-')}/{rule.id} ({contract})"
        for rule in RULES.values()
        for contract in (BEFORE, AFTER)
    }
    cases = cases_of(verify_junit(found))
    assert set(cases) == names
    assert not any(case.result for case in cases.values())


def test_failure_begins_with_what_was_expected_and_what_came() -> None:
    failure = row(verify_junit(RUN), f"message-id-kept ({AFTER})")
    assert isinstance(failure, Failure)
    assert failure.message == (
        "expected the id in the path; came another string of 44 characters, at /id"
    )
    assert failure.type == "message-id-kept"


def test_text_of_a_failure_says_where_who_says_so_how_to_see_it_and_what_to_do() -> None:
    text = row(verify_junit(RUN), f"message-id-kept ({AFTER})").text
    parts = ("  at        /id", "  seen in   accepted, request 2", "  source    ", "https://")
    assert [part for part in parts if part not in text] == []
    assert f"replay: {REPLAY}" in text
    assert "Show the service's team what is broken" in text


def test_replay_of_a_generated_case_stands_for_that_of_the_run() -> None:
    found = violation(replay="retry-contract verify --replay CASE")
    xml = verify_junit(outcome(Verdict.BROKEN, checked(broken(found)), replay=REPLAY))
    text = row(xml, f"message-id-kept ({AFTER})").text
    assert "--replay CASE" in text
    assert REPLAY + "\n" not in text


@pytest.mark.parametrize(
    ("name", "section", "message"),
    [
        ("attempts-capped", "refused", "not exercised: needs --provision simulator"),
        ("key-required", "refused", "ignored: --ignore"),
        (
            *("creator-id-kept", "accepted"),
            "known: /creatorId, the team mends it, SMS-1, until 2025-03-01",
        ),
    ],
)
def test_what_is_not_exercised_ignored_or_known_is_skipped_with_its_reason(
    name: str, section: str, message: str
) -> None:
    skipped = row(verify_junit(RUN), f"{name} ({AFTER})", section)
    assert isinstance(skipped, Skipped)
    assert skipped.message == message


def test_entry_without_a_reason_is_known_by_its_first_day() -> None:
    bare = dataclasses.replace(ENTRY, pointer="", reason="", ticket="", expires=None)
    known = dataclasses.replace(KNOWN, known=(bare, ENTRY))
    skipped = row(verify_junit(outcome(Verdict.KEPT, checked(known))), f"creator-id-kept ({AFTER})")
    assert skipped.message == "known: since 2025-02-01; and 1 more"
    assert "SMS-1" in skipped.text


def test_rules_that_were_not_selected_are_left_out() -> None:
    xml = verify_junit(outcome(Verdict.KEPT, checked(left_out("key-required", NOT_SELECTED))))
    assert len(cases_of(xml)) == len(RULES) - 1


def test_counts_time_and_instant_are_those_of_the_run() -> None:
    xml = verify_junit(RUN)
    whole, suite = JUnitXml.fromstring(xml), suite_of(xml)
    for counted in (whole, suite):
        assert (counted.tests, counted.failures) == (len(RULES), 1)
        assert (counted.errors, counted.skipped, counted.time) == (0, 3, 1.5)
    assert datetime.fromisoformat(str(suite.timestamp)) == BEGAN
    found = Counter(type(result) for case in suite for result in case.result)
    assert found == {Failure: 1, Skipped: 3}


@pytest.mark.parametrize("verdict", [Verdict.NOT_TESTED, Verdict.USAGE_ERROR])
def test_run_that_tested_nothing_is_one_error(verdict: Verdict) -> None:
    untested = checked(*(left_out(rule, "the host is not reachable") for rule in RULES))
    run = outcome(verdict, untested, reason="the host is not reachable")
    ((name, case),) = cases_of(verify_junit(run)).items()
    assert name == "retry-contract.run/outcome"
    assert isinstance(result_of(case), Error)
    assert result_of(case).message == "the host is not reachable"
    assert result_of(case).type == str(verdict)


def test_interrupted_run_is_never_all_green() -> None:
    run = dataclasses.replace(NOT_TESTED, contracts=(checked(),), reason="interrupted")
    xml = verify_junit(run)
    assert len(cases_of(xml)) == len(RULES) + 1
    assert row(xml, "outcome", "run").message == "interrupted"
    assert suite_of(xml).errors == 1


def test_drift_that_fails_a_strict_run_is_an_error_with_the_drift() -> None:
    drift = checked(drift=(Drift("/language", "undocumented field"),))
    reason = "drift was found, and --strict makes it a failure"
    error = row(verify_junit(outcome(Verdict.BROKEN, drift, reason=reason)), "outcome", "run")
    assert error.message == reason
    assert "/language: undocumented field" in error.text


HOSTILE = 'a\x00b\x1b[31m \ud800 \uffff \u202e ]]> <script> & " ##vso[task.complete]\n::error::x'


def test_hostile_text_stays_text() -> None:
    hostile = violation(actual=HOSTILE, expected=HOSTILE, seen=HOSTILE)
    run = outcome(Verdict.BROKEN, checked(broken(hostile)), reason=HOSTILE, replay=HOSTILE)
    xml = verify_junit(run)
    failure = row(xml, f"message-id-kept ({AFTER})")
    assert "]]> <script> &" in failure.message
    assert "]]> <script> &" in failure.text
    assert b"##vso[" not in xml
    text = xml.decode()
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_ten_thousand_violations_are_bounded_and_counted() -> None:
    many = tuple(violation(pointer=f"/values/{n}", actual="x" * 5_000) for n in range(10_000))
    failure_count = dataclasses.replace(broken(*many), more=7)
    xml = verify_junit(outcome(Verdict.BROKEN, checked(failure_count, broken(LATER))))
    assert len(xml) < LARGEST / 10
    failure = row(xml, f"message-id-kept ({AFTER})")
    assert failure.text.count("  at        /values/") == 100
    assert "and 9,900 more" in failure.text
    assert len(failure.message) == 1_000
    more = dataclasses.replace(broken(*SHORT), more=7)
    short = verify_junit(outcome(Verdict.BROKEN, checked(more)))
    message = row(short, f"message-id-kept ({AFTER})").message
    assert message.endswith(", at /values/0; and 156 more")


LATER = violation("retrieve-agrees", "/creatorId")
SHORT = tuple(violation(pointer=f"/values/{number}") for number in range(150))


def in_scenario(name: str, finding: Finding | None, *, counts: bool = True) -> ScenarioOutcome:
    return ScenarioOutcome(name, AFTER, counts, 2, 2 if finding else 0, finding)


def consumer(*more: ScenarioOutcome, **changes: Any) -> Readiness:
    found = readiness(lambda response: response["id"])
    return dataclasses.replace(found, scenarios=(*found.scenarios, *more), **changes)


def test_rows_of_a_consumer_are_the_scenarios() -> None:
    found = consumer()
    cases = cases_of(readiness_junit(found))
    assert list(cases) == [f"retry-contract.consumer/{s.name}" for s in found.scenarios]
    assert not any(case.result for case in cases.values())


def test_what_breaks_a_consumer_is_a_failure_with_the_payload_and_the_advice() -> None:
    advice = "let the code pass over\nfields that it does not know"
    finding = Finding(Result.BREAKS, "KeyError: 'x'", {"id": "message_1"}, advice=advice)
    failure = row(readiness_junit(consumer(in_scenario("late", finding))), "late", "consumer")
    assert (type(failure), failure.type) == (Failure, "breaks")
    assert failure.message == "expected a response that is read; came KeyError: 'x'"
    assert '{"id": "message_1"}' in failure.text
    assert "fields that it does not know" in failure.text


def test_what_a_client_does_wrong_is_a_failure_of_its_call() -> None:
    finding = Finding(Result.BREAKS, "it printed the API key", requests=("POST /",))
    xml = readiness_junit(consumer(in_scenario("late", finding), unit="call"))
    message = row(xml, "late", "consumer").message
    assert message.startswith("expected a call that reports what became of the retry")
    assert message.endswith("; came: it printed the API key")


def test_other_reading_is_shown_with_both_values() -> None:
    xml = readiness_junit(readiness(lambda response: {"last": [*response.values()][-1]}))
    failure = row(xml, "paired", "consumer")
    assert failure.type == "differs"
    assert failure.message.startswith('expected "')
    assert '; came "' in failure.message
    assert failure.message.endswith(", at /last")


def test_break_that_does_not_count_is_skipped() -> None:
    finding = Finding(Result.BREAKS, "KeyError: 'x'")
    late = in_scenario("late", finding, counts=False)
    skipped = row(readiness_junit(consumer(late)), "late", "consumer")
    assert isinstance(skipped, Skipped)
    assert skipped.message == "breaks on 2 of 2 payloads; not counted: KeyError: 'x'"


def test_consumer_that_was_not_tested_is_never_all_green() -> None:
    finding = Finding(Result.NOT_TESTED, "nothing can be compared", advice="return plain data")
    xml = readiness_junit(consumer(in_scenario("late", finding)))
    error = row(xml, "outcome", "run")
    assert (type(error), error.type) == (Error, "not tested")
    assert error.message == "Not tested: late."
    assert "In the scenario late: return plain data. Then try it again." in error.text


def test_file_is_read_from_the_folder_of_a_report(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_bytes(verify_junit(RUN))
    assert JUnitXml.fromfile(str(file)).tests == len(RULES)
