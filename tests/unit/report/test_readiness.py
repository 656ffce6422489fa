"""What a check of a consumer found, as a person reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from support.in_process_reader import readiness

from retry_contract.consumer.readiness import Finding, Readiness, Result, ScenarioOutcome
from retry_contract.report.readiness_report import readiness_document, readiness_lines
from retry_contract.report.readiness_text import outcome_line

Payload = dict[str, Any]


def lines_of(found: Readiness, label: str) -> list[str]:
    shown = [line for line in readiness_lines(found) if line.startswith(f"  {label} ")]
    return [line[12:] for line in shown]


def paired_finding(found: Readiness) -> Finding:
    finding = next(s.finding for s in found.scenarios if s.name == "paired")
    assert finding is not None
    return finding


def test_what_was_read_differently_is_shown_with_both_values() -> None:
    def last(response: Payload) -> Any:
        value = str([*response.values()][-1])
        return {"campaign": value, "all": [value.upper()], "n": len(response)}

    found = readiness(last)
    read = lines_of(found, "read")
    assert read[0].startswith('/campaign is "')
    assert ' instead of "user_' in read[0]
    pointers = {place.pointer for place in paired_finding(found).differs}
    assert pointers == {"/campaign", "/all/0", "/n"}
    document = readiness_document(found)["scenarios"][4]
    assert document["differs"] == [place["pointer"] for place in document["read"]]


def test_a_long_list_is_shortened_in_the_text_alone() -> None:
    found = readiness(lambda response: [[*response.values()][-1]] * 5)
    assert lines_of(found, "read")[3] == "and 2 more"
    assert len(readiness_document(found)["scenarios"][2]["differs"]) == 5


MANY = Finding(Result.BREAKS, "ValueError", requests=tuple(map(str, range(9))))


def broken_in(*names: str, finding: Finding = MANY) -> Readiness:
    found = readiness(lambda response: response["id"])
    more = [ScenarioOutcome(name, "after-2025-02-24", True, 2, 2, finding) for name in names]
    return replace(found, scenarios=(*found.scenarios, *more), unit="call")


def test_a_heading_of_many_scenarios_is_wrapped_between_them() -> None:
    names = [f"400 refusal number {number}" for number in range(9)]
    lines = [*readiness_lines(broken_in(*names))]
    begin = lines.index(next(line for line in lines if line.startswith("BREAKS")))
    heading = lines[begin : begin + 3]
    assert all(len(line) <= 100 for line in heading)
    assert "BREAKS " + "; ".join(names) == " ".join(line.strip() for line in heading)
    assert all(line.endswith(";") for line in heading[:2])


def test_a_payload_is_wrapped_between_its_members_and_stays_json() -> None:
    def close(response: Payload) -> None:
        if len(response["fullMessage"]) > 100:
            raise ValueError("long, and more")

    found = readiness(close, 100)
    lines = [*readiness_lines(found)]
    begin = next(n for n, line in enumerate(lines) if line.startswith("  payload   {"))
    end = next(n for n, line in enumerate(lines) if line.startswith("  oddity"))
    shown = "".join(line[12:] for line in lines[begin:end])
    finding = found.scenarios[0].finding
    assert finding is not None
    assert json.loads(shown) == finding.payload
    assert 5 < end - begin <= 10
    assert all(len(line) <= 100 or "fullMessage" in line for line in lines[begin:end])


def test_the_outcome_comes_first_then_why_and_notes_last() -> None:
    found = readiness(lambda _: None)
    lines = [*readiness_lines(found)]
    assert outcome_line(found).startswith("READY for after-2025-02-24")
    assert (lines[0], lines[1][:6]) == ("", "before")
    assert lines[-3].startswith("It returned the same of every payload, so")
    assert lines[-1].startswith("seed 7, ")
    assert readiness_document(found)["format"] == 1


def test_advice_of_several_lines_stays_so() -> None:
    finding = Finding(Result.BREAKS, "x", requests=("GET /",), advice="one\n    two")
    found = broken_in("one", finding=finding)
    lines = [*readiness_lines(found)]
    begin = lines.index("  to do     one")
    assert lines[begin + 1] == "                two"


def test_the_reason_and_the_requests_name_the_first_few() -> None:
    found = broken_in("one", "two", "three", "four", "five")
    assert (
        next(readiness_lines(found)) == "It fails in some scenarios: one; two; three; and 2 more."
    )
    assert lines_of(found, "asked") == ["0", "1", "2", "3", "4", "5", "and 3 more"]


def test_all_payloads_of_one_scenario_are_not_called_some() -> None:
    found = readiness(lambda response: [*response.values()][-1])
    reason = readiness_document(found)["reason"]
    assert reason.startswith("It fails in some scenarios: ")


def test_what_a_client_does_in_several_scenarios_is_shown_once() -> None:
    base = broken_in("one", "two")
    finding = [
        replace(scenario, finding=replace(MANY, error=f"it returned: {scenario.name}"))
        for scenario in base.scenarios[-2:]
    ]
    lines = [*readiness_lines(replace(base, scenarios=(*base.scenarios[:-2], *finding)))]
    assert [line for line in lines if line.startswith("BREAKS")] == ["BREAKS one; two"]


def test_two_errors_of_a_reader_are_shown_apart() -> None:
    def strict(response: Payload) -> Any:
        raise ValueError("no creatorId" if "creatorId" not in response else "no uuid")

    lines = [*readiness_lines(readiness(strict))]
    assert len([line for line in lines if line.startswith("BREAKS")]) == 2
    assert lines[0].startswith("It fails on every payload of both contracts: ValueError: no uuid.")
