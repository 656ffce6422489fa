"""What a merge request shows of an outcome."""

from __future__ import annotations

import pytest
from support.outcomes import AFTER, BEFORE, broken, checked, left_out, outcome, violation

from retry_contract.outcome import Drift, Outcome, Verdict
from retry_contract.report.summary import summary

ODD_ID = "/id is another string of 44 characters"
ODD = (Drift("/a|b`c", "a <b> | c"), Drift("", "begins with a byte order mark"))


def _todo(found: Outcome) -> str:
    (line,) = [line for line in summary(found).splitlines() if line.startswith("**What to do.**")]
    return line.removeprefix("**What to do.** ")


def test_kept_outcome_has_no_table_and_nothing_to_do() -> None:
    lines = summary(outcome(Verdict.KEPT, checked())).splitlines()
    assert lines[0] == "## retry-contract: kept"
    assert lines[2] == "KEPT by the built-in model of the page; no service was contacted."
    assert lines[4] == "**What to do.** Nothing to do."
    assert not [line for line in lines if line.startswith(("|", "-"))]


def test_cause_is_a_row_with_its_contract_rules_and_source() -> None:
    whole = violation("status-is-201", "", place="status", expected="201", actual="status 200")
    first = checked(broken(contract=BEFORE), contract=BEFORE)
    lines = summary(outcome(Verdict.BROKEN, first, checked(broken(whole)))).splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ") and "`" in line]
    assert [row[:5] for row in rows] == [
        [
            "| /id is another string of 44 characters",
            "the id in the path",
            "accepted, request 2",
            BEFORE,
            "`message-id-kept`",
        ],
        ["| status 200", "201", "accepted, request 2", AFTER, "`status-is-201`"],
    ]
    assert rows[0][5].startswith("the message keeps its id ([guide, Single Send - Retry](https://")


def test_names_of_a_service_s_choice_break_no_table_and_are_no_markup() -> None:
    found = violation(pointer="/a|b`c", expected="x | [y](z)", actual="<img src=x>")
    text = summary(outcome(Verdict.BROKEN, checked(broken(found), drift=ODD)))
    assert "| /a\\|b'c is &lt;img src=x> | x \\| \\[y](z) |" in text
    assert f"- drift in {AFTER}: `/a\\|b'c`: a &lt;b> \\| c" in text
    assert f"- drift in {AFTER}: the body: begins with a byte order mark" in text


def test_command_that_shows_it_again_is_code() -> None:
    text = summary(outcome(Verdict.BROKEN, checked(broken()), replay="retry-contract verify"))
    assert text.endswith("\nTo see it again: `retry-contract verify`\n")


def test_what_was_left_out_is_listed_with_its_reason() -> None:
    contract = checked(
        left_out("key-required", "--ignore", ignored=True),
        left_out("attempts-capped", "needs --provision simulator"),
    )
    lines = summary(outcome(Verdict.KEPT, contract)).splitlines()
    assert "- not exercised (needs --provision simulator): attempts-capped" in lines
    assert "- ignored (--ignore): key-required" in lines


@pytest.mark.parametrize(
    ("found", "todo"),
    [
        (outcome(Verdict.BROKEN, checked(broken())), "Show the service's team what is broken"),
        (
            outcome(Verdict.BROKEN, checked(broken(), drift=ODD)),
            "Show the service's team what is broken",
        ),
        (
            outcome(Verdict.BROKEN, checked(drift=ODD), reason="drift was found"),
            "The drift is what the contract does not mention, and breaks no rule.",
        ),
        (
            outcome(Verdict.NOT_TESTED, checked(), reason="interrupted"),
            "Correct what the reason names, and run again: this run says nothing",
        ),
        (
            outcome(Verdict.USAGE_ERROR, reason="no campaign"),
            "Correct the command as the reason says",
        ),
    ],
)
def test_every_outcome_says_what_to_do(found: Outcome, todo: str) -> None:
    assert _todo(found).startswith(todo)


def test_summary_ends_in_one_newline() -> None:
    text = summary(outcome(Verdict.USAGE_ERROR, reason="no campaign"))
    assert "\nUSAGE ERROR: no campaign.\n" in text
    assert text.endswith("run again.\n")
