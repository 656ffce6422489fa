"""What a check of a consumer found, as text, Markdown and JSON."""

import dataclasses
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from retry_contract.consumer.readiness import Readiness, ScenarioOutcome
from retry_contract.outcome import Verdict
from retry_contract.report.markdown import code, plain
from retry_contract.report.readiness_text import (
    OUTCOMES,
    distinct_findings,
    finding_details,
    next_step,
    note_lines,
    outcome_line,
    pointers_of,
    scenario_verdict,
    why_line,
)

_WIDTH, _INDENT = 100, " " * 12
_GLUE = "\x1f"
"""Stands for a space that no line ends at: JSON never holds this character as it is."""


def readiness_document(found: Readiness) -> dict[str, Any]:
    """Return what `consumer --json` prints."""
    return {
        "format": 1,
        "command": "consumer",
        "outcome": OUTCOMES[found.verdict],
        "target": found.target,
        "contract": found.period.name,
        "in_force": found.in_force,
        "reason": None if found.verdict is Verdict.KEPT else why_line(found),
        "replay": None if found.verdict is Verdict.KEPT else found.replay,
        "next": next_step(found),
        "notes": list(note_lines(found)),
        "scenarios": [_scenario(outcome) for outcome in found.scenarios],
        "seed": found.seed,
        "seconds": round(found.seconds, 3),
    }


def readiness_lines(found: Readiness) -> Iterator[str]:
    """Yield what follows the outcome: why, the scenarios, what failed in each, and notes."""
    if found.verdict is not Verdict.KEPT:
        yield why_line(found)
    yield ""
    width = max(len(outcome.name) for outcome in found.scenarios) + 2
    for outcome in found.scenarios:
        yield f"{outcome.name.ljust(width)}{scenario_verdict(outcome, found.unit)}"
    for names, finding in distinct_findings(found):
        yield ""
        yield from _wrap("; ".join(map(_glue, names)), f"{finding.result.upper()} ", "  ")
        for label, text in finding_details(finding):
            if label == "payload":
                yield from _wrap(_payload_text(finding.payload or {}), f"  {label:10}", _INDENT)
            else:
                yield from f"  {label:10}{text}".replace("\n", f"\n{_INDENT}").split("\n")
    yield ""
    for note in note_lines(found):
        yield from _wrap(note)
    seed = "" if found.seed is None else f"seed {found.seed}, "
    yield f"{seed}{found.seconds:.2f} s"


def _glue(text: str) -> str:
    return text.replace(" ", _GLUE)


def _payload_text(payload: dict[str, Any]) -> str:
    """Return a JSON object in one line that may be wrapped between its members."""
    members = [json.dumps({name: value}, ensure_ascii=False) for name, value in payload.items()]
    return "{" + ", ".join(_glue(member[1:-1]) for member in members) + "}"


def _wrap(text: str, label: str = "", indent: str = "") -> list[str]:
    """Return a text in lines, with a label before the first, and an indent before the others."""
    wrapper = textwrap.TextWrapper(_WIDTH, label, indent, break_on_hyphens=False)
    wrapper.break_long_words = False
    return [line.replace(_GLUE, " ") for line in wrapper.wrap(text)]


def _scenario(outcome: ScenarioOutcome) -> dict[str, Any]:
    document: dict[str, Any] = {"scenario": outcome.name, "verdict": str(outcome.result)}
    document |= {name: getattr(outcome, name) for name in ("counts", "tried", "failed")}
    document["remark"] = outcome.remark or None
    if (finding := outcome.finding) is not None:
        document |= {"payload": finding.payload, "oddity": list(finding.odd)}
        document |= {"requests": list(finding.requests), "error": finding.error or None}
        document["differs"] = list(pointers_of(finding))
        document["read"] = [dataclasses.asdict(place) for place in finding.differs]
        document |= {name: getattr(finding, name) or None for name in ("where", "advice")}
    return document


def readiness_summary(found: Readiness) -> str:
    """Return the outcome, the scenarios and what failed in each, as Markdown."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Readiness) -> Iterator[str]:
    yield from (f"## retry-contract: {OUTCOMES[found.verdict]}", "")
    yield from (f"{plain(outcome_line(found))}: {code(found.target)}", "")
    if found.verdict is not Verdict.KEPT:
        yield from (plain(why_line(found)), "")
    yield from ("| scenario | verdict |", "|---|---|")
    for outcome in found.scenarios:
        yield f"| {plain(outcome.name)} | {plain(scenario_verdict(outcome, found.unit))} |"
    for names, finding in distinct_findings(found):
        yield from ("", f"### {finding.result} {plain('; '.join(names))}", "")
        yield from (f"- {label}: {code(text)}" for label, text in finding_details(finding))
    notes = [f"- {plain(note)}" for note in note_lines(found)]
    yield from ["", *notes] if notes else []
    if found.replay and found.verdict is not Verdict.KEPT:
        yield from ("", f"To see it again: {code(found.replay)}")
