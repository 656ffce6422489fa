"""What GitHub's runner is said of code that is not ready, or of which that is not known."""

from __future__ import annotations

import dataclasses

from support.in_process_reader import readiness
from support.outcomes import AFTER

from retry_contract.consumer.readiness import (
    NOTHING_COMPARED,
    Finding,
    Readiness,
    Result,
    ScenarioOutcome,
)
from retry_contract.outcome import Verdict
from retry_contract.report.readiness_annotations import readiness_annotations


def with_findings(*findings: Finding) -> Readiness:
    scenarios = [
        ScenarioOutcome(f"late {number}", AFTER, True, 2, 2, finding)
        for number, finding in enumerate(findings)
    ]
    found = readiness(lambda response: response["id"])
    return dataclasses.replace(found, scenarios=(*found.scenarios, *scenarios))


def test_code_that_was_not_tested_is_a_warning_that_says_why() -> None:
    found = with_findings(NOTHING_COMPARED)
    assert found.verdict is Verdict.NOT_TESTED
    (line,) = map(str, readiness_annotations(found))
    assert line == ("::warning title=retry-contract consumer%3A not tested::Not tested: late 0.")


def test_ready_code_whose_report_is_not_whole_is_an_error() -> None:
    found = dataclasses.replace(with_findings(), unwritten="summary.md could not be written")
    (line,) = map(str, readiness_annotations(found))
    assert line == (
        "::error title=retry-contract consumer%3A usage error::"
        "It is ready, but summary.md could not be written."
    )


def test_failure_is_an_error_with_what_failed_where_and_what_to_do() -> None:
    finding = Finding(Result.BREAKS, "KeyError: 'x'", where="sms.py:3", advice="read it by name")
    (annotation,) = readiness_annotations(with_findings(finding))
    assert (annotation.level, annotation.title) == (
        "error",
        "retry-contract consumer: breaks late 0",
    )
    assert annotation.lines == ("KeyError: 'x'", "at sms.py:3", "to do: read it by name")


def test_what_is_read_otherwise_is_shown_place_by_place() -> None:
    found = readiness(lambda response: {"last": [*response.values()][-1]})
    first, *_ = readiness_annotations(found)
    assert "differs" in first.title
    assert first.lines[0].startswith("/last")


def test_failures_that_no_step_shows_are_counted() -> None:
    findings = [Finding(Result.BREAKS, f"error {number}") for number in range(12)]
    annotations = readiness_annotations(with_findings(*findings))
    assert len(annotations) == 10
    assert annotations[-1].title == "retry-contract: and 3 more causes"
