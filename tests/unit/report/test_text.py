"""What a terminal shows of an outcome."""

from __future__ import annotations

from typing import Any

import pytest
from support.outcomes import AFTER, BEFORE, URL, broken, checked, left_out, outcome, violation

from retry_contract.outcome import Drift, Outcome, RuleResult, RuleState, Verdict
from retry_contract.report.text import (
    cause_lines,
    outcome_lines,
    table_lines,
    verdict_line,
    violation_lines,
)
from retry_contract.rules import RULES
from retry_contract.rules.generated_cases import REQUESTS, SEQUENCES

TWICE_BROKEN = (
    checked(broken(contract=BEFORE), contract=BEFORE),
    checked(broken(violation("key-required", "", place="status", actual="status 201")), broken()),
)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            outcome(Verdict.KEPT, checked()),
            "KEPT by the built-in model of the page; no service was contacted.",
        ),
        (outcome(Verdict.KEPT, checked(), endpoint=URL), f"KEPT by {URL}."),
        (outcome(Verdict.BROKEN, *TWICE_BROKEN), f"BROKEN {BEFORE}, {AFTER}: 3 causes, 2 rules."),
        (
            outcome(Verdict.BROKEN, checked(broken()), reason="interrupted"),
            f"BROKEN {AFTER}: 1 cause, 1 rule; interrupted.",
        ),
        (
            outcome(Verdict.BROKEN, checked(), reason="drift was found"),
            f"BROKEN {AFTER}: drift was found.",
        ),
        (outcome(Verdict.NOT_TESTED, checked(), reason="it is down"), "NOT TESTED: it is down."),
        (outcome(Verdict.USAGE_ERROR, reason="no campaign"), "USAGE ERROR: no campaign."),
    ],
)
def test_outcome_in_one_line(found: Outcome, line: str) -> None:
    assert verdict_line(found) == line


def test_generated_cases_are_counted_and_what_was_cut_is_in_the_last_line() -> None:
    cut = "played within --max-seconds 60"
    requests = RuleResult(REQUESTS, AFTER, RuleState.KEPT, cases=42, asked=50)
    sequences = RuleResult(
        SEQUENCES, AFTER, RuleState.NOT_EXERCISED, reason="none was accepted", cases=1, asked=50
    )
    for verdict in (Verdict.KEPT, Verdict.NOT_TESTED):
        found = outcome(
            verdict, checked(requests, sequences), endpoint=URL, seed=7, max_seconds=60.0
        )
        *_, counts, _, last = outcome_lines(found)
        assert counts == "generated: 42 requests, 1 sequence"
        assert last.endswith(f"; 42 of 50 requests and 1 of 50 sequences {cut}.")


@pytest.mark.parametrize(
    ("more", "ending"), [({}, "1.5 s"), ({"seed": 0}, "1.5 s, seed 0"), ({"seed": 7}, "seed 7")]
)
def test_counts_come_before_the_outcome(more: dict[str, Any], ending: str) -> None:
    contract = checked(broken(), left_out("key-required", "--ignore", ignored=True))
    lines = list(outcome_lines(outcome(Verdict.BROKEN, contract, **more)))
    counts = next(line for line in lines if line.startswith("accepted "))
    assert counts.startswith("accepted 16 of 17    refused 13 of 13    batches 1 of 1    ")
    assert lines[-3].startswith(f"{AFTER}: 7 requests in 1.5 s")
    assert lines[-3].endswith(ending)
    assert lines[-1] == f"BROKEN {AFTER}: 1 cause, 1 rule."


def test_run_that_tested_nothing_has_its_reason_alone() -> None:
    nothing = checked(*(left_out(rule, "it is down") for rule in RULES))
    for found in (
        outcome(Verdict.USAGE_ERROR, reason="no campaign"),
        outcome(Verdict.NOT_TESTED, nothing, reason="it is down"),
    ):
        assert list(outcome_lines(found)) == [f"{found.verdict.upper()}: {found.reason}."]


def test_table_has_a_row_for_each_rule_and_a_column_for_each_contract() -> None:
    skipped = left_out("key-required", "interrupted", contract=BEFORE)
    found = outcome(Verdict.BROKEN, checked(skipped, contract=BEFORE), checked(broken()))
    heading, *rows = table_lines(found)
    assert heading.split() == [BEFORE, AFTER]
    by_rule = {row.split()[0]: row for row in rows if row.startswith("  ")}
    assert list(by_rule) == list(RULES)
    assert by_rule["message-id-kept"].split()[1:] == ["kept", "broken"]
    assert by_rule["key-required"].split()[1:] == ["not", "exercised", "kept"]
    second = heading.index(AFTER)
    assert by_rule["message-id-kept"].index("broken") == second
    assert by_rule["key-required"].index("kept") == second
    assert [row for row in rows if not row.startswith("  ")] == list(
        dict.fromkeys(rule.section for rule in RULES.values())
    )
    assert not [row for row in [heading, *rows] if row != row.rstrip()]
    marked = [row for row in table_lines(found, lambda row: f"!{row}") if row.startswith("!")]
    assert [row.split()[1] for row in marked] == ["message-id-kept"]


def test_broken_rule_says_where_what_and_by_what() -> None:
    first, second = RULES["message-id-kept"].sources
    assert list(violation_lines(broken())) == [
        f"message-id-kept, {AFTER}: {RULES['message-id-kept'].sentence}",
        "  at        /id",
        "  expected  the id in the path",
        "  came      another string of 44 characters",
        "  seen in   accepted, request 2",
        f"  source    {first}",
        f"            {first.address}",
        f"  source    {second}",
        f"            {second.address}",
    ]


@pytest.mark.parametrize("place", ["status", "body", "content-type"])
def test_violation_without_a_pointer_is_at_its_place(place: Any) -> None:
    found = broken(violation("status-is-201", "", place=place))
    assert f"  at        the {place}" in violation_lines(found)


def test_generated_case_names_the_rule_that_it_breaks_and_how_to_replay_it() -> None:
    command = """retry-contract verify --replay '{"request": {}}'"""
    found = violation(case='{"request": {}}', replay=command)
    lines = list(violation_lines(broken(found, rule="generated-requests-answered")))
    assert lines[1] == f"  rule      message-id-kept: {RULES['message-id-kept'].sentence}"
    assert lines[6:8] == ['  case      {"request": {}}', f"  replay    {command}"]


def test_cause_says_what_came_what_it_breaks_and_how_to_see_it_again() -> None:
    same = violation("retrieve-agrees", expected="what Retrieve showed afterwards")
    found = outcome(Verdict.BROKEN, checked(broken(), broken(same)), replay="retry-contract verify")
    heading, *lines = cause_lines(found)
    assert heading == "1  /id is another string of 44 characters"
    assert lines[:3] == [
        "     expected   the id in the path",
        "     seen in    accepted, request 2",
        "     breaks     message-id-kept, retrieve-agrees",
    ]
    assert lines[-3].strip() == RULES["message-id-kept"].sources[0].address
    assert lines[-2:] == ["     replay     retry-contract verify", ""]
    assert max(map(len, lines)) <= 100


def test_causes_of_two_contracts_are_apart_and_name_theirs() -> None:
    headings = [line for line in cause_lines(outcome(Verdict.BROKEN, *TWICE_BROKEN)) if line[:1]]
    assert [line.split("  ")[1] for line in headings if line[0].isdigit()] == [
        *("/id is another string of 44 characters", "/id is another string of 44 characters"),
        "status 201",
    ]
    assert headings[0].endswith(f"  {BEFORE}")


def test_reasons_are_given_once_with_all_their_rules() -> None:
    rules = [*(rule for rule in RULES if rule != "key-required")][:9]
    missing = [left_out(rule, "needs --provision simulator") for rule in rules]
    ignored = left_out("key-required", "--ignore", ignored=True)
    again = left_out(rules[0], "needs --provision simulator", contract=BEFORE)
    found = outcome(Verdict.KEPT, checked(again, contract=BEFORE), checked(*missing, ignored))
    lines = list(outcome_lines(found))
    begin, end = lines.index("not exercised: 9 rules"), lines.index("ignored: 1 rule")
    assert lines[begin + 1].startswith(f"  --provision simulator     {rules[0]}, ")
    assert all(line.startswith(" " * 28) for line in lines[begin + 2 : end])
    assert " ".join(lines).count(rules[0]) == 1
    assert lines[end + 1] == "  --ignore                  key-required"
    assert max(map(len, lines)) <= 100


def test_long_reason_has_its_own_line_and_what_was_not_selected_no_names() -> None:
    reason = "no message in state attempts-spent at hand, and none can be made"
    left = left_out("attempts-capped", reason), left_out("key-required", "not selected")
    lines = list(outcome_lines(outcome(Verdict.KEPT, checked(*left))))
    at = lines.index(f"  {reason}")
    assert lines[at + 1] == " " * 28 + "attempts-capped"
    assert lines[at - 2 : at] == ["not selected: 1 rule", "not exercised: 1 rule"]


def test_drift_is_a_note_and_no_rule() -> None:
    drift = (Drift("/language", "undocumented field"), Drift("", "begins with a byte order mark"))
    lines = list(outcome_lines(outcome(Verdict.KEPT, checked(drift=drift))))
    assert f"drift: /language: undocumented field ({AFTER})" in lines
    assert f"drift: begins with a byte order mark ({AFTER})" in lines


def test_long_pointer_is_not_broken_up() -> None:
    pointer = "/" + "a-b" * 40
    lines = outcome_lines(outcome(Verdict.KEPT, checked(drift=(Drift(pointer, "odd"),))))
    assert any(pointer in line for line in lines)
