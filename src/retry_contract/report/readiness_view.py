"""What the page of a consumer's check shows of what was found."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retry_contract.consumer.readiness import Finding, Readiness, Result, ScenarioOutcome
from retry_contract.contract.timeline import show
from retry_contract.outcome import Verdict
from retry_contract.report.readiness_text import (
    distinct_findings,
    finding_details,
    note_lines,
    outcome_line,
    why_line,
)

_HEADLINES = {
    Verdict.KEPT: "is ready for",
    Verdict.BROKEN: "is not ready for",
    Verdict.NOT_TESTED: "was not tested far enough on",
    Verdict.USAGE_ERROR: "is ready, without its whole report, for",
}
_GENERAL = {
    Verdict.KEPT: "Nothing to correct.",
    Verdict.BROKEN: "Correct your code, and run the check again.",
    Verdict.NOT_TESTED: "Correct what the notes name, and run the check again.",
    Verdict.USAGE_ERROR: "Make room for the report, or give another folder, and run again.",
}
_LABELS = {
    "error": "Error",
    "read": "Differs at",
    "at": "In",
    "to do": "To do",
    "asked": "Asked",
    "oddity": "Unlike the plainest",
}
_ABOUT = {
    "with one more field": "and a field that no contract has yet",
    "paired": "the same response without and with what was added",
    "in rare forms": "valid, but seldom served",
}


@dataclass(frozen=True)
class Failure:
    """A failure, with the scenarios that show it, and the smallest payload that does.

    A line of the payload is marked if it belongs to what differs from the plainest payload.
    """

    finding: Finding
    names: tuple[str, ...]
    counts: bool
    payload: tuple[tuple[str, bool], ...]
    details: tuple[tuple[str, tuple[str, ...]], ...]


def readiness_view(found: Readiness) -> dict[str, Any]:
    """Return what the template of a consumer's check is given."""
    failures = sorted(_failures(found), key=lambda failure: not failure.counts)
    return {
        "found": found,
        "began": show(found.began) if found.began else "",
        "title": f"{outcome_line(found)}: {found.target}",
        "outcome_line": outcome_line(found),
        "force": outcome_line(found).partition("(")[2].rstrip(")"),
        "about": _about,
        "says": _HEADLINES[found.verdict],
        "why": "" if found.verdict is Verdict.KEPT else why_line(found),
        "remedies": tuple(_remedies(found, failures)),
        "failures": failures,
        "notes": tuple(note_lines(found)),
        "result_class": _result_class,
    }


def _about(scenario: str) -> str:
    """Return what a scenario of a reader is about, where its name does not say it."""
    return _ABOUT.get(scenario.rpartition(", ")[2], "")


def _result_class(outcome: ScenarioOutcome) -> str:
    """Return how a scenario is coloured: what fails without counting is not shown as broken."""
    if outcome.result is Result.OK:
        return "kept"
    if outcome.result is Result.NOT_TESTED or not outcome.counts:
        return "not-exercised"
    return "broken"


def _remedies(found: Readiness, failures: list[Failure]) -> Iterator[str]:
    if found.verdict is not Verdict.KEPT:
        counted = (f.finding.advice for f in failures if f.counts)
        yield from dict.fromkeys(_sentence(advice) for advice in counted if advice)
    yield _GENERAL[found.verdict]
    if any(f.counts and f.finding.differs for f in failures):
        yield "A place that is meant to differ is named with `--accept POINTER`."


def _sentence(advice: str) -> str:
    text = f"{advice[:1].upper()}{advice[1:]}"
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _failures(found: Readiness) -> Iterator[Failure]:
    counting = {outcome.name for outcome in found.scenarios if outcome.counts}
    for names, finding in distinct_findings(found):
        payload = tuple(_payload_lines(finding))
        counts = not counting.isdisjoint(names)
        yield Failure(finding, tuple(names), counts, payload, tuple(_details(finding)))


def _details(finding: Finding) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each label once, with its texts; the payload is shown by itself."""
    grouped: dict[str, list[str]] = {}
    for label, text in finding_details(finding):
        grouped.setdefault(label, []).extend(text.splitlines())
    for label, name in _LABELS.items():
        if label in grouped and (label != "oddity" or finding.odd):
            yield name, tuple(grouped[label])


def _payload_lines(finding: Finding) -> Iterator[tuple[str, bool]]:
    if finding.payload is None:
        return
    yield "{", False
    for number, (name, value) in enumerate(finding.payload.items(), 1):
        odd = any(f"{pointer}/".startswith(f"/{name}/") for pointer in finding.odd)
        member = json.dumps({name: value}, ensure_ascii=False, indent=2)
        lines = member.splitlines()[1:-1]
        lines[-1] += "," if number < len(finding.payload) else ""
        yield from ((line, odd) for line in lines)
    yield "}", False
