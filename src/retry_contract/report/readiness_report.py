"""What a check of a consumer found, as text, Markdown and JSON."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from retry_contract.consumer.readiness import Finding, Readiness, Result, Tried
from retry_contract.contract.timeline import Period
from retry_contract.outcome import Verdict
from retry_contract.privacy.descriptions import one_line

_OUTCOMES = {
    Verdict.KEPT: "ready",
    Verdict.BROKEN: "not ready",
    Verdict.NOT_TESTED: "not tested",
}
_FEW, _SOME = 3, 6
_WIDTH, _INDENT = 100, 12
_GLUE, _BREAK = "\x1f", "\n"
"""What no JSON holds as it is: for a space that no line ends at, and for the end of a line."""
_QUESTIONS = {
    "payload": (
        " Is it the code that reads the response? If it reads what fills your template, give "
        "--values."
    ),
    "call": "",
}


def readiness_document(found: Readiness) -> dict[str, Any]:
    """Return what `consumer --json` prints."""
    return {
        "format": 1,
        "outcome": _OUTCOMES[found.verdict],
        "target": found.target,
        "contract": found.period.name,
        "in_force": found.in_force,
        "reason": None if found.verdict is Verdict.KEPT else _why(found),
        "notes": list(_notes(found)),
        "scenarios": [_scenario(tried) for tried in found.scenarios],
        "seed": found.seed,
        "seconds": round(found.seconds, 3),
    }


def readiness_lines(found: Readiness) -> Iterator[str]:
    """Yield what follows the outcome: why, the scenarios, what failed in each, and notes."""
    if found.verdict is not Verdict.KEPT:
        yield _why(found)
    yield ""
    width = max(len(tried.name) for tried in found.scenarios) + 2
    for tried in found.scenarios:
        yield f"{tried.name.ljust(width)}{_verdict(tried, found.unit)}"
    for names, finding in _distinct(found):
        yield ""
        yield from _heading(finding.result.upper(), names)
        for label, text in _details(finding):
            shown = _members(finding.payload or {}) if label == "payload" else [text]
            shown = text.split(_BREAK) if label == "to do" else shown
            yield from _detail(label, shown)
    yield ""
    yield from (line for note in _notes(found) for line in _wrapped(note))
    seed = "" if found.seed is None else f"seed {found.seed}, "
    yield f"{seed}{found.seconds:.2f} s"


def _wrapped(note: str) -> list[str]:
    return textwrap.wrap(note, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _heading(verdict: str, names: Sequence[str]) -> Iterator[str]:
    lines = _packed(names, "; ", _WIDTH - len(verdict) - 1)
    yield from (f"{word} {line}" for word, line in zip_longest([verdict], lines, fillvalue=" "))


def _detail(label: str, lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {word:10}{line}" for word, line in zip_longest([label], lines, fillvalue=""))


def _members(payload: dict[str, Any]) -> list[str]:
    """Return a JSON object in lines."""
    members = [json.dumps({name: value}, ensure_ascii=False) for name, value in payload.items()]
    lines = _packed([member[1:-1] for member in members], ", ", _WIDTH - _INDENT)
    return f"{{{_BREAK.join(lines)}}}".split(_BREAK)


def _packed(parts: Sequence[str], joint: str, width: int) -> list[str]:
    """Join parts in lines of a width, if they fit into it, that end between two parts."""
    whole = joint.join(part.replace(" ", _GLUE) for part in parts)
    lines = textwrap.wrap(whole, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines]


def _first(items: Sequence[str], most: int = _FEW) -> list[str]:
    """Return the first of a list, and how many more there are."""
    more = len(items) - most
    return [*items] if more <= 0 else [*items[:most], f"and {more} more"]


def outcome_line(found: Readiness) -> str:
    """Return the outcome in one line."""
    return f"{_OUTCOMES[found.verdict].upper()} for {found.period.name} ({_since(found)})"


def _notes(found: Readiness) -> Iterator[str]:
    """Yield what puts the outcome into its right light, a sentence each."""
    new, old = _of(found, found.period), _of(found, found.older)
    if found.verdict is Verdict.KEPT and old.result is Result.BREAKS:
        extent = f"every {found.unit}" if old.failed == old.tried else f"some {found.unit}s"
        yield f"It fails on {extent} of {old.of}, but that is no longer in force."
    if new.result is Result.OK and any(t.result is Result.BREAKS for t in _next_change(found)):
        yield "The next field that is added will break it."
    yield from found.notes


def write_readiness(found: Readiness, folder: Path) -> None:
    """Write report.json and summary.md into a folder that exists."""
    document = json.dumps(readiness_document(found), indent=2)
    (folder / "report.json").write_text(document + "\n", encoding="utf-8")
    text = "\n".join(_markdown(found)) + "\n"
    (folder / "summary.md").write_text(text, encoding="utf-8", errors="backslashreplace")


def _of(found: Readiness, period: Period) -> Tried:
    """Return the scenario of a contract's plain response."""
    return next(tried for tried in found.scenarios if tried.name == period.alias)


def _why(found: Readiness) -> str:
    new, old, unit = _of(found, found.period), _of(found, found.older), found.unit
    counted = [t for t in found.scenarios if t.counts]
    if found.verdict is Verdict.NOT_TESTED:
        untested = [t.name for t in counted if t.result is Result.NOT_TESTED]
        return f"Not tested: {'; '.join(_first(untested))}."
    if new.failed and new.failed == new.tried:
        if old.failed and old.failed == old.tried:
            cause = "the cutover is not the reason"
            one, other = old.finding, new.finding
            if one and other and (unit == "call" or one.error != other.error):
                cause = other.error.rstrip(".")
            return f"It fails on every {unit} of both contracts: {cause}.{_QUESTIONS[unit]}"
        return f"It fails on every {unit} of {new.of}, {_other(old)}."
    if old.finding and old.finding.odd and _is_no_news(old.finding, counted):
        return f"It fails on some {unit}s of both contracts alike: the cutover is not the reason."
    failing = [t.name for t in counted if t.result in (Result.BREAKS, Result.DIFFERS)]
    return f"It fails in some scenarios: {'; '.join(_first(failing))}."


def _is_no_news(older: Finding, counted: Sequence[Tried]) -> bool:
    """Say whether all that fails is what fails on the older contract's responses too."""
    found = [tried.finding for tried in counted if tried.finding]
    return all((f.error, f.odd) == (older.error, older.odd) for f in found)


def _other(old: Tried) -> str:
    return f"and reads {old.of}" if old.result is Result.OK else f"and on some of {old.of}"


def _next_change(found: Readiness) -> list[Tried]:
    return [t for t in found.scenarios if t.name.endswith("one more field")]


def _since(found: Readiness) -> str:
    begin = _day(found.period)
    return f"in force since {begin}" if found.in_force else f"in force from {begin}"


def _day(period: Period) -> str:
    begin = period.effective_from
    return "the beginning" if begin is None else f"{begin.day} {begin:%b %Y}"


def _verdict(tried: Tried, unit: str) -> str:
    counted = f"{tried.tried} {unit}{'' if tried.tried == 1 else 's'}"
    if not tried.failed:
        remark = f"; {tried.remark}" if tried.remark else ""
        return f"{tried.result} ({counted}{remark})" if tried.tried else str(tried.result)
    aside = "" if tried.counts else "; not counted"
    return f"{tried.result} on {tried.failed} of {counted}{aside}"


def _distinct(found: Readiness) -> Iterator[tuple[list[str], Finding]]:
    """Yield each finding once, with the names of the scenarios that have it."""
    groups: dict[tuple[object, ...], dict[str, Finding]] = {}
    for tried in found.scenarios:
        finding = tried.finding
        if finding is not None:
            # What a client returned stands behind the colon, and differs by scenario.
            error = finding.error.partition(":")[0] if finding.requests else finding.error
            key = finding.result, error, _pointers(finding), finding.odd
            groups.setdefault(key, {})[tried.name] = finding
    for group in groups.values():
        yield [*group], next(iter(group.values()))


def _pointers(finding: Finding) -> tuple[str, ...]:
    return tuple(place.pointer for place in finding.differs)


def _details(finding: Finding) -> Iterator[tuple[str, str]]:
    if finding.payload is not None:
        yield "payload", json.dumps(finding.payload, ensure_ascii=False)
    yield from (("asked", line) for line in _first(finding.requests, _SOME))
    if not finding.requests:
        oddities = [_oddity(pointer, finding.payload or {}) for pointer in finding.odd]
        yield "oddity", ", ".join(_first(oddities)) or "none: it is the plainest message"
    yield from (("read", line) for line in _first([*map(str, finding.differs)]))
    if not finding.differs:
        yield "error", finding.error
    if finding.where:
        yield "at", finding.where
    if finding.advice:
        yield "to do", finding.advice


def _oddity(pointer: str, payload: dict[str, Any]) -> str:
    value = payload.get(pointer[1:])
    same = [n for n, v in payload.items() if v == value and f"/{n}" != pointer]
    return f"{pointer} is equal to /{same[0]}" if same else pointer


def _scenario(tried: Tried) -> dict[str, Any]:
    document: dict[str, Any] = {
        "scenario": tried.name,
        "verdict": str(tried.result),
        "counts": tried.counts,
        "tried": tried.tried,
        "failed": tried.failed,
        "remark": tried.remark or None,
    }
    finding = tried.finding
    if finding is not None:
        document |= {
            "payload": finding.payload,
            "oddity": list(finding.odd),
            "requests": list(finding.requests),
            "error": finding.error or None,
            "differs": list(_pointers(finding)),
            "read": [dataclasses.asdict(place) for place in finding.differs],
            "where": finding.where or None,
            "advice": finding.advice or None,
        }
    return document


def _markdown(found: Readiness) -> Iterator[str]:
    yield f"## retry-contract: {_OUTCOMES[found.verdict]}"
    yield ""
    yield f"{_cell(outcome_line(found))}: {_code(found.target)}"
    yield ""
    if found.verdict is not Verdict.KEPT:
        yield _cell(_why(found))
        yield ""
    yield "| scenario | verdict |"
    yield "|---|---|"
    for tried in found.scenarios:
        yield f"| {_cell(tried.name)} | {_cell(_verdict(tried, found.unit))} |"
    for names, finding in _distinct(found):
        yield ""
        yield f"### {finding.result} {_cell('; '.join(names))}"
        yield ""
        yield from (f"- {label}: {_code(text)}" for label, text in _details(finding))
    lines = [*_notes(found)]
    if lines:
        yield ""
        yield from (f"- {_cell(line)}" for line in lines)


def _code(text: str) -> str:
    return "`" + one_line(text).replace("`", "'") + "`"


def _cell(text: str) -> str:
    safe = one_line(text).replace("|", "\\|").replace("<", "&lt;")
    return safe.replace("[", "\\[")
