"""What the page of a run is given: how it looks, and which entry, drift and rule is where."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from support.outcomes import AFTER, BEFORE, URL, broken, checked, left_out, outcome, violation

from retry_contract.outcome import Drift, Entry, KnownBreaches, RuleResult, RuleState, Verdict
from retry_contract.report.page import verify_page
from retry_contract.report.verify_view import verify_view
from retry_contract.verification.baseline import DRIFT

DAY = date(2026, 1, 5)


def entry(rule: str = "message-id-kept", pointer: str = "/id") -> Entry:
    return Entry(rule, AFTER, pointer, DAY, DAY)


def known(*entries: Entry) -> RuleResult:
    return RuleResult("message-id-kept", AFTER, RuleState.KNOWN, known=entries)


@pytest.mark.parametrize(
    ("verdict", "tone", "headline"),
    [
        (Verdict.KEPT, "kept", f"The service keeps the contract `{AFTER}`"),
        (Verdict.BROKEN, "broken", f"The service does not keep the contract `{AFTER}`"),
        (
            *(Verdict.NOT_TESTED, "na"),
            "This run does not show whether the service keeps the contract",
        ),
        (Verdict.USAGE_ERROR, "na", "The run cannot be done as it was asked for"),
    ],
)
def test_only_a_kept_run_is_green(verdict: Verdict, tone: str, headline: str) -> None:
    contract = checked(broken()) if verdict is Verdict.BROKEN else checked()
    view = verify_view(outcome(verdict, contract, endpoint=URL, reason="why"))
    assert (view["tone"], view["headline"]) == (tone, headline)


def test_headline_names_every_contract_and_drift_that_fails() -> None:
    both = checked(contract=BEFORE), checked()
    said = verify_view(outcome(Verdict.KEPT, *both, endpoint=URL))["headline"]
    assert said == f"The service keeps the contracts `{BEFORE}` and `{AFTER}`"
    drift = checked(drift=(Drift("/language", "undocumented field"),))
    said = verify_view(outcome(Verdict.BROKEN, drift, endpoint=URL))["headline"]
    assert said == "The service sends what the contract does not mention"


def test_known_entries_are_those_of_rules_and_of_drift() -> None:
    drift = entry(DRIFT, "/language")
    run = outcome(
        *(Verdict.KEPT, checked(known(entry()))),
        baseline=KnownBreaches(known=(entry(), drift)),
    )
    assert verify_view(run)["known"] == (entry(), drift)
    assert verify_view(outcome(Verdict.KEPT, checked(known(entry()))))["known"] == (entry(),)


def test_other_entries_stand_under_what_became_of_them() -> None:
    gone, missing, expired = (entry(pointer=f"/{n}") for n in ("gone", "missing", "expired"))
    baseline = KnownBreaches((), (gone,), (missing,), (expired,))
    assert verify_view(outcome(Verdict.KEPT, checked(), baseline=baseline))["entries"] == {
        "Expired, and so counted again": (expired,),
        "Gone: exercised and kept": (gone,),
        "Not exercised this time, and so still in the baseline": (missing,),
    }


def test_what_is_not_shown_is_counted() -> None:
    drift = tuple(Drift(f"/member{number}", "undocumented field") for number in range(103))
    found = tuple(violation(pointer=f"/member{number}") for number in range(105))
    page = verify_page(outcome(Verdict.BROKEN, checked(broken(*found), drift=drift)))
    assert "and at least 3 more drifts" in page
    assert "Not shown: at least 5 more violations." in page


@pytest.mark.parametrize(("year", "word"), [(2024, "from"), (2026, "since")])
def test_contract_is_in_force_from_a_day_that_is_to_come(year: int, word: str) -> None:
    found = outcome(Verdict.KEPT, checked(), began=datetime(year, 3, 2, tzinfo=UTC))
    assert f"in force {word} 24 February 2025" in " ".join(verify_view(found)["facts"])


def test_bar_of_a_section_has_its_states_side_by_side() -> None:
    results = broken(), left_out("template-kept", "needs --message")
    run = outcome(Verdict.BROKEN, checked(*results))
    section: Any = next(s for s in verify_view(run)["sections"] if s.name == "accepted")
    total = sum(section.counts.values())
    assert section.counts[RuleState.BROKEN] == section.counts[RuleState.NOT_EXERCISED] == 1
    assert section.counts[RuleState.KEPT] == total - 2
    assert [state for state, *_ in section.bar] == [
        *(RuleState.KEPT, RuleState.BROKEN, RuleState.NOT_EXERCISED)
    ]
    ends = [round(x + width, 1) for _, x, width in section.bar]
    assert [round(x, 1) for _, x, _ in section.bar] == [0.0, *ends[:-1]]
    assert ends[-1] == 160.0
