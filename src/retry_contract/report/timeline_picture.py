"""The timeline as a picture: where the bands of contracts and the marks of days go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from retry_contract.contract.timeline import Timeline, as_instant, show, show_day

LEFT, SLOT = 10, 185
"""In pixels. Days stand at equal distances, whatever time is between them: no labels collide."""

RUN = "this run"
Mark = tuple[datetime, str, str]
"""An instant, what it is in a few words, and more about it."""


@dataclass(frozen=True)
class Band:
    """The time in which one contract is in force; `state` is what a run found of it, or ""."""

    name: str
    x: int
    width: int
    state: str = ""


@dataclass(frozen=True)
class Day:
    """A mark on the picture, and a row of the table next to it."""

    x: int
    day: str
    instant: str
    names: tuple[str, ...]
    notes: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Picture:
    """The picture of a timeline. `transitions` are the begins and widths of what is drawn so."""

    width: int
    bands: tuple[Band, ...]
    transitions: tuple[tuple[int, int], ...]
    days: tuple[Day, ...]
    title: str


def picture(timeline: Timeline, run: datetime | None, states: Mapping[str, str]) -> Picture:
    """Return the picture of any timeline; `states` are of the contracts that the run tested."""
    marks = [*_marks(timeline), *([(run, RUN, "")] if run else [])]
    instants = sorted({instant for instant, *_ in marks})
    places = {instant: LEFT + SLOT * n for n, instant in enumerate(instants, 1)}
    width = 2 * LEFT + SLOT * (len(instants) + 1)
    days = tuple(_day(instant, places[instant], marks) for instant in instants)
    bands = tuple(_bands(timeline, places, width - LEFT, states))
    transitions = tuple(
        (places[begin], places[end] - places[begin])
        for begin, end in (period.transition for period in timeline if period.transition)
    )
    return Picture(width, bands, transitions, days, _title(days))


def _marks(timeline: Timeline) -> Iterator[Mark]:
    for period in timeline:
        begin = period.effective_from
        if begin is None:
            continue
        yield begin, "cutover", f"{period.name} takes effect: {period.summary}"
        for announced in period.announcements:
            instant = as_instant(announced.effective_from)
            moved = "announced" if instant == begin else "announced, then moved"
            yield instant, moved, f"{announced.note} ({announced.source})"
        if period.transition:
            first, last = period.transition
            yield first, "transition begins", "the contract before it and this one may be served"
            yield last, "transition ends", ""


def _bands(
    timeline: Timeline, places: Mapping[datetime, int], end: int, states: Mapping[str, str]
) -> Iterator[Band]:
    begins = [places[p.effective_from] if p.effective_from else LEFT for p in timeline]
    for period, (x, until) in zip(timeline, pairwise([*begins, end]), strict=True):
        yield Band(period.name, x, until - x, states.get(period.name, ""))


def _day(instant: datetime, x: int, marks: list[Mark]) -> Day:
    here = [(name, note) for when, name, note in marks if when == instant]
    names = tuple(dict.fromkeys(name for name, _ in here))
    notes = tuple(note for _, note in here if note)
    kind = next((name for name in (RUN, "cutover") if name in names), "other").replace(" ", "-")
    return Day(x, show_day(instant), show(instant), names, notes, kind)


def _title(days: tuple[Day, ...]) -> str:
    return "; ".join(f"{day.day}: {', '.join(day.names)}" for day in days)
