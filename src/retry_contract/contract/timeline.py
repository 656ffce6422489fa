"""Which contract is in force when, read from `schemas/timeline.json`."""

import contextlib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise, starmap
from operator import itemgetter
from typing import Any

from retry_contract.choices import UnknownName, unknown_name

SINGAPORE = timezone(timedelta(hours=8))
"""Singapore's fixed offset, so that a machine without a time zone database agrees with others."""

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


class InvalidInstant(ValueError):
    """A text that names no instant. The message says what is wrong and what to write."""


@dataclass(frozen=True)
class Announcement:
    """A day for which a change was announced, and where."""

    effective_from: str
    note: str
    source: str


@dataclass(frozen=True)
class Period:
    """The time in which one contract is in force.

    `effective_from` is None for the oldest contract. `transition` is the begin and the end (not
    included) of the days in which the one before it may be served too.
    """

    name: str
    alias: str
    summary: str
    effective_from: datetime | None
    announcements: tuple[Announcement, ...] = ()
    transition: tuple[datetime, datetime] | None = None


class Timeline(tuple[Period, ...]):
    """The periods of the contracts, the oldest first."""

    __slots__ = ()

    def period(self, name: str) -> Period:
        """Return the period of a contract, by name or alias. Raises UnknownName, a KeyError."""
        periods = {key: p for p in self for key in (p.name, p.alias)}
        if not isinstance(name, str) or name not in periods:
            # What is no name may be a payload, in the wrong place: its type is all that is shown.
            word = name if isinstance(name, str) else f"a value of type {type(name).__name__}"
            known = [period.alias for period in self]
            raise UnknownName(unknown_name("contract", word or "(empty)", known, also=periods))
        return periods[name]

    def at(self, when: str | date | datetime) -> Period:
        """Return the period in force at a date or an instant. Raises InvalidInstant."""
        instant = as_instant(when)
        for period in reversed(self):
            if period.effective_from is None or period.effective_from <= instant:
                return period
        return self[0]

    def end_of(self, period: Period) -> datetime | None:
        """Return the instant at which the next contract takes over; None for the latest."""
        return next((new.effective_from for old, new in pairwise(self) if old == period), None)

    def others_at(self, when: str | date | datetime) -> tuple[Period, ...]:
        """Return the periods not in force at an instant that a transition lets be served."""
        instant, current = as_instant(when), self.at(when)
        pairs = ((pair, pair[1].transition) for pair in pairwise(self))
        both = [pair for pair, days in pairs if days and days[0] <= instant < days[1]]
        return tuple(period for pair in both for period in pair if period is not current)

    def instant_within(self, period: Period) -> datetime:
        """Return an instant at which this contract is in force, outside every transition."""
        newer = dict(pairwise(self)).get(period)
        begin = period.transition[1] if period.transition else period.effective_from
        end = newer and (newer.transition[0] if newer.transition else newer.effective_from)
        if begin and end:
            return begin + (end - begin) / 2
        if begin:
            return begin + timedelta(days=1)
        return end - timedelta(days=1) if end else datetime(2024, 1, 1, tzinfo=SINGAPORE)


def read_timeline(document: dict[str, Any]) -> Timeline:
    """Read a timeline from the content of `timeline.json`."""
    return Timeline(map(_period, document["contracts"]))


def _period(row: dict[str, Any]) -> Period:
    begin, days = row["effectiveFrom"], row.get("transition")
    announced = map(itemgetter("effectiveFrom", "note", "source"), row.get("announcements", ()))
    return Period(
        *(row["name"], row["alias"], row["summary"], begin and as_instant(begin)),
        tuple(starmap(Announcement, announced)),
        days and (as_instant(days["from"]), as_instant(days["until"])),
    )


def as_instant(when: str | date | datetime) -> datetime:
    """Read a date (midnight in Singapore) or an instant with its offset. Raises InvalidInstant."""
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise InvalidInstant(f"{when.isoformat()} has no offset; add one, such as +08:00")
        return when
    if isinstance(when, date):
        return datetime(when.year, when.month, when.day, tzinfo=SINGAPORE)
    return _parse(when)


def _parse(text: str) -> datetime:
    parts = _INSTANT.fullmatch(text)
    if parts is None:
        forms = "2025-02-24 or 2025-02-24T00:00:00+08:00"
        raise InvalidInstant(f"{text!r} is neither a date nor an instant; write {forms}")
    day, time, fraction, offset = parts.groups(default="")
    if time and not offset:
        raise InvalidInstant(f"{text!r} has no offset; write {text}+08:00 for Singapore")
    written = f"{time}.{fraction:0<6.6}{offset.upper()}" if time else "00:00+08:00"
    try:
        return datetime.fromisoformat(f"{day}T{written}")
    except ValueError as error:
        raise InvalidInstant(f"{text!r} is not a possible date: {error}") from None


def show(instant: datetime) -> str:
    """Write an instant as RFC 3339, in Singapore's offset, to the second."""
    with contextlib.suppress(OverflowError):
        instant = instant.astimezone(SINGAPORE)
    return instant.isoformat(timespec="seconds")


def show_day(instant: datetime) -> str:
    """Write the day of an instant in Singapore, such as 24 February 2025."""
    day = instant.astimezone(SINGAPORE)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
