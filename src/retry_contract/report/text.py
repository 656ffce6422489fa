"""An outcome as lines of text, for a terminal or a log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from retry_contract.outcome import Outcome, RuleResult, RuleState, Verdict, Violation
from retry_contract.rules import RULES

_WIDTH = 88
_MODEL = "by the built-in model of the page; no service was contacted"


def table_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the table of rules by contract."""
    names = [contract.contract for contract in outcome.contracts]
    states = {
        (result.rule, contract.contract): str(result.state)
        for contract in outcome.contracts
        for result in contract.rules
    }
    width = max(len(rule) for rule in RULES) + 2
    yield "".ljust(width + 2) + "".join(name.ljust(20) for name in names).rstrip()
    for name, rules in _sections():
        yield name
        for rule in rules:
            row = "".join(states[rule, contract].ljust(20) for contract in names)
            yield f"  {rule.ljust(width)}{row}".rstrip()


def violation_lines(result: RuleResult) -> Iterator[str]:
    """Yield what broke a rule: where, what was expected, what came, and what says so."""
    rule = RULES[result.rule]
    yield f"{rule.id}, {result.contract}: {rule.sentence}"
    for violation in result.violations:
        if violation.rule != result.rule:
            yield f"  rule      {violation.rule}: {RULES[violation.rule].source}"
        yield from _violation(violation)
    yield f"  source    {rule.source} (basis: {rule.basis})"


def detail_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what is broken, drifting, not exercised, and ignored."""
    for result in outcome.in_state(RuleState.BROKEN):
        yield ""
        yield "BROKEN " + next(lines := violation_lines(result))
        yield from lines
    notes = [*_drift_lines(outcome), *reason_lines(outcome)]
    if notes:
        yield ""
    for note in notes:
        yield from textwrap.wrap(
            note, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )


def reason_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what was not exercised, and what was ignored, a line for each reason."""
    yield from _reasons(outcome, RuleState.NOT_EXERCISED)
    yield from _reasons(outcome, RuleState.IGNORED)


def _drift_lines(outcome: Outcome) -> Iterator[str]:
    for contract in outcome.contracts:
        for drift in contract.drift:
            yield f"drift: {drift.pointer or 'the body'}: {drift.message} ({contract.contract})"


def closing_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the count of rules and requests, and the outcome in one line."""
    counts = ", ".join(f"{len(outcome.in_state(s))} {s}" for s in RuleState)
    seed = "" if outcome.seed is None else f", seed {outcome.seed}"
    traffic = f"{outcome.traffic.requests} requests, {outcome.seconds:.2f} s{seed}"
    if outcome.contracts:
        yield f"{counts}; {traffic}"
    yield verdict_line(outcome)


def verdict_line(outcome: Outcome) -> str:
    """Return the outcome in one line."""
    verdict = str(outcome.verdict).upper()
    if outcome.verdict is Verdict.KEPT:
        by = _MODEL if outcome.endpoint == "mock" else f"by {outcome.endpoint}"
        return f"{verdict} {by}."
    rules = ", ".join(sorted({r.rule for r in outcome.in_state(RuleState.BROKEN)}))
    if rules and outcome.reason:
        return f"{verdict}: {rules} ({outcome.reason})."
    return f"{verdict}: {rules or outcome.reason}."


def _violation(violation: Violation) -> Iterator[str]:
    yield f"  at        {violation.pointer or 'the response'}"
    yield f"  expected  {violation.expected}"
    yield f"  came      {violation.actual}"
    yield f"  seen in   {violation.seen}"
    if violation.case is not None:
        yield f"  case      {violation.case}"
    if violation.replay is not None:
        yield f"  replay    {violation.replay}"


def _reasons(outcome: Outcome, state: RuleState) -> Iterator[str]:
    by_reason: dict[str, dict[str, None]] = {}
    for result in outcome.in_state(state):
        by_reason.setdefault(result.reason or "", {})[result.rule] = None
    for reason, rules in by_reason.items():
        yield f"{state} ({reason}): {', '.join(rules)}"


def _sections() -> Iterable[tuple[str, list[str]]]:
    sections: dict[str, list[str]] = {}
    for rule in RULES.values():
        sections.setdefault(rule.section, []).append(rule.id)
    return sections.items()
