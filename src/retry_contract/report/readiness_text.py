"""The words for what a check of a consumer found, which every report of it shares."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from retry_contract.consumer.readiness import Finding, Readiness, Result, ScenarioOutcome
from retry_contract.contract.timeline import Period
from retry_contract.outcome import Verdict

OUTCOMES = {
    Verdict.KEPT: "ready",
    Verdict.BROKEN: "not ready",
    Verdict.NOT_TESTED: "not tested",
    Verdict.USAGE_ERROR: "usage error",
}
_FEW, _SOME = 3, 6


def outcome_line(found: Readiness) -> str:
    """Return the outcome in one line."""
    begin = found.period.effective_from
    day = "the beginning" if begin is None else f"{begin.day} {begin:%b %Y}"
    since = f"in force {'since' if found.in_force else 'from'} {day}"
    return f"{OUTCOMES[found.verdict].upper()} for {found.period.name} ({since})"


def note_lines(found: Readiness) -> Iterator[str]:
    """Yield what is to be known next to the outcome."""
    new, old = _outcome_of(found, found.period), _outcome_of(found, found.older)
    if found.verdict is Verdict.KEPT and old.result is Result.BREAKS:
        extent = f"every {found.unit}" if old.failed == old.tried else f"some {found.unit}s"
        yield f"It fails on {extent} of {old.of}, but that is no longer in force."
    next_change = [o for o in found.scenarios if o.name.endswith("one more field")]
    if new.result is Result.OK and any(o.result is Result.BREAKS for o in next_change):
        yield "The next field that is added will break it."
    yield from found.notes


def _outcome_of(found: Readiness, period: Period) -> ScenarioOutcome:
    return next(o for o in found.scenarios if o.name == period.alias)


def why_line(found: Readiness) -> str:
    """Return in a sentence why code is not ready, or was not tested."""
    new, old, unit = _outcome_of(found, found.period), _outcome_of(found, found.older), found.unit
    counted = [o for o in found.scenarios if o.counts]
    if found.verdict is Verdict.USAGE_ERROR:
        return f"It is ready, but {found.unwritten}."
    if found.verdict is Verdict.NOT_TESTED:
        untested = [o.name for o in counted if o.result is Result.NOT_TESTED]
        return f"Not tested: {'; '.join(_shorten(untested))}."
    if new.failed and new.failed == new.tried:
        if old.failed and old.failed == old.tried:
            cause, one, other = "the cutover is not the reason", old.finding, new.finding
            if one and other and (unit == "call" or one.error != other.error):
                cause = other.error.rstrip(".")
            failure = f"It fails on every {unit} of both contracts: {cause}."
            values = "If it reads what fills your template, give --values."
            question = f" Is it the code that reads the response? {values}"
            return failure + question * (unit == "payload")
        reads = "reads" if old.result is Result.OK else "on some of"
        return f"It fails on every {unit} of {new.of}, and {reads} {old.of}."
    if old.finding and old.finding.odd and _fails_alike(old.finding, counted):
        return f"It fails on some {unit}s of both contracts alike: the cutover is not the reason."
    failing = [o.name for o in counted if o.result in (Result.BREAKS, Result.DIFFERS)]
    return f"It fails in some scenarios: {'; '.join(_shorten(failing))}."


def next_step(found: Readiness) -> str | None:
    """Return what to do next, in a sentence or two; None if the code is ready."""
    if found.verdict is Verdict.KEPT:
        return None
    if found.verdict is Verdict.USAGE_ERROR:
        return "Make room for the report, or give another folder, and run again."
    first = next(o for o in found.scenarios if o.counts and o.result is not Result.OK)
    advice = first.finding.advice.partition("\n")[0] if first.finding else ""
    step = advice or "look at what your code does here"
    return f"In the scenario {first.name}: {step}. Then try it again."


def _fails_alike(older: Finding, counted: Sequence[ScenarioOutcome]) -> bool:
    """Say whether all that fails is what fails on the older contract's responses too."""
    findings = [outcome.finding for outcome in counted if outcome.finding]
    return all((f.error, f.odd) == (older.error, older.odd) for f in findings)


def scenario_verdict(outcome: ScenarioOutcome, unit: str) -> str:
    """Return how the code did in a scenario, and on how many payloads or calls."""
    total = f"{outcome.tried} {unit}{'' if outcome.tried == 1 else 's'}"
    if not outcome.failed:
        remark = f"; {outcome.remark}" if outcome.remark else ""
        return f"{outcome.result} ({total}{remark})" if outcome.tried else str(outcome.result)
    comment = "" if outcome.counts else "; not counted"
    return f"{outcome.result} on {outcome.failed} of {total}{comment}"


def distinct_findings(found: Readiness) -> Iterable[tuple[list[str], Finding]]:
    """Return each finding once, with the names of the scenarios that have it."""
    groups: dict[tuple[object, ...], tuple[list[str], Finding]] = {}
    for outcome in found.scenarios:
        if (finding := outcome.finding) is not None:
            # What a client returned comes after the colon, and differs by scenario.
            error = finding.error.partition(":")[0] if finding.requests else finding.error
            key = finding.result, error, pointers_of(finding), finding.odd
            groups.setdefault(key, ([], finding))[0].append(outcome.name)
    return groups.values()


def pointers_of(finding: Finding) -> tuple[str, ...]:
    """Return the places of the result that differ."""
    return tuple(place.pointer for place in finding.differs)


def finding_details(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield labels, each with a text: what shows a failure, what failed, where, what to do."""
    if finding.payload is not None:
        yield "payload", json.dumps(finding.payload, ensure_ascii=False)
    yield from (("asked", line) for line in _shorten(finding.requests, _SOME))
    if not finding.requests:
        oddities = [_oddity(pointer, finding.payload or {}) for pointer in finding.odd]
        yield "oddity", ", ".join(_shorten(oddities)) or "none: it is the plainest message"
    yield from (("read", line) for line in _shorten([*map(str, finding.differs)]))
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


def _shorten(items: Sequence[str], most: int = _FEW) -> list[str]:
    more = len(items) - most
    return [*items] if more <= 0 else [*items[:most], f"and {more} more"]
