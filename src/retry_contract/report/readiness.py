"""What a check of a consumer found, as text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retry_contract.consumer.check import Readiness, Tried
from retry_contract.consumer.situations import Result
from retry_contract.contract.timeline import Period


def readiness_document(found: Readiness) -> dict[str, Any]:
    """Return what `consumer --json` prints."""
    return {
        "outcome": "ready" if found.ready else "not ready",
        "target": found.target,
        "contract": found.period.name,
        "in_force": found.in_force,
        "reason": None if found.ready else _why(found),
        "situations": [_situation(tried) for tried in found.situations],
        "seed": found.seed,
        "seconds": round(found.seconds, 3),
    }


def readiness_lines(found: Readiness) -> Iterator[str]:
    """Yield the matrix of situations, what failed in each, and notes; without the closing line."""
    width = max(len(tried.name) for tried in found.situations) + 2
    for tried in found.situations:
        yield f"{tried.name.ljust(width)}{_verdict(tried)}"
    for names, tried in _distinct(found):
        yield ""
        yield f"{tried.result.upper()} {names}"
        yield from (f"  {label.ljust(10)}{text}" for label, text in _details(tried))
    yield ""
    yield from notes(found)
    yield f"seed {found.seed}, {found.seconds:.2f} s"


def closing_line(found: Readiness) -> str:
    """Return the outcome in one line."""
    state = "READY" if found.ready else "NOT READY"
    return f"{state} for {found.period.name} ({_since(found)})"


def notes(found: Readiness) -> Iterator[str]:
    """Yield what puts the verdict into its right light, a line each."""
    new, old = found.of(found.period), found.of(found.older)
    if not found.ready:
        yield _why(found)
    elif old.result is Result.BREAKS:
        extent = "every payload" if old.failed == old.tried else "some payloads"
        yield f"It fails on {extent} of {old.of}, but that is no longer in force."
    if new.result is Result.OK and any(t.result is Result.BREAKS for t in _next_change(found)):
        yield "The next field that is added will break it."


def write_readiness(found: Readiness, folder: Path) -> None:
    """Write report.json and summary.md into a folder that exists."""
    document = json.dumps(readiness_document(found), indent=2)
    (folder / "report.json").write_text(document + "\n", encoding="utf-8")
    (folder / "summary.md").write_text("\n".join(_markdown(found)) + "\n", encoding="utf-8")


def _why(found: Readiness) -> str:
    new, old = found.of(found.period), found.of(found.older)
    if new.failed and new.failed == new.tried:
        if old.failed and old.failed == old.tried:
            return (
                "It fails on every payload of both contracts: the cutover is not the reason. "
                "Is it the code that reads the reply?"
            )
        return f"It fails on every payload of {new.of}, {_other(old)}."
    failing = [t for t in found.situations if t.counts and t.result is not Result.OK]
    return "It fails on some payloads: " + "; ".join(t.name for t in failing) + "."


def _other(old: Tried) -> str:
    return f"and reads {old.of}" if old.result is Result.OK else f"and on some of {old.of}"


def _next_change(found: Readiness) -> list[Tried]:
    return [t for t in found.situations if t.name.endswith("one more field")]


def _since(found: Readiness) -> str:
    begin = _day(found.period)
    return f"in force since {begin}" if found.in_force else f"in force from {begin}"


def _day(period: Period) -> str:
    begin = period.effective_from
    return "the beginning" if begin is None else f"{begin.day} {begin:%b %Y}"


def _verdict(tried: Tried) -> str:
    if tried.failure is None:
        return f"{tried.result} ({tried.tried} payloads)" if tried.tried else str(tried.result)
    aside = "" if tried.counts else "; not counted"
    return f"{tried.result} on {tried.failed} of {tried.tried} payloads{aside}"


def _distinct(found: Readiness) -> Iterator[tuple[str, Tried]]:
    """Yield each failure once, with the names of the situations that have it."""
    groups: dict[str, list[Tried]] = {}
    for tried in found.situations:
        if tried.failure is not None:
            key = f"{tried.failure.sort} {tried.failure.places} {tried.odd}"
            groups.setdefault(key, []).append(tried)
    for group in groups.values():
        yield "; ".join(tried.name for tried in group), group[0]


def _details(tried: Tried) -> Iterator[tuple[str, str]]:
    failure = tried.failure
    if failure is None:
        return
    yield "payload", json.dumps(failure.payload, ensure_ascii=False)
    yield "oddity", ", ".join(map(_oddity(tried), tried.odd)) or "none: it is the plainest payload"
    if failure.places:
        yield "read", "not the same at " + ", ".join(p or "the result" for p in failure.places)
    else:
        yield "error", failure.answer.error
    if failure.answer.where:
        yield "at", failure.answer.where
    if tried.advice:
        yield "to do", tried.advice


def _oddity(tried: Tried) -> Any:
    payload = tried.failure.case.payload if tried.failure else {}

    def told(pointer: str) -> str:
        value = payload[pointer[1:]]
        same = [n for n, v in payload.items() if v == value and f"/{n}" != pointer]
        return f"{pointer} is equal to /{same[0]}" if same else pointer

    return told


def _situation(tried: Tried) -> dict[str, Any]:
    document: dict[str, Any] = {
        "situation": tried.name,
        "verdict": str(tried.result),
        "counts": tried.counts,
        "tried": tried.tried,
        "failed": tried.failed,
    }
    failure = tried.failure
    if failure is not None:
        document |= {
            "payload": failure.payload,
            "oddity": list(tried.odd),
            "error": failure.answer.error or None,
            "differs": list(failure.places),
            "where": failure.answer.where or None,
            "advice": tried.advice or None,
        }
    return document


def _markdown(found: Readiness) -> Iterator[str]:
    yield f"## retry-contract: {'ready' if found.ready else 'not ready'}"
    yield ""
    yield f"{_cell(closing_line(found))}: {_code(found.target)}"
    yield ""
    yield "| situation | verdict |"
    yield "|---|---|"
    for tried in found.situations:
        yield f"| {_cell(tried.name)} | {_cell(_verdict(tried))} |"
    for names, tried in _distinct(found):
        yield ""
        yield f"### {tried.result} {_cell(names)}"
        yield ""
        yield from (f"- {label}: {_code(text)}" for label, text in _details(tried))
    lines = list(notes(found))
    if lines:
        yield ""
        yield from (_cell(line) for line in lines)


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
