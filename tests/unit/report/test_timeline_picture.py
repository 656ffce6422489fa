"""The picture of a timeline, of whatever contracts."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import Timeline, as_instant, read_timeline
from retry_contract.report.timeline_picture import SLOT, picture

RUN = as_instant("2026-03-02")


def three() -> Timeline:
    """A timeline with a later contract, of other names."""
    rows = (("one", None), ("two", "2025-02-24"), ("three", "2027-01-01"))
    contracts = [
        {"name": f"contract-{n}", "alias": n, "summary": "another field", "effectiveFrom": day}
        for n, day in rows
    ]
    return read_timeline({"contracts": contracts})


def test_days_are_in_order_and_one_slot_apart() -> None:
    found = picture(catalogue().timeline, RUN, {})
    assert [(day.day, day.names) for day in found.days] == [
        ("27 January 2025", ("announced, then moved", "transition begins")),
        ("24 February 2025", ("cutover", "announced")),
        ("25 February 2025", ("transition ends",)),
        ("2 March 2026", ("this run",)),
    ]
    assert {new.x - old.x for old, new in pairwise(found.days)} == {SLOT}
    assert [day.kind for day in found.days] == ["other", "cutover", "other", "this-run"]
    assert found.transitions == ((found.days[0].x, 2 * SLOT),)


def test_bands_meet_at_the_cutover_and_fill_the_picture() -> None:
    found = picture(catalogue().timeline, RUN, {"after-2025-02-24": "broken"})
    before, after = found.bands
    assert before.x + before.width == after.x == found.days[1].x
    assert after.x + after.width < found.width
    assert (before.state, after.state) == ("", "broken")


def test_a_later_contract_has_its_own_band_and_the_run_comes_before_it() -> None:
    found = picture(three(), RUN, {"contract-two": "kept"})
    assert [(band.name, band.state) for band in found.bands] == [
        ("contract-one", ""),
        ("contract-two", "kept"),
        ("contract-three", ""),
    ]
    assert [day.kind for day in found.days] == ["cutover", "this-run", "cutover"]
    assert all(old.x + old.width == new.x for old, new in pairwise(found.bands))


def test_run_at_the_instant_of_a_cutover_is_one_mark() -> None:
    found = picture(three(), as_instant("2027-01-01"), {})
    assert found.days[-1].names == ("cutover", "this run")
    assert found.days[-1].kind == "this-run"


def test_picture_without_a_run_has_no_mark_of_it() -> None:
    found = picture(three(), None, {})
    assert [day.kind for day in found.days] == ["cutover", "cutover"]


def test_title_reads_the_picture_out() -> None:
    found = picture(three(), RUN + timedelta(hours=1), {})
    assert (
        found.title == "24 February 2025: cutover; 2 March 2026: this run; 1 January 2027: cutover"
    )


def test_day_has_its_instant_and_what_is_announced_for_it() -> None:
    first, cutover, *_ = picture(catalogue().timeline, RUN, {}).days
    assert cutover.instant == "2025-02-24T00:00:00+08:00"
    assert cutover.notes[0].startswith("after-2025-02-24 takes effect: creatorId, ")
    assert first.notes[-1] == "the contract before it and this one may be served"
    assert all(cutover.notes)
