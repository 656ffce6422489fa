from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, tzinfo
from typing import Any

import pytest
from support.outcomes import AFTER, BEFORE, broken, checked, left_out, violation

from retry_contract.outcome import Drift, Entry, KnownBreaches, RuleResult, RuleState
from retry_contract.rules import RULES
from retry_contract.rules.generated_cases import SEQUENCES
from retry_contract.verification import baseline as module
from retry_contract.verification.baseline import (
    DRIFT,
    Baseline,
    breaches,
    general_pointer,
    key_of,
)

TODAY, EARLIER = date(2026, 3, 2), date(2026, 1, 5)
PLACE = ("message-id-kept", AFTER, "/id")
ID = (*PLACE, "")


def entry(rule: str = ID[0], pointer: str = "/id", contract: str = AFTER, **more: Any) -> Entry:
    return Entry(rule, contract, pointer, EARLIER, EARLIER, **more)


def baseline(*entries: Entry) -> Baseline:
    return Baseline({key_of(one): one for one in entries}, TODAY)


def generated(*found: Any) -> RuleResult:
    return RuleResult(SEQUENCES, AFTER, RuleState.BROKEN, found)


def test_breach_that_is_known_leaves_its_rule_known() -> None:
    applied = baseline(entry()).apply(broken())
    assert (applied.state, applied.violations) == (RuleState.KNOWN, ())
    assert applied.known == (entry(),)


def test_breach_elsewhere_leaves_the_rule_broken_by_it_alone() -> None:
    new = violation(pointer="/campaignId")
    applied = baseline(entry()).apply(broken(violation(), new))
    assert (applied.state, applied.violations) == (RuleState.BROKEN, (new,))
    assert applied.known == (entry(),)


@pytest.mark.parametrize(
    "other", [entry("campaign-id-kept"), entry(contract=BEFORE), entry(pointer="/id/x")]
)
def test_entry_of_another_rule_contract_or_place_hides_nothing(other: Entry) -> None:
    assert baseline(other).apply(broken()) == broken()


def test_entry_counts_on_the_day_on_which_it_expires_and_not_after() -> None:
    last = baseline(entry(expires=TODAY))
    over = baseline(entry(expires=date(2026, 3, 1)))
    assert last.apply(broken()).state is RuleState.KNOWN
    assert over.apply(broken()) == broken()
    assert over.compared([checked(broken())], strict=False).expired == tuple(over.entries.values())


def test_what_is_not_shown_may_be_new_and_so_the_rule_stays_broken() -> None:
    many = dataclasses.replace(broken(), more=3)
    assert baseline(entry()).apply(many) == many


@pytest.mark.parametrize(
    ("pointer", "general"),
    [
        ("", ""),
        ("/id", "/id"),
        ("/attempts/12/status", "/attempts/*/status"),
        ("/attempts/*/status", "/attempts/*/status"),
        ("/Tan Ah Kow", "/[masked]"),
        ("/[masked]/x", "/[masked]/x"),
    ],
)
def test_pointer_of_an_entry_has_no_index_and_no_person(pointer: str, general: str) -> None:
    assert general_pointer(pointer) == general


def test_generated_case_is_known_by_the_entry_of_the_rule_that_it_breaks() -> None:
    assert baseline(entry()).apply(generated(violation())).state is RuleState.KNOWN
    own = entry(SEQUENCES)
    assert baseline(own).apply(generated(violation())).known == (own,)


def test_generated_case_has_an_entry_of_its_own_only_if_nothing_else_shows_it() -> None:
    assert breaches([checked(generated(violation()))], strict=False) == {
        (SEQUENCES, AFTER, "/id", ""): ""
    }
    assert breaches([checked(broken(), generated(violation()))], strict=False) == {ID: ""}
    known = baseline(entry()).apply(broken())
    assert breaches([checked(known, generated(violation()))], strict=False) == {ID: ""}


def test_entry_is_gone_once_its_rule_is_exercised_and_not_broken_there() -> None:
    known = baseline(entry(), entry("campaign-id-kept"))
    kept = known.compared([checked()], strict=False)
    assert (len(kept.gone), kept.known, kept.not_exercised) == (2, (), ())
    elsewhere = broken(violation(pointer="/id/x"))
    assert entry() in known.compared([checked(elsewhere)], strict=False).gone


@pytest.mark.parametrize(
    "result",
    [
        left_out(ID[0], "needs --message"),
        left_out(ID[0], "--ignore", ignored=True),
        RuleResult(ID[0], AFTER, RuleState.KEPT, asked=50, cases=3),
        dataclasses.replace(broken(violation(pointer="/x")), more=1),
    ],
    ids=["not exercised", "ignored", "cut off", "not all shown"],
)
def test_entry_stays_where_its_rule_was_not_seen_in_full(result: RuleResult) -> None:
    known = baseline(entry())
    assert known.compared([checked(result)], strict=False).not_exercised == (entry(),)
    assert entry() in known.updated([checked(result)], strict=False).entries.values()


def test_entry_of_a_contract_that_was_not_asked_for_stays() -> None:
    known = baseline(entry(contract=BEFORE))
    assert known.updated([checked()], strict=False).entries == known.entries


def test_update_keeps_what_people_wrote_and_drops_what_is_gone() -> None:
    written = entry(reason="the vendor mends it", ticket="SMS-1", expires=date(2026, 2, 1))
    known = baseline(written, entry("campaign-id-kept"))
    new = violation("template-kept", "/templateBodyId")
    entries = known.updated([checked(broken(), broken(new))], strict=False).entries
    assert entries == {
        ID: dataclasses.replace(written, last_seen=TODAY),
        ("template-kept", AFTER, "/templateBodyId", ""): Entry(
            *("template-kept", AFTER, "/templateBodyId"), TODAY, TODAY
        ),
    }


def test_clock_that_goes_back_moves_no_day_back() -> None:
    seen = Entry(*PLACE, EARLIER, date(2027, 1, 1))
    assert baseline(seen).updated([checked(broken())], strict=False).entries == {ID: seen}


def test_drift_is_in_it_only_with_strict() -> None:
    drifting = checked(drift=(Drift("/language", "undocumented field"),))
    key = (DRIFT, AFTER, "/language", "")
    assert breaches([drifting], strict=False) == {}
    assert breaches([drifting], strict=True) == {key: ""}
    known = baseline(entry(DRIFT, "/language"))
    assert known.apply_to_drift(drifting).drift == ()
    assert known.compared([drifting], strict=True).known == (known.entries[key],)
    assert known.compared([drifting], strict=False) == KnownBreaches()
    assert known.updated([checked()], strict=False).entries == known.entries
    assert known.compared([checked()], strict=True).gone == (known.entries[key],)


def test_drift_of_which_not_all_is_shown_stays() -> None:
    drifting = checked(drift=(Drift("/language", "undocumented field"),))
    many = dataclasses.replace(drifting, more=1)
    assert baseline(entry(DRIFT, "/language")).apply_to_drift(many) == many


def test_known_and_new_are_told_apart_where_more_was_found_than_is_shown() -> None:
    new = violation(pointer="/campaignId")
    many = dataclasses.replace(broken(violation(), new), more=3)
    applied = baseline(entry()).apply(many)
    assert (applied.state, applied.violations, applied.more) == (RuleState.BROKEN, (new,), 3)


def test_known_entries_are_in_one_order() -> None:
    other = entry(pointer="/campaignId")
    found = broken(violation(), violation(pointer="/campaignId"))
    assert baseline(entry(), other).apply(found).known == (other, entry())


def test_file_is_sorted_so_that_a_new_entry_moves_none() -> None:
    known = baseline(entry("template-kept"), entry("campaign-id-kept"))
    updated = known.updated([], strict=False)
    assert list(updated.entries) == sorted(known.entries)


def test_place_with_a_masked_name_is_never_known_and_never_written() -> None:
    masked = violation(pointer="/Tan Ah Kow")
    known = baseline(entry(pointer="/[masked]"))
    assert known.apply(broken(masked)) == broken(masked)
    updated = baseline().updated([checked(broken(masked))], strict=False)
    assert (updated.entries, updated.left_out) == ({}, 1)


def test_place_that_is_too_long_for_the_file_is_left_out() -> None:
    deep = violation(pointer="/a" * 501)
    updated = baseline().updated([checked(broken(deep))], strict=False)
    assert (updated.entries, updated.left_out) == ({}, 1)


def test_expired_entry_that_only_generated_cases_show_keeps_what_people_wrote() -> None:
    written = entry(reason="the vendor mends it", ticket="SMS-1", expires=date(2026, 2, 1))
    known = baseline(written)
    found = [checked(generated(violation()))]
    assert known.compared(found, strict=False).expired == (written,)
    updated = known.updated(found, strict=False)
    assert list(updated.entries.values()) == [dataclasses.replace(written, last_seen=TODAY)]


@pytest.mark.parametrize("left", ["more", "nothing accepted"])
def test_drift_is_gone_only_if_all_of_it_could_be_seen(left: str) -> None:
    result = dataclasses.replace(checked(), more=1)
    if left != "more":
        accepted = [r.id for r in RULES.values() if r.section == "accepted"]
        result = checked(*(left_out(rule, "needs --message") for rule in accepted))
    known = baseline(entry(DRIFT, "/language"))
    assert known.compared([result], strict=True).not_exercised == tuple(known.entries.values())
    assert known.updated([result], strict=True).entries == known.entries


def test_day_is_that_of_singapore(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime(2026, 3, 2, 16, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr(module, "datetime", Late)
    assert module.today_in_singapore() == date(2026, 3, 3)


def test_drift_whose_entry_has_expired_is_new_again() -> None:
    drifting = checked(drift=(Drift("/language", "undocumented field"),))
    over = baseline(entry(DRIFT, "/language", expires=EARLIER))
    assert over.apply_to_drift(drifting) == drifting
    assert over.compared([drifting], strict=True).expired == tuple(over.entries.values())


def test_entry_that_has_expired_is_known_no_more_and_gone_once_it_is_mended() -> None:
    seen, mended = entry(expires=EARLIER), entry("campaign-id-kept", expires=EARLIER)
    unseen = entry("template-kept", expires=EARLIER)
    over = baseline(seen, mended, unseen)
    found = [checked(broken(), left_out("template-kept", "needs --message"))]
    assert over.compared(found, strict=False) == KnownBreaches((), (mended,), (unseen,), (seen,))
    kept = over.updated(found, strict=False).entries.values()
    assert {one.rule for one in kept} == {seen.rule, unseen.rule}


def test_drift_is_gone_even_if_a_rule_about_accepted_retries_was_left_out() -> None:
    known = baseline(entry(DRIFT, "/language"))
    found = [checked(left_out("template-kept", "needs --message"))]
    assert known.compared(found, strict=True).gone == tuple(known.entries.values())
