"""Writes what `validate` found of saved responses, as text and as JSON."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from retry_contract.contract.saved import SavedResponse, named_response
from retry_contract.contract.timeline import Timeline, show
from retry_contract.outcome import Verdict
from retry_contract.privacy.published import ERROR_CODES

_COUNTED = {Verdict.KEPT: "kept", Verdict.BROKEN: "broken", Verdict.USAGE_ERROR: "unreadable"}
_MEMBERS = ("rule", "pointer", "expected", "actual", "message")


@dataclass(frozen=True)
class FileResult:
    """The validation of one file; if it cannot be validated, None and the reason.

    `number` is its place among the files, from 1, since its name may be masked.
    """

    file: str
    verdict: Verdict
    saved: SavedResponse | None = None
    reason: str = ""
    number: int = 0

    @property
    def has_drift(self) -> bool:
        """Whether the response has drift."""
        return bool(self.saved and self.saved.drift)


def count_document(results: Counter[tuple[Verdict, bool]]) -> dict[str, int]:
    """Return how many files came to what; `results` has their verdicts, and whether with drift."""
    counts = dict.fromkeys(("files", *_COUNTED.values(), "drift"), 0)
    for (verdict, drift), number in results.items():
        counts["files"] += number
        counts[_COUNTED[verdict]] += number
        counts["drift"] += number * drift
    return counts


def count_line(results: Counter[tuple[Verdict, bool]]) -> str:
    """Return how many files came to what, as one line."""
    counts = count_document(results)
    files, drift = counts.pop("files"), counts.pop("drift")
    parts = [f"{number:,} {name}" for name, number in counts.items() if number]
    parts += [f"{drift:,} with drift"] if drift else []
    return f"{files:,} file{'' if files == 1 else 's'}: {', '.join(parts)}"


def headline(name: str, verdict: Verdict, saved: SavedResponse) -> str:
    """Return the outcome of a file in one line: its verdict, and what it is if no such response."""
    line = f"{name}: {verdict.upper()} {saved.contract or 'under any contract'}"
    if saved.drift:
        strict = verdict is Verdict.BROKEN and not saved.violations
        line += ", with drift" + ", which --strict forbids" * strict
    remark = saved_remark(saved)
    return f"{line}; {remark}" if remark else line


def detail_lines(saved: SavedResponse) -> Iterator[str]:
    """Yield what breaks a contract: where, what was expected, what came, by which rule."""
    from retry_contract.rules import RULES  # here, since only a broken response needs them

    for violation in saved.violations:
        rule = RULES[violation.rule]
        yield from (f"  {label:10}{text}" for label, text in violation.details)
        yield f"  rule      {rule.id} (basis: {rule.basis}): {rule.source}"
    for drift in saved.drift:
        yield f"  drift     {drift.pointer or 'the body'}: {drift.message}"
    yield from (f"  {line}" for line in saved.more.lines())


def file_document(result: FileResult) -> dict[str, Any]:
    """Return what was found of a file as JSON has it."""
    saved = result.saved or SavedResponse(None, ())
    document: dict[str, Any] = {
        "file": result.file,
        "number": result.number,
        "outcome": str(result.verdict),
        "keeps": list(saved.keeps),
        "contract": saved.contract,
        "violations": [{name: getattr(v, name) for name in _MEMBERS} for v in saved.violations],
        "drift": [{"pointer": d.pointer, "message": d.message} for d in saved.drift],
        "more": dataclasses.asdict(saved.more),
    }
    notes = {"reason": result.reason, "remark": saved_remark(saved)}
    return document | {name: text for name, text in notes.items() if text}


def saved_remark(saved: SavedResponse) -> str:
    """Return which other contract a broken response keeps, or which other response it is."""
    if saved.violations and saved.keeps and saved.catalogue:
        timeline = saved.catalogue.timeline
        kept = (f"{name} ({_relation(timeline, name, saved.contract)})" for name in saved.keeps)
        return f"it keeps {', '.join(kept)}; --contract any accepts it"
    if not (saved.violations or saved.drift) or saved.other_kind is None:
        return ""
    if saved.keeps:
        return f"it is a valid {saved.other_kind} response too"
    return f"it is {named_response(saved.other_kind)}{_error(saved.payload)}"


def _relation(timeline: Timeline, name: str, expected: str | None) -> str:
    """Return how a contract stands in time to the one that is expected."""
    names = [period.name for period in timeline]
    begins = {period.name: period.effective_from for period in timeline}
    if expected in names[: names.index(name)]:
        begin = begins[name]
        return f"in force from {show(begin)}" if begin else "in force later"
    end = begins[dict(pairwise(names))[name]]
    return f"superseded at {show(end)}" if end else "superseded"


def _error(payload: Any) -> str:
    """Return the code or status of an error response as a clause; empty for another response."""
    error = payload.get("error")
    if isinstance(error, dict) and error.get("code") in ERROR_CODES:
        return f" with the code {error['code']}"
    status = payload.get("statusCode")
    return f" with the status {status}" if isinstance(status, int) else ""
