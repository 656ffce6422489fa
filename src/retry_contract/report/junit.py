"""junit.xml of `--report DIR`: a row for each rule and contract, or for each scenario."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree

from retry_contract.consumer.readiness import Finding, Readiness, Result, ScenarioOutcome
from retry_contract.outcome import (
    SHOWN,
    ContractResult,
    Entry,
    Outcome,
    RuleResult,
    RuleState,
    Verdict,
)
from retry_contract.privacy.descriptions import cut
from retry_contract.privacy.disarm import disarm
from retry_contract.report.bounded import bounded
from retry_contract.report.causes import next_step
from retry_contract.report.readiness_text import (
    OUTCOMES,
    finding_details,
    scenario_verdict,
    why_line,
)
from retry_contract.report.readiness_text import next_step as readiness_step
from retry_contract.report.text import detail_lines, is_tested, outcome_lines, violation_lines
from retry_contract.rules import RULES
from retry_contract.verification.findings import NOT_SELECTED

_SUITE = "retry-contract"
_LONGEST = 1_000
"""In characters, of a message: a viewer shows it in a line, and the text has all of it."""

_EXPECTED = {
    "payload": "expected a response that is read; came",
    "call": "expected a call that reports what became of the retry, and does no harm; came:",
}


@dataclass(frozen=True)
class _Row:
    """A test case; `tag` says what it is, if it did not pass, and `kind` is the type of that."""

    section: str
    name: str
    tag: Literal["", "failure", "error", "skipped"] = ""
    message: str = ""
    kind: str = ""
    lines: Sequence[str] = ()


def verify_junit(outcome: Outcome) -> bytes:
    """Return a run as JUnit XML: a row a rule and contract, and one that says what ended the run.

    Rules that were not selected are left out, and all of them if nothing was tested.
    """
    rows = list(_rule_rows(outcome)) if is_tested(outcome) else []
    if outcome.verdict is not Verdict.KEPT and (outcome.reason or not rows):
        reason = outcome.reason or str(outcome.verdict)
        rows.append(_outcome_row(reason, str(outcome.verdict), _run_lines(outcome)))
    return _xml(rows, outcome.seconds, outcome.began)


def readiness_junit(found: Readiness) -> bytes:
    """Return a check of a consumer as JUnit XML: a row a scenario, and one if it is not tested."""
    rows = [_scenario_row(scenario, found) for scenario in found.scenarios]
    if found.verdict in (Verdict.NOT_TESTED, Verdict.USAGE_ERROR):
        lines = (why_line(found), *found.notes, readiness_step(found) or "")
        rows.append(_outcome_row(why_line(found), OUTCOMES[found.verdict], lines))
    return _xml(rows, found.seconds, found.began)


def _outcome_row(reason: str, verdict: str, lines: Sequence[str]) -> _Row:
    return _Row("run", "outcome", "error", reason, verdict, lines)


def _run_lines(outcome: Outcome) -> Sequence[str]:
    return (*outcome_lines(outcome), next_step(outcome), *_replay_lines(outcome))


def _replay_lines(outcome: Outcome) -> Sequence[str]:
    return () if outcome.replay is None else (f"replay: {outcome.replay}",)


def _rule_rows(outcome: Outcome) -> Iterator[_Row]:
    shown, _ = bounded(outcome)
    for whole, part in zip(outcome.contracts, shown.contracts, strict=True):
        for found, result in zip(whole.rules, part.rules, strict=True):
            if result.reason != NOT_SELECTED:
                more = len(found.violations) - len(result.violations)
                yield _rule_row(result, outcome, part, more)


def _rule_row(result: RuleResult, outcome: Outcome, contract: ContractResult, more: int) -> _Row:
    section, name = RULES[result.rule].section, f"{result.rule} ({contract.contract})"
    match result.state:
        case RuleState.KEPT:
            return _Row(section, name)
        case RuleState.BROKEN:
            message = _failure_message(result, more)
            lines = (*_failure_lines(result, outcome, more), next_step(outcome))
            return _Row(section, name, "failure", message, result.rule, lines)
        case RuleState.KNOWN:
            first, *others = map(_known, result.known)
            also = f"; and {len(others)} more" if others else ""
            lines = (first, *others)[:SHOWN]
            return _Row(section, name, "skipped", f"known: {first}{also}", lines=lines)
    return _Row(section, name, "skipped", f"{result.state}: {result.reason}")


def _failure_message(result: RuleResult, more: int) -> str:
    first, *others = result.violations
    left_out = len(others) + more + result.more
    place = f", at {first.pointer}" if first.pointer else ""
    also = f"; and {left_out:,} more" if left_out else ""
    return f"expected {first.expected}; came {first.actual}{place}{also}"


def _failure_lines(result: RuleResult, outcome: Outcome, more: int) -> Iterator[str]:
    yield from violation_lines(result)
    if more:
        yield f"  and {more:,} more, which report.json counts"
    if not any(violation.replay for violation in result.violations):
        yield from _replay_lines(outcome)


def _known(entry: Entry) -> str:
    until = f"until {entry.expires}" if entry.expires else ""
    parts = (entry.pointer, entry.reason, entry.ticket, until)
    return ", ".join(part for part in parts if part) or f"since {entry.first_seen}"


def _scenario_row(scenario: ScenarioOutcome, found: Readiness) -> _Row:
    finding, did = scenario.finding, scenario_verdict(scenario, found.unit)
    lines = list(detail_lines(finding_details(finding))) if finding else []
    lines = [line for text in lines for line in text.split("\n")]
    lines += [f"replay: {found.replay}"] if found.replay else []
    if scenario.result is Result.OK:
        return _Row("consumer", scenario.name)
    if scenario.counts and scenario.result is not Result.NOT_TESTED:
        message = _finding_message(finding, found.unit) if finding else did
        return _Row("consumer", scenario.name, "failure", message, str(scenario.result), lines)
    error = f": {finding.error}" if finding and finding.error else ""
    return _Row("consumer", scenario.name, "skipped", f"{did}{error}", lines=lines)


def _finding_message(finding: Finding, unit: str) -> str:
    if not finding.differs:
        return f"{_EXPECTED[unit]} {finding.error}"
    first, *others = finding.differs
    also = f"; and {len(others)} more" if others else ""
    place = first.pointer or "the result"
    return f"expected {first.expected}; came {first.actual}, at {place}{also}"


def _xml(rows: Sequence[_Row], seconds: float, began: datetime | None = None) -> bytes:
    counts = {"tests": str(len(rows))}
    tags = [row.tag for row in rows]
    counts |= {f"{tag}s": str(tags.count(tag)) for tag in ("failure", "error")}
    counts |= {"skipped": str(tags.count("skipped")), "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", {"name": _SUITE, **counts})
    when = {} if began is None else {"timestamp": began.isoformat(timespec="seconds")}
    suite = ElementTree.SubElement(root, "testsuite", {"name": _SUITE, **counts, **when})
    for row in rows:
        _add(suite, row)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ElementTree.Element, row: _Row) -> None:
    section = row.section.replace(" ", "-")
    names = {"classname": f"{_SUITE}.{section}", "name": _safe(row.name)}
    case = ElementTree.SubElement(suite, "testcase", names)
    if row.tag:
        shown = {"message": _safe(row.message)} | ({"type": row.kind} if row.kind else {})
        ElementTree.SubElement(case, row.tag, shown).text = "\n".join(map(disarm, row.lines))


def _safe(text: str) -> str:
    return cut(disarm(text), _LONGEST)
