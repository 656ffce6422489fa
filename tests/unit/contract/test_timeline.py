"""Which contract is in force, to the second and in every offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect, expect_at
from retry_contract.contract.timeline import (
    SINGAPORE,
    InvalidInstant,
    Period,
    Timeline,
    as_instant,
    show,
)

TIMELINE = catalogue().timeline
CUTOVER = datetime(2025, 2, 24, tzinfo=SINGAPORE)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@pytest.mark.parametrize(
    ("when", "alias"),
    [
        ("2025-02-23T23:59:59+08:00", "before"),
        ("2025-02-24T00:00:00+08:00", "after"),
        ("2025-02-23T23:59:59.999999999+08:00", "before"),
        ("2025-02-24T00:00:00.000+08:00", "after"),
        ("2025-02-23T15:59:59Z", "before"),
        ("2025-02-23T16:00:00Z", "after"),
        ("2025-02-23t15:59:59z", "before"),
        ("2025-02-23t16:00:00z", "after"),
        ("2025-02-23T10:59:59-05:00", "before"),
        ("2025-02-23T11:00:00-05:00", "after"),
        ("2025-02-24T05:44:59+13:45", "before"),
        ("2025-02-24T05:45:00+13:45", "after"),
        ("2025-02-23", "before"),
        ("2025-02-24", "after"),
        ("0001-01-01", "before"),
        ("0001-01-01T00:00:00+14:00", "before"),
        ("9999-12-31", "after"),
        ("9999-12-31T23:59:59-10:00", "after"),
        (date(2025, 2, 23), "before"),
        (date(2025, 2, 24), "after"),
        (datetime(2025, 2, 23, 15, 59, 59, tzinfo=UTC), "before"),
        (datetime(2025, 2, 23, 16, tzinfo=UTC), "after"),
    ],
)
def test_contract_in_force(when: str | date | datetime, alias: str) -> None:
    assert TIMELINE.at(when).alias == alias


@given(
    st.integers(-60 * 60 * 24 * 3, 60 * 60 * 24 * 3),
    OFFSETS,
)
def test_offset_never_decides(seconds: int, offset: timezone) -> None:
    instant = CUTOVER + timedelta(seconds=seconds)
    expected = "after" if seconds >= 0 else "before"
    assert TIMELINE.at(instant).alias == expected
    assert TIMELINE.at(instant.astimezone(offset)).alias == expected
    assert TIMELINE.at(instant.astimezone(offset).isoformat()).alias == expected


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("2025-02-30", "not a possible date"),
        ("2025-13-01", "not a possible date"),
        ("2023-02-29T00:00:00+08:00", "not a possible date"),
        ("2025-02-24T24:00:00+08:00", "not a possible date"),
        ("2025-02-24T23:59:60Z", "not a possible date"),
        ("2025-02-24T00:00:00+24:00", "not a possible date"),
        ("0000-01-01", "not a possible date"),
        ("2025-02-24T00:00:00", "no offset"),
        ("2025-02-24t00:00:00.5", "no offset"),
        ("2025-02-24 00:00:00+08:00", "neither a date nor an instant"),
        ("2025-02-24T00:00+08:00", "neither a date nor an instant"),
        ("2025-02-24T00:00:00+0800", "neither a date nor an instant"),
        ("2025-02-24\n", "neither a date nor an instant"),
        ("20250224", "neither a date nor an instant"),
        ("2025-W09-1", "neither a date nor an instant"),
        ("2025-W09-1T00:00:00+08:00", "neither a date nor an instant"),
        ("\uff12\uff10\uff12\uff15-02-24", "neither a date nor an instant"),
        ("24 Feb 2025", "neither a date nor an instant"),
        ("tomorrow", "neither a date nor an instant"),
        ("", "neither a date nor an instant"),
    ],
)
def test_text_that_names_no_instant_is_refused(when: str, says: str) -> None:
    with pytest.raises(InvalidInstant, match=says) as refused:
        TIMELINE.at(when)
    assert "\n" not in str(refused.value)


def test_instant_without_offset_is_refused_as_a_value_too() -> None:
    with pytest.raises(InvalidInstant, match="no offset; add one"):
        TIMELINE.at(datetime(2025, 2, 24))


def test_advice_for_a_missing_offset_is_itself_an_instant() -> None:
    with pytest.raises(InvalidInstant) as refused:
        as_instant("2025-02-24T00:00:00")
    advice = str(refused.value).partition("write ")[2].split()[0]
    assert as_instant(advice) == CUTOVER


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    try:
        instant = as_instant(text)
    except InvalidInstant as error:
        instant, problem = None, str(error)
    else:
        problem = ""
    assert len(problem.splitlines()) == (0 if instant else 1)


@pytest.mark.parametrize(
    ("when", "tolerated"),
    [
        ("2025-01-26T23:59:59+08:00", []),
        ("2025-01-27T00:00:00+08:00", ["after"]),
        ("2025-02-23T23:59:59+08:00", ["after"]),
        ("2025-02-24T00:00:00+08:00", ["before"]),
        ("2025-02-24T15:59:59Z", ["before"]),
        ("2025-02-25T00:00:00+08:00", []),
        ("2025-02-24T16:00:00Z", []),
    ],
)
def test_other_contract_is_tolerated_in_the_transition_only(
    when: str, tolerated: list[str]
) -> None:
    assert [period.alias for period in TIMELINE.others_at(when)] == tolerated
    expectation = expect_at(catalogue(), when)
    assert [contract.period.alias for contract in expectation.tolerated] == tolerated


@pytest.mark.parametrize("period", list(TIMELINE), ids=lambda period: period.name)
def test_instant_within_a_period_is_in_it_and_in_no_transition(period: Period) -> None:
    instant = TIMELINE.instant_within(period)
    assert TIMELINE.at(instant) is period
    assert TIMELINE.others_at(instant) == ()


def test_instant_within_a_short_period_stays_in_it() -> None:
    periods = (
        Period("first", "a", "", None),
        Period("second", "b", "", CUTOVER),
        Period("third", "c", "", CUTOVER + timedelta(hours=2)),
    )
    timeline = Timeline(periods)
    assert [timeline.at(timeline.instant_within(p)) for p in periods] == list(periods)


def test_only_contract_has_an_instant_too() -> None:
    alone = Period("alone", "a", "", None)
    assert Timeline((alone,)).at(Timeline((alone,)).instant_within(alone)) is alone


def test_period_is_found_by_name_and_alias() -> None:
    assert TIMELINE.period("after") is TIMELINE.period("after-2025-02-24")
    with pytest.raises(KeyError):
        TIMELINE.period("later")


def test_announcements_come_first_to_last() -> None:
    days = [a.effective_from for a in TIMELINE.period("after").announcements]
    assert days == ["2025-01-27", "2025-02-24"]


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(2025, 2, 23, 16, tzinfo=UTC), "2025-02-24T00:00:00+08:00"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "9999-12-31T23:00:00+00:00"),
    ],
)
def test_instant_is_shown_in_singapores_offset(instant: datetime, shown: str) -> None:
    assert show(instant) == shown


def test_expectation_says_why() -> None:
    contracts = catalogue()
    assert expect(contracts, "after").why == "after-2025-02-24 was asked for"
    assert expect_at(contracts, "2025-02-24").why == (
        "after-2025-02-24 is in force at 2025-02-24T00:00:00+08:00, since 2025-02-24T00:00:00+08:00"
    )
    assert expect_at(contracts, "2025-02-23").why.endswith("from the beginning")
    with pytest.raises(KeyError):
        expect(contracts, "later")
