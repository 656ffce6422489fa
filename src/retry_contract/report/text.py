"""An outcome as lines of text, for a terminal or a log."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator

from retry_contract.outcome import Outcome, RuleResult, RuleState, Verdict, Violation
from retry_contract.report.causes import Cause, causes
from retry_contract.rules import RULES

_WIDTH, _INDENT, _HEADING = 100, 16, 60
_MODEL = "by the built-in model of the page; no service was contacted"
Style = Callable[[str], str]


def table_lines(outcome: Outcome, broken: Style = str) -> Iterator[str]:
    """Yield the matrix of rules by contract; `broken` styles the rows of broken rules."""
    names = [contract.contract for contract in outcome.contracts]
    states = {
        (result.rule, contract.contract): str(result.state)
        for contract in outcome.contracts
        for result in contract.rules
    }
    width = max(map(len, RULES)) + 2
    yield "".ljust(width + 2) + "".join(name.ljust(20) for name in names).rstrip()
    for section, rules in _sections().items():
        yield section
        for rule in rules:
            row = [states[rule, contract] for contract in names]
            line = f"  {rule.ljust(width)}{''.join(s.ljust(20) for s in row)}".rstrip()
            yield broken(line) if RuleState.BROKEN in row else line


def outcome_lines(outcome: Outcome, broken: Style = str) -> Iterator[str]:
    """Yield what is broken, by cause, what was kept and not exercised, and the outcome.

    `broken` styles the headings of causes. A run that tested nothing has its reason alone.
    """
    if is_tested(outcome):
        yield from cause_lines(outcome, broken)
        yield from _packed(_counts(outcome))
        yield from _drift_lines(outcome)
        yield from _unexercised_lines(outcome)
        yield _extent(outcome)
        yield ""
    yield verdict_line(outcome)


def cause_lines(outcome: Outcome, broken: Style = str) -> Iterator[str]:
    """Yield each cause: what came and where, what was expected, the rules, and who says so."""
    several = len(outcome.contracts) > 1
    for number, cause in enumerate(causes(outcome), 1):
        where = f"{cause.contract}, {cause.violation.seen}" if several else cause.violation.seen
        yield broken(f"{number}  {cause.violation.what}".ljust(_HEADING) + f"  {where}".rstrip())
        for label, text in _details(cause, outcome):
            yield from _detail(label, text)
        yield ""


def _details(cause: Cause, outcome: Outcome) -> Iterator[tuple[str, str]]:
    violation = cause.violation
    yield "expected", violation.expected
    yield "breaks", ", ".join(cause.rules)
    yield "source", "; ".join(map(str, cause.sources))
    yield from (("", address) for address in dict.fromkeys(s.address for s in cause.sources))
    if violation.case is not None:
        yield "case", violation.case
    replay = violation.replay or outcome.replay
    if replay:
        yield "replay", replay


def _detail(label: str, text: str) -> Iterator[str]:
    if label in ("case", "replay"):  # to be copied whole
        yield f"     {label:11}{text}"
        return
    for number, line in enumerate(_wrapped(text, _WIDTH - _INDENT)):
        yield f"     {'' if number else label:11}{line}"


def violation_lines(result: RuleResult) -> Iterator[str]:
    """Yield what broke a rule: where, what was expected, what came, and who says so."""
    rule = RULES[result.rule]
    yield f"{rule.id}, {result.contract}: {rule.sentence}"
    for violation in result.violations:
        if violation.rule != result.rule:
            yield f"  rule      {violation.rule}: {RULES[violation.rule].sentence}"
        yield from _violation(violation)
    for source in rule.sources:
        yield f"  source    {source}"
        yield f"            {source.address}"


def reason_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what was not exercised, and what was ignored, a line for each reason."""
    for state in (RuleState.NOT_EXERCISED, RuleState.IGNORED):
        for reason, rules in _by_reason(outcome, state).items():
            yield f"{state} ({reason}): {', '.join(rules)}"


def verdict_line(outcome: Outcome) -> str:
    """Return the outcome in one line."""
    verdict = str(outcome.verdict).upper()
    if outcome.verdict is Verdict.NOT_TESTED or not is_tested(outcome):
        return f"{verdict}: {outcome.reason}."
    if outcome.verdict is Verdict.KEPT:
        by = _MODEL if outcome.endpoint == "mock" else f"by {outcome.endpoint}"
        return f"{verdict} {by}."
    found, rules = causes(outcome), {r.rule for r in outcome.in_state(RuleState.BROKEN)}
    parts = [outcome.reason or ""]
    if found:
        parts.insert(0, f"{_count(len(found), 'cause')}, {_count(len(rules), 'rule')}")
    names = ", ".join(contract.contract for contract in outcome.contracts)
    return f"{verdict} {names}: {'; '.join(filter(None, parts))}."


def _extent(outcome: Outcome) -> str:
    seed = "" if outcome.seed is None else f", seed {outcome.seed}"
    requests = _count(outcome.traffic.requests, "request")
    return f"{requests} in {outcome.seconds:.1f} s{seed}"


def is_tested(outcome: Outcome) -> bool:
    """Whether anything was found: a rule kept or broken, or drift."""
    return bool(outcome.in_state(RuleState.KEPT) or outcome.in_state(RuleState.BROKEN)) or any(
        contract.drift for contract in outcome.contracts
    )


def _counts(outcome: Outcome) -> Iterator[str]:
    """Yield for each section how many of its rules are kept, of those that were exercised."""
    kept = [result.rule for result in outcome.in_state(RuleState.KEPT)]
    broken = [result.rule for result in outcome.in_state(RuleState.BROKEN)]
    for section, rules in _sections().items():
        count = sum(rule in rules for rule in kept)
        exercised = count + sum(rule in rules for rule in broken)
        if exercised:
            yield f"{section} {count} of {exercised}"


def _unexercised_lines(outcome: Outcome) -> Iterator[str]:
    for state in (RuleState.NOT_EXERCISED, RuleState.IGNORED):
        reasons = _by_reason(outcome, state)
        if not reasons:
            continue
        yield f"{state}: {_count(len({r for rules in reasons.values() for r in rules}), 'rule')}"
        for reason, rules in reasons.items():
            first, *rest = _wrapped(f"{reason.removeprefix('needs ')}: {', '.join(rules)}")
            yield from (f"  {first}", *(f"    {line}" for line in rest))


def _by_reason(outcome: Outcome, state: RuleState) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for result in outcome.in_state(state):
        found.setdefault(result.reason or "", {})[result.rule] = None
    return {reason: list(rules) for reason, rules in found.items()}


def _drift_lines(outcome: Outcome) -> Iterator[str]:
    for contract in outcome.contracts:
        for drift in contract.drift:
            place = drift.pointer or "the body"
            yield from _wrapped(f"drift: {place}: {drift.message} ({contract.contract})")


def _violation(violation: Violation) -> Iterator[str]:
    yield f"  at        {violation.pointer or f'the {violation.place}'}"
    yield f"  expected  {violation.expected}"
    yield f"  came      {violation.actual}"
    yield f"  seen in   {violation.seen}"
    if violation.case is not None:
        yield f"  case      {violation.case}"
    if violation.replay is not None:
        yield f"  replay    {violation.replay}"


def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for rule in RULES.values():
        sections.setdefault(rule.section, []).append(rule.id)
    return sections


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def _packed(parts: Iterable[str]) -> list[str]:
    """Return lines that end between two parts."""
    glued = "    ".join(part.replace(" ", "\x1f") for part in parts)
    return [line.replace("\x1f", " ") for line in _wrapped(glued)]


def _wrapped(text: str, width: int = _WIDTH - 4) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
