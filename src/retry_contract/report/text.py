"""An outcome as lines of text, for a terminal or a log."""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from retry_contract.outcome import (
    EXERCISED,
    SHOWN,
    More,
    Outcome,
    RuleResult,
    RuleState,
    Verdict,
    Violation,
)
from retry_contract.report.bounded import bounded
from retry_contract.report.causes import Cause, causes
from retry_contract.report.known import known_clause, known_lines
from retry_contract.rules import RULES, Rule
from retry_contract.rules.every_response import cutover_clause
from retry_contract.rules.generated_cases import REQUESTS, SEQUENCES
from retry_contract.verification.findings import NOT_SELECTED

_WIDTH, _HEADING, _REASON = 100, 60, 28
_WHOLE, _FEW = ("case", "replay"), 3
"""What is to be copied, and so never wrapped."""

_MODEL = "by the built-in model of the page; no service was contacted"
_OF_REFUSALS = ("refused", "batches")
_LEFT_OUT = (RuleState.NOT_EXERCISED, RuleState.IGNORED)
Style = Callable[[str], str]
Details = Iterator[tuple[str, str]]
"""Labels, each with its text; an empty label goes on with the one before it."""


def table_lines(outcome: Outcome, broken: Style = str) -> Iterator[str]:
    """Yield the matrix of rules by contract; `broken` styles the rows of broken rules."""
    states = [{result.rule: result.state for result in c.rules} for c in outcome.contracts]
    width = max(map(len, RULES)) + 2
    yield _row("".ljust(width + 2), (contract.contract for contract in outcome.contracts))
    for section, rules in sections().items():
        yield section
        for rule in rules:
            row = [state[rule] for state in states]
            line = _row(f"  {rule.ljust(width)}", row)
            yield broken(line) if RuleState.BROKEN in row else line


def outcome_lines(outcome: Outcome, broken: Style = str) -> Iterator[str]:
    """Yield what is broken, by cause, what was kept and not exercised, and the outcome.

    `broken` styles the headings of causes. Of a run that tested nothing, yield its reason alone.
    """
    if is_tested(outcome):
        yield from cause_lines(outcome, broken)
        yield from _count_lines(outcome)
        yield from _drift_lines(outcome)
        yield from known_lines(outcome)
        yield from _left_out_lines(outcome)
        for mistake in outcome.mistakes[1:]:  # the last line has the first
            yield from _wrapped(f"also: {mistake}")
        requests = f"{_count(outcome.traffic.requests, 'request')} in {outcome.seconds:.1f} s"
        seed = "" if outcome.seed is None else f", seed {outcome.seed}"
        yield f"{_names(outcome)}: {requests}{seed}"
        yield from generated_lines(outcome)
    if outcome.samples is not None:
        yield sent_line(outcome)
    if is_tested(outcome):
        yield ""
    yield verdict_line(outcome)


def _drift_lines(outcome: Outcome) -> Iterator[str]:
    shown, more = bounded(outcome)
    for contract in shown.contracts:
        for drift in contract.drift:
            place = f"{drift.pointer}: " if drift.pointer else ""
            yield from _wrapped(f"drift: {place}{drift.message} ({contract.contract})")
    yield from More(drift=more.drift).lines()


def cause_lines(outcome: Outcome, broken: Style = str) -> Iterator[str]:
    """Yield each cause: what came and where, what was expected, the rules, and who says so."""
    several = len(outcome.contracts) > 1
    found = causes(outcome)
    for number, cause in enumerate(found[:SHOWN], 1):
        where = f"  {cause.contract}" if several else ""
        yield broken(f"{number}  {cause.violation.what}".ljust(_HEADING) + where).rstrip()
        yield from detail_lines(_cause_details(cause, outcome), indent=5, column=16, wrap=True)
        yield ""
    if found[SHOWN:]:
        yield from (f"and {_count(len(found[SHOWN:]), 'more cause')}", "")


def violation_lines(result: RuleResult) -> Iterator[str]:
    """Yield what broke a rule: where, what was expected, what came, and who says so."""
    rule = RULES[result.rule]
    yield f"{rule.id}, {result.contract}: {rule.sentence}"
    for violation in result.violations:
        yield from detail_lines(violation_details(violation, rule))
    yield from (f"  {line}" for line in More(result.more).lines())
    yield from detail_lines(source_details(rule))


def detail_lines(
    details: Iterable[tuple[str, str]], *, indent: int = 2, column: int = 12, wrap: bool = False
) -> Iterator[str]:
    """Yield labels at one column, each with its text at another; with `wrap`, in 100 columns."""
    for label, text in details:
        lines = _wrapped(text, _WIDTH - column) if wrap and label not in _WHOLE else [text]
        for line in lines or [""]:
            yield (f"{' ' * indent}{label}".ljust(column) + line).rstrip()
            label = ""


def violation_details(violation: Violation, rule: Rule) -> Details:
    """Yield the details of a violation of a rule, as a generated case or by itself."""
    if violation.rule != rule.id:
        yield "rule", f"{violation.rule}: {RULES[violation.rule].sentence}"
    yield from violation.details
    for label, text in (
        ("seen in", violation.seen),
        ("case", violation.case),
        ("replay", violation.replay),
    ):
        if text:
            yield label, text


def source_details(rule: Rule) -> Details:
    """Yield each statement that a rule goes by, and its address."""
    for source in rule.sources:
        yield "source", str(source)
        yield "", source.address


def _cause_details(cause: Cause, outcome: Outcome) -> Details:
    violation = cause.violation
    if violation.rule not in cause.rules:
        yield "rule", f"{violation.rule}: {RULES[violation.rule].sentence}"
    yield "expected", violation.expected
    yield "seen in", "; ".join(cause.responses)
    yield "breaks", ", ".join(cause.rules)
    yield "source", "; ".join(map(str, cause.sources))
    yield from (("", address) for address in dict.fromkeys(s.address for s in cause.sources))
    if violation.case is not None:
        yield "case", violation.case
    replay = violation.replay or outcome.replay
    if replay:
        yield "replay", replay


def reason_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what was not exercised, and what was ignored, a line for each reason."""
    for state in _LEFT_OUT:
        for reason, rules in by_reason(outcome, state).items():
            yield f"{state} ({reason}): {', '.join(rules)}"


def sent_line(outcome: Outcome) -> str:
    """Return in a line what went out that may have sent an SMS."""
    traffic = outcome.traffic
    retries, sends = (
        f"{number:,} {unit if number == 1 else units}"
        for number, unit, units in (
            (traffic.retries, "retry", "retries"),
            (traffic.sends, "Single Send", "Single Sends"),
        )
    )
    counts = Counter(traffic.unanswered)
    names = [what if n == 1 else f"{what} ({n} times)" for what, n in counts.items()]
    named, more = ", ".join(names[:_FEW]), len(names) - _FEW
    lost = f"; no response to {named}{f' and {more} more' if more > 0 else ''}" if named else ""
    spent = f", {outcome.spent} passed over" if outcome.spent else ""
    seen = f"{traffic.accepted} accepted, {outcome.samples} of them observed{spent}"
    return f"sent: {retries} ({seen}) and {sends}{lost}"


def verdict_line(outcome: Outcome) -> str:
    """Return the outcome in one line."""
    return "".join(verdict_parts(outcome))


def verdict_parts(outcome: Outcome) -> tuple[str, str]:
    """Return the outcome in one line, as two parts: the verdict of what, and what more there is."""
    verdict = str(outcome.verdict).upper()
    unproved = (Verdict.NOT_TESTED, Verdict.USAGE_ERROR)
    if outcome.verdict in unproved or not is_tested(outcome):
        reason = f"{outcome.reason}{_cut(outcome)}"
        return f"{verdict}: ", f"{reason}{'' if reason.endswith('?') else '.'}"
    if outcome.verdict is Verdict.KEPT:
        by = _MODEL if outcome.endpoint == "mock" else f"by {outcome.endpoint}"
        more = ""
        if outcome.superseded is not None:
            more = f", as shown: {_names(outcome)}, which was superseded on {outcome.superseded}"
        more += f"{_cutover(outcome)}{_cut(outcome)}{known_clause(outcome)}"
        missing = _not_exercised(outcome)
        if any(RULES[rule].section in _OF_REFUSALS for rule in missing):
            were = "rule was" if len(missing) == 1 else "rules were"
            more += f", but {len(missing)} {were} not exercised: {', '.join(missing)}"
        return f"{verdict} {by}", f"{more}."
    found, rules = causes(outcome), {r.rule for r in outcome.in_state(RuleState.BROKEN)}
    counts = f"{_count(len(found), 'cause')}, {_count(len(rules), 'rule')}" if found else None
    parts = "; ".join(filter(None, (counts, outcome.reason)))
    end = f"{_cutover(outcome)}{_cut(outcome)}{known_clause(outcome)}"
    return f"{verdict} {_names(outcome)}: ", f"{parts}{end}."


def _cutover(outcome: Outcome) -> str:
    return "" if outcome.cutover is None else f"; {cutover_clause(outcome.cutover)}"


def _not_exercised(outcome: Outcome) -> list[str]:
    found = outcome.in_state(RuleState.NOT_EXERCISED)
    return list(dict.fromkeys(r.rule for r in found if r.reason != NOT_SELECTED))


def generated_lines(outcome: Outcome) -> Iterator[str]:
    """Yield how many cases of each kind were generated over all contracts, if any were."""
    counts = [_count(played, kind) for kind, played, _ in _cases(outcome)]
    if counts:
        yield f"generated: {', '.join(counts)}"


def _cut(outcome: Outcome) -> str:
    """Return how many generated cases were played, where it was not all of them; else ""."""
    parts = [
        f"{played} of {_count(asked, kind)}" for kind, played, asked in _cases(outcome) if asked
    ]
    seconds = outcome.max_seconds
    within = f" within --max-seconds {seconds:g}" if seconds else ", for want of messages"
    return f"; {' and '.join(parts)} played{within}" if parts else ""


def _cases(outcome: Outcome) -> Iterator[tuple[str, int, int]]:
    """Yield each kind of case, how many were played, and how many asked for if it was not all."""
    for rule, kind in ((REQUESTS, "request"), (SEQUENCES, "sequence")):
        results = [r for c in outcome.contracts for r in c.rules if r.rule == rule]
        found = [(r.cases, r.asked) for r in results if r.cases is not None]
        if found:
            cut = any(asked is not None for _, asked in found)
            asked = sum(asked or cases for cases, asked in found) if cut else 0
            yield kind, sum(cases for cases, _ in found), asked


def _names(outcome: Outcome) -> str:
    return ", ".join(contract.contract for contract in outcome.contracts)


def is_tested(outcome: Outcome) -> bool:
    """Return whether anything was found: a rule kept, broken or known to be, or drift."""
    contracts = outcome.contracts
    found = any(result.state in EXERCISED for c in contracts for result in c.rules)
    return found or any(contract.drift for contract in contracts)


def _count_lines(outcome: Outcome) -> list[str]:
    """Return how many rules of each section are kept, of those exercised; wrapped between two."""
    parts = []
    for section, rules in sections().items():
        states = [r.state for c in outcome.contracts for r in c.rules if r.rule in rules]
        kept, seen = states.count(RuleState.KEPT), sum(s in EXERCISED for s in states)
        if seen:
            parts.append(f"{section} {kept} of {seen}".replace(" ", "\x1f"))
    return [line.replace("\x1f", " ") for line in _wrapped("    ".join(parts))]


def _left_out_lines(outcome: Outcome) -> Iterator[str]:
    for state in _LEFT_OUT:
        reasons = by_reason(outcome, state)
        unselected = reasons.pop(NOT_SELECTED, [])  # the user knows which
        if unselected:
            yield f"{NOT_SELECTED}: {_count(len(unselected), 'rule')}"
        if reasons:
            yield f"{state}: {_count(len(set().union(*reasons.values())), 'rule')}"
            yield from detail_lines(_reason_details(reasons), column=_REASON, wrap=True)


def _reason_details(reasons: Mapping[str, Sequence[str]]) -> Details:
    """Yield each reason with its rules; a long one stands on its own line."""
    for reason, rules in reasons.items():
        label = reason.removeprefix("needs ")
        if len(label) < _REASON - 3:
            yield label, ", ".join(rules)
        else:
            yield from ((line, "") for line in _wrapped(label))
            yield "", ", ".join(rules)


def by_reason(outcome: Outcome, state: RuleState) -> dict[str, list[str]]:
    """Return the rules by reason, and by what they need: the detail after it is in JSON."""
    found: dict[str, dict[str, None]] = {}
    for result in outcome.in_state(state):
        reason = result.reason or ""
        reason = reason.partition(": ")[0] if reason.startswith("needs ") else reason
        found.setdefault(reason, {})[result.rule] = None
    return {reason: list(rules) for reason, rules in found.items()}


def sections() -> dict[str, list[str]]:
    """Return the rules by section."""
    found: dict[str, list[str]] = {}
    for rule in RULES.values():
        found.setdefault(rule.section, []).append(rule.id)
    return found


def _row(heading: str, cells: Iterable[str]) -> str:
    return (heading + "".join(str(cell).ljust(20) for cell in cells)).rstrip()


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def _wrapped(text: str, width: int = _WIDTH - 4) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
