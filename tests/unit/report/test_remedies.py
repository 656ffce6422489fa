"""What to do next: what is said where, and what is not."""

from __future__ import annotations

from datetime import date

import pytest
from support.outcomes import AFTER, URL, broken, checked, left_out, outcome, violation

from retry_contract.outcome import Entry, KnownBreaches, Outcome, RuleResult, RuleState, Verdict
from retry_contract.report.remedies import remedies

DAY = date(2026, 1, 5)
ENTRY = Entry("message-id-kept", AFTER, "/id", DAY, DAY)
KNOWN = RuleResult("message-id-kept", AFTER, RuleState.KNOWN, known=(ENTRY,))
LEFT_OUT = left_out("key-required", "needs --states: a key")


def broken_by(rule: str) -> Outcome:
    return outcome(Verdict.BROKEN, checked(broken(violation(rule))), endpoint=URL)


@pytest.mark.parametrize(
    ("rule", "step"),
    [
        ("no-secret-echoed", "if a response shows the API key, have the key replaced"),
        ("no-server-error", "Ask its team for its log of the time of this run."),
        ("one-contract-served", "Some responses keep one contract, and some another."),
    ],
)
def test_rule_that_needs_a_step_of_its_own_has_it_alone(rule: str, step: str) -> None:
    assert step in " ".join(remedies(broken_by(rule)))
    assert step not in " ".join(remedies(broken_by("message-id-kept")))


def test_nothing_is_called_unbroken_where_something_is_known_to_be_broken() -> None:
    fine = "Nothing is broken."
    missing = "What was not exercised is listed below"
    whole = " ".join(remedies(outcome(Verdict.KEPT, checked(LEFT_OUT), endpoint=URL)))
    assert f"{fine} {missing}" in whole
    known = " ".join(remedies(outcome(Verdict.KEPT, checked(KNOWN, LEFT_OUT), endpoint=URL)))
    assert missing in known
    assert fine not in known
    assert "What the baseline knows is still to be mended" in known
    model = " ".join(remedies(outcome(Verdict.KEPT, checked(LEFT_OUT))))
    assert (fine in model, "Nothing to correct." in model) == (False, True)


def test_contract_that_was_superseded_is_named_in_a_run_that_is_kept() -> None:
    given = {"endpoint": URL, "superseded": "24 February 2025"}
    (step,) = remedies(outcome(Verdict.KEPT, checked(), **given))
    assert "The contract that is served was superseded on 24 February 2025" in step


def test_entries_that_have_expired_or_gone_are_to_be_seen_to() -> None:
    run = outcome(Verdict.BROKEN, checked(broken()), endpoint=URL)
    steps = {
        name: " ".join(remedies(outcome(Verdict.BROKEN, *run.contracts, baseline=baseline)))
        for name, baseline in (
            ("expired", KnownBreaches(expired=(ENTRY,))),
            ("gone", KnownBreaches(gone=(ENTRY,))),
            ("neither", KnownBreaches(known=(ENTRY,))),
        )
    }
    said = {
        name: ("have expired and count no more" in text, "`--write-baseline FILE` drops" in text)
        for name, text in steps.items()
    }
    assert said == {"expired": (True, False), "gone": (False, True), "neither": (False, False)}
