"""Which contract is in force when, as `schemas/timeline.json` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

SINGAPORE = timezone(timedelta(hours=8))
"""Singapore's offset, fixed: machines without a time zone database must agree with the others."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


class InvalidInstant(ValueError):
    """A text that names no instant; the message says what is wrong and what would be right."""


@dataclass(frozen=True)
class Announcement:
    """A day for which a change was announced, and where."""

    effective_from: str
    note: str
    source: str


@dataclass(frozen=True)
class Period:
    """When one contract is in force.

    `effective_from` is None for the oldest. In the transition, from `transition[0]` up to but
    without `transition[1]`, the contract before it and this one may both be met.
    """

    name: str
    alias: str
    summary: str
    effective_from: datetime | None
    announcements: tuple[Announcement, ...] = ()
    transition: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Timeline:
    """The contracts' periods, the oldest first."""

    periods: tuple[Period, ...]

    def __iter__(self) -> Iterator[Period]:
        return iter(self.periods)

    def at(self, when: str | date | datetime) -> Period:
        """Return the period in force at an instant.

        Raises InvalidInstant if `when` is not a date or an instant with an offset.
        """
        instant = as_instant(when)
        for period in self.periods[:0:-1]:
            if period.effective_from is not None and instant >= period.effective_from:
                return period
        return self.periods[0]

    def named(self, name: str) -> Period:
        """Return the period of a contract, by name or alias. Raises KeyError."""
        for period in self.periods:
            if name in (period.name, period.alias):
                return period
        raise KeyError(name)

    def tolerated_at(self, when: str | date | datetime) -> tuple[Period, ...]:
        """Return the periods, beside the one in force, that a transition lets be served."""
        instant = as_instant(when)
        current = self.at(instant)
        found: list[Period] = []
        for older, newer in zip(self.periods, self.periods[1:], strict=False):
            if newer.transition and newer.transition[0] <= instant < newer.transition[1]:
                found += [p for p in (older, newer) if p is not current]
        return tuple(found)

    def instant_within(self, period: Period) -> datetime:
        """Return an instant at which this contract is in force, outside every transition."""
        following = dict(zip(self.periods, self.periods[1:], strict=False))
        newer = following.get(period)
        begin = period.transition[1] if period.transition else period.effective_from
        end = newer and (newer.transition[0] if newer.transition else newer.effective_from)
        if begin and end:
            return begin + (end - begin) / 2
        if begin:
            return begin + timedelta(days=1)
        return end - timedelta(days=1) if end else datetime(2024, 1, 1, tzinfo=SINGAPORE)


def read_timeline(document: dict[str, Any]) -> Timeline:
    """Read a timeline from the content of `timeline.json`."""
    return Timeline(tuple(_period(row) for row in document["contracts"]))


def as_instant(when: str | date | datetime) -> datetime:
    """Read a date (midnight in Singapore) or an RFC 3339 instant with an offset.

    Raises InvalidInstant for anything else: an instant without an offset could mean either
    contract, so it is not guessed at.
    """
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise InvalidInstant(f"{when.isoformat()} has no offset; add one, such as +08:00")
        return when
    if isinstance(when, date):
        return datetime(when.year, when.month, when.day, tzinfo=SINGAPORE)
    return _parse(when)


def show(instant: datetime) -> str:
    """Write an instant as RFC 3339, in Singapore's offset, to the second."""
    try:
        local = instant.astimezone(SINGAPORE)
    except OverflowError:
        local = instant
    return local.isoformat(timespec="seconds")


def _parse(text: str) -> datetime:
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=SINGAPORE)
        match = _INSTANT.fullmatch(text)
        if match is None:
            raise InvalidInstant(
                f"{text!r} is neither a date nor an instant; "
                "write 2025-02-24 or 2025-02-24T00:00:00+08:00"
            )
        day, time, fraction, offset = match.groups()
        if offset is None:
            raise InvalidInstant(f"{text!r} has no offset; write {text}+08:00 for Singapore")
        micros = ((fraction or "") + "000000")[:6]
        return datetime.fromisoformat(f"{day}T{time}.{micros}{offset.upper()}")
    except InvalidInstant:
        raise
    except ValueError as error:
        raise InvalidInstant(f"{text!r} is not a possible date: {error}") from None


def _period(row: dict[str, Any]) -> Period:
    begin, transition = row["effectiveFrom"], row.get("transition")
    return Period(
        name=row["name"],
        alias=row["alias"],
        summary=row["summary"],
        effective_from=None if begin is None else as_instant(begin),
        announcements=tuple(
            Announcement(a["effectiveFrom"], a["note"], a["source"])
            for a in row.get("announcements", ())
        ),
        transition=None
        if transition is None
        else (as_instant(transition["from"]), as_instant(transition["until"])),
    )
