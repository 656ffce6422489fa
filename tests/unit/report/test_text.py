"""What a terminal shows of an outcome."""

from __future__ import annotations

from typing import Any

import pytest
from support.outcomes import AFTER, BEFORE, URL, broken, checked, left_out, outcome, violation

from retry_contract.outcome import Drift, Outcome, Verdict
from retry_contract.report.text import (
    closing_lines,
    detail_lines,
    table_lines,
    verdict_line,
    violation_lines,
)
from retry_contract.rules import RULES

TWICE_BROKEN = (
    checked(broken(contract=BEFORE), contract=BEFORE),
    checked(broken(violation("key-required", "")), broken()),
)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            outcome(Verdict.KEPT, checked()),
            "KEPT by the built-in model of the page; no service was contacted.",
        ),
        (outcome(Verdict.KEPT, checked(), endpoint=URL), f"KEPT by {URL}."),
        (outcome(Verdict.BROKEN, *TWICE_BROKEN), "BROKEN: key-required, message-id-kept."),
        (
            outcome(Verdict.BROKEN, checked(broken()), reason="interrupted"),
            "BROKEN: message-id-kept (interrupted).",
        ),
        (outcome(Verdict.BROKEN, checked(), reason="drift was found"), "BROKEN: drift was found."),
        (outcome(Verdict.NOT_TESTED, checked(), reason="it is down"), "NOT TESTED: it is down."),
        (outcome(Verdict.USAGE_ERROR, reason="no campaign"), "USAGE ERROR: no campaign."),
    ],
)
def test_outcome_in_one_line(found: Outcome, line: str) -> None:
    assert verdict_line(found) == line


@pytest.mark.parametrize(
    ("more", "ending"), [({}, "1.50 s"), ({"seed": 0}, "1.50 s, seed 0"), ({"seed": 7}, "seed 7")]
)
def test_counts_come_before_the_outcome(more: dict[str, Any], ending: str) -> None:
    contract = checked(broken(), left_out("key-required", "--ignore", ignored=True))
    counts, line = closing_lines(outcome(Verdict.BROKEN, contract, **more))
    kept = len(RULES) - 2
    assert counts.startswith(
        f"{kept} kept, 1 broken, 1 ignored, 0 not exercised; 7 requests, 1.50 s"
    )
    assert counts.endswith(ending)
    assert line == "BROKEN: message-id-kept."


def test_run_without_a_contract_has_nothing_to_count() -> None:
    assert list(closing_lines(outcome(Verdict.USAGE_ERROR, reason="no campaign"))) == [
        "USAGE ERROR: no campaign."
    ]


def test_table_has_a_row_for_each_rule_and_a_column_for_each_contract() -> None:
    skipped = left_out("key-required", "interrupted", contract=BEFORE)
    heading, *rows = table_lines(
        outcome(Verdict.BROKEN, checked(skipped, contract=BEFORE), checked(broken()))
    )
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


def test_broken_rule_says_where_what_and_by_what() -> None:
    assert list(violation_lines(broken())) == [
        f"message-id-kept, {AFTER}: {RULES['message-id-kept'].sentence}",
        "  at        /id",
        "  expected  the id in the path",
        "  came      another string of 44 characters",
        "  seen in   accepted, request 2",
        "  source    P3, P8 (basis: page)",
    ]


def test_violation_of_the_whole_response_is_at_the_response() -> None:
    assert "  at        the response" in violation_lines(broken(violation("status-is-201", "")))


def test_generated_case_names_the_rule_that_it_breaks_and_how_to_replay_it() -> None:
    command = """retry-contract verify --replay '{"request": {}}'"""
    found = violation(case='{"request": {}}', replay=command)
    lines = list(violation_lines(broken(found, rule="generated-requests-answered")))
    assert lines[1] == "  rule      message-id-kept: P3, P8"
    assert lines[-3:-1] == ['  case      {"request": {}}', f"  replay    {command}"]
    assert lines[-1].startswith(f"  source    {RULES['generated-requests-answered'].source}")


def test_nothing_but_kept_rules_has_no_details() -> None:
    assert list(detail_lines(outcome(Verdict.KEPT, checked()))) == []


def test_details_tell_of_every_broken_rule_apart() -> None:
    lines = list(detail_lines(outcome(Verdict.BROKEN, *TWICE_BROKEN)))
    assert [line.partition(":")[0] for line in lines if line.startswith("BROKEN ")] == [
        f"BROKEN message-id-kept, {BEFORE}",
        f"BROKEN message-id-kept, {AFTER}",
        f"BROKEN key-required, {AFTER}",
    ]
    assert lines.count("") == 3


def test_reasons_are_told_once_with_all_their_rules() -> None:
    rules = [*(rule for rule in RULES if rule != "key-required")][:9]
    missing = [left_out(rule, "needs --provision simulator") for rule in rules]
    ignored = left_out("key-required", "--ignore", ignored=True)
    again = left_out(rules[0], "needs --provision simulator", contract=BEFORE)
    lines = list(
        detail_lines(
            outcome(Verdict.KEPT, checked(again, contract=BEFORE), checked(*missing, ignored))
        )
    )
    assert lines[0] == ""
    assert lines[1].startswith(f"not exercised (needs --provision simulator): {rules[0]},")
    assert all(line.startswith("  ") for line in lines[2:-1])
    assert " ".join(lines).count(rules[0]) == 1
    assert lines[-1] == "ignored (--ignore): key-required"
    assert max(map(len, lines)) <= 88


def test_drift_is_a_note_and_no_rule() -> None:
    drift = (Drift("/language", "undocumented field"), Drift("", "begins with a byte order mark"))
    assert list(detail_lines(outcome(Verdict.KEPT, checked(drift=drift)))) == [
        "",
        f"drift: /language: undocumented field ({AFTER})",
        f"drift: the body: begins with a byte order mark ({AFTER})",
    ]


def test_long_pointer_is_not_broken_up() -> None:
    pointer = "/" + "a-b" * 40
    (_, *lines) = detail_lines(outcome(Verdict.KEPT, checked(drift=(Drift(pointer, "odd"),))))
    assert any(pointer in line for line in lines)
