from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support.outcomes import AFTER, BEFORE, broken, checked, left_out, outcome

from retry_contract.outcome import Entry, KnownBreaches, RuleResult, RuleState, Verdict
from retry_contract.report.known import entry_text, known_clause, known_lines
from retry_contract.report.summary import summary
from retry_contract.report.text import verdict_line
from retry_contract.rules import ESSENTIAL
from retry_contract.verification.baseline import DRIFT

DAY = date(2026, 1, 5)


def entry(rule: str = "message-id-kept", pointer: str = "/id", **more: Any) -> Entry:
    return Entry(rule, AFTER, pointer, DAY, DAY, **more)


def known(rule: str, contract: str = AFTER) -> RuleResult:
    return RuleResult(rule, contract, RuleState.KNOWN, known=(entry(rule),))


def test_entry_is_a_line_with_what_people_wrote() -> None:
    told = entry(expires=date(2026, 12, 31), ticket="SMS-1", reason="the vendor mends it")
    assert entry_text(told) == (
        f"message-id-kept at /id ({AFTER}, since 2026-01-05, until 2026-12-31; SMS-1; "
        "the vendor mends it)"
    )
    assert entry_text(entry(pointer="")) == f"message-id-kept ({AFTER}, since 2026-01-05)"


def test_first_hundred_entries_are_shown_and_the_rest_counted() -> None:
    many = tuple(entry(pointer=f"/member{number}") for number in range(103))
    found = outcome(Verdict.KEPT, checked(), baseline=KnownBreaches(gone=many))
    lines = list(known_lines(found))
    assert (len(lines), lines[-1]) == (102, "  and 3 more")
    assert "  - and 3 more\n" in summary(found)


def test_outcome_line_counts_each_rule_once_over_the_contracts() -> None:
    both = [checked(known("message-id-kept", name), contract=name) for name in (BEFORE, AFTER)]
    assert known_clause(outcome(Verdict.KEPT, *both)) == "; 1 rule is known to be broken"
    assert known_clause(outcome(Verdict.KEPT, checked())) == ""


def test_outcome_line_says_if_one_contract_is_wholly_hidden() -> None:
    hidden = checked(*map(known, ESSENTIAL))
    found = outcome(Verdict.KEPT, checked(contract=BEFORE), hidden)
    assert known_clause(found).endswith(
        "each about an accepted retry that was exercised among them"
    )


def test_outcome_line_says_that_drift_is_known() -> None:
    drift = KnownBreaches(known=(entry(DRIFT, "/language"),))
    assert known_clause(outcome(Verdict.KEPT, checked(), baseline=drift)) == "; drift is known"
    both = outcome(Verdict.KEPT, checked(known("message-id-kept")), baseline=drift)
    assert known_clause(both) == "; 1 rule is known to be broken; drift is known"
    rule = outcome(Verdict.KEPT, checked(), baseline=KnownBreaches(known=(entry(),)))
    assert known_clause(rule) == ""


def test_rule_that_was_not_exercised_keeps_nothing_from_being_wholly_hidden() -> None:
    first, *others = sorted(ESSENTIAL)
    hidden = checked(known(first), *(left_out(rule, "needs --message") for rule in others))
    assert "each about an accepted retry" in known_clause(outcome(Verdict.KEPT, hidden))


def test_every_entry_is_told_by_what_became_of_it() -> None:
    groups = [(entry(pointer=f"/{name}"),) for name in ("known", "gone", "missing", "expired")]
    lines = "\n".join(
        known_lines(outcome(Verdict.KEPT, checked(), baseline=KnownBreaches(*groups)))
    )
    for heading, pointer in (
        ("known, by the baseline: 1 entry", "/known"),
        ("expired in the baseline, and so broken: 1 entry", "/expired"),
        ("gone since the baseline was written; --write-baseline drops: 1 entry", "/gone"),
        ("in the baseline, and not exercised this time: 1 entry", "/missing"),
    ):
        assert f"{heading}\n  message-id-kept at {pointer} (" in lines


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((), "1 rule."),
        ((entry(),), "1 rule; 1 entry of the baseline has expired."),
        ((entry(), entry(pointer="/x")), "1 rule; 2 entries of the baseline have expired."),
    ],
)
def test_outcome_and_what_to_do_say_that_an_entry_has_expired(
    entries: tuple[Entry, ...], said: str
) -> None:
    found = outcome(Verdict.BROKEN, checked(broken()), baseline=KnownBreaches(expired=entries))
    assert verdict_line(found).endswith(said)
    todo = summary(found).partition("**What to do.** ")[2]
    assert todo.startswith("Entries of the baseline have expired") is bool(entries)


def test_what_people_wrote_is_no_link_and_no_cell() -> None:
    wrote = entry(reason="\\[Approved](http://evil.example) \\| <b>")
    found = outcome(Verdict.KEPT, checked(), baseline=KnownBreaches(known=(wrote,)))
    assert "\\\\\\[Approved](http://evil.example) \\\\\\| &lt;b>" in summary(found)
