"""What the page of a run shows of its outcome, counted and grouped."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import show, show_day
from retry_contract.outcome import (
    EXERCISED,
    SHOWN,
    ContractResult,
    Drift,
    Entry,
    More,
    Outcome,
    RuleResult,
    RuleState,
    Verdict,
)
from retry_contract.report.bounded import bounded
from retry_contract.report.causes import Cause, causes
from retry_contract.report.remedies import remedies
from retry_contract.report.text import (
    by_reason,
    generated_lines,
    is_tested,
    sections,
    sent_line,
    verdict_line,
    verdict_parts,
)
from retry_contract.report.timeline_picture import picture
from retry_contract.rules import RULES, Basis, Rule
from retry_contract.verification.findings import NOT_SELECTED

_BASES = {
    Basis.PAGE: "stated by the page",
    Basis.PUBLISHED: "stated in another public page",
    Basis.INFERRED: "inferred from what is stated",
}
_WORST = (
    *(RuleState.BROKEN, RuleState.KNOWN, RuleState.KEPT),
    *(RuleState.NOT_EXERCISED, RuleState.IGNORED),
)
_BAR = 160
_RETRY = "POST /campaigns/:campaignId/messages/:messageId/retry"


@dataclass(frozen=True)
class Section:
    """A section's rules over all contracts: how many are in each state, and the bar of it."""

    name: str
    counts: dict[RuleState, int]
    bar: tuple[tuple[RuleState, float, float], ...]


@dataclass(frozen=True)
class Row:
    """A rule, with its result in each contract."""

    rule: Rule
    results: tuple[RuleResult | None, ...]

    @property
    def states(self) -> str:
        """The states that it is in, each as one word."""
        found = dict.fromkeys(result.state for result in self.results if result)
        return " ".join(map(_state_class, found))


def _state_class(state: RuleState) -> str:
    """Return a state as one word, for a class of the page."""
    return str(state).replace(" ", "-")


def verify_view(outcome: Outcome) -> dict[str, Any]:
    """Return what the template of a run is given."""
    found, (shown, more) = causes(outcome), bounded(outcome)
    tested = is_tested(outcome)
    return {
        "outcome": outcome,
        "title": verdict_line(outcome),
        "counts": _counts(outcome),
        "facts": tuple(_facts(outcome)),
        "headline": _headline(outcome),
        "remedies": remedies(outcome),
        "tested": tested,
        "tone": _tone(outcome),
        "causes": found[:SHOWN],
        "more_causes": len(found[SHOWN:]),
        "more": more.lines() if tested else (),
        "picture": picture(catalogue().timeline, outcome.began, _states(outcome)),
        "sections": tuple(_sections(outcome.contracts)),
        "states": _states_met(outcome),
        "missing": _missing(outcome),
        "ignored": by_reason(outcome, RuleState.IGNORED),
        "known": _known(outcome),
        "entries": _entries(outcome),
        "drift": _drift(shown),
        "more_drift": More(drift=more.drift).lines(),
        "rows": {name: _rows(rules, outcome.contracts) for name, rules in sections().items()},
        "run": tuple(_run(outcome)),
        "several": len(outcome.contracts) > 1,
        "bases": _BASES,
        "cause_rules": _cause_rules,
        "cause_title": _cause_title,
        "cause_rule": lambda cause: RULES[cause.violation.rule],
        "inferred": Basis.INFERRED,
        "state_class": _state_class,
    }


def _headline(outcome: Outcome) -> str:
    """Return the outcome as a sentence for somebody who does not know the kit."""
    model = outcome.endpoint == "mock"
    subject = "The built-in model" if model else "The service"
    if outcome.verdict is Verdict.BROKEN:
        names = dict.fromkeys(r.contract for r in outcome.in_state(RuleState.BROKEN))
        if not names:
            return f"{subject} sends what the contract does not mention"
        return f"{subject} does not keep the contract {_named(names)}"
    if outcome.verdict is Verdict.KEPT:
        names = dict.fromkeys(contract.contract for contract in outcome.contracts)
        plural = "s" if len(names) > 1 else ""
        if outcome.in_state(RuleState.KNOWN):
            known = "nothing new is broken, only what the baseline knows"
            return f"Contract{plural} {_named(names)}: {known}"
        return f"{subject} keeps the contract{plural} {_named(names)}"
    if outcome.verdict is Verdict.NOT_TESTED:
        return "This run does not show whether the service keeps the contract"
    return "The run cannot be done as it was asked for"


def _counts(outcome: Outcome) -> str:
    """Return the outcome line without what the headline says; "" if that is all of it."""
    text = verdict_parts(outcome)[1].lstrip(",;. ").removeprefix("but ")
    return f"{text[:1].upper()}{text[1:]}"


def _facts(outcome: Outcome) -> Iterator[str]:
    """Yield what was tested, where, when and how much of it, a line each."""
    where = f"`{outcome.endpoint}`"
    if outcome.endpoint == "mock":
        where = "the kit's built-in model; no service was contacted"
    sandbox = f" (the kit's sandbox: `{outcome.sandbox}`)" if outcome.sandbox else ""
    yield f"The test: the retry of a message, `{_RETRY}`, at {where}{sandbox}."
    for contract in outcome.contracts:
        period = catalogue().timeline.period(contract.contract)
        since = period.effective_from
        if since is not None:
            word = "from" if outcome.began and outcome.began < since else "since"
            yield f"`{period.name}`, in force {word} {show_day(since)}: {period.summary}."
    exercised = [r.state for c in outcome.contracts for r in c.rules if r.state in EXERCISED]
    if exercised:
        kept = f"{exercised.count(RuleState.KEPT)} of {len(exercised)} rules were kept"
        began = f", begun {show(outcome.began)}" if outcome.began else ""
        yield f"{kept}, in {outcome.traffic.requests:,} requests{began}."


def _tone(outcome: Outcome) -> str:
    """Return how the outcome looks: green only if nothing is broken, known or not."""
    if outcome.verdict is Verdict.KEPT and not outcome.in_state(RuleState.KNOWN):
        return "kept"
    return "broken" if outcome.verdict is Verdict.BROKEN else "na"


def _named(contracts: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in contracts)


def _cause_rules(cause: Cause) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that a cause breaks, each with how it is known."""
    for name in cause.rules:
        rule = RULES[name]
        yield rule, _BASES[rule.basis]


def _cause_title(cause: Cause) -> tuple[str, str]:
    """Return where a cause is, as it is to be shown as code, and what came there."""
    violation = cause.violation
    if violation.pointer:
        return violation.pointer, f"is {violation.actual}"
    return "", violation.what


def _states(outcome: Outcome) -> dict[str, str]:
    """Return the worst that became of each contract's rules."""
    found = {}
    for contract in outcome.contracts:
        states = {result.state for result in contract.rules}
        found[contract.contract] = str(next((s for s in _WORST if s in states), ""))
    return found


def _states_met(outcome: Outcome) -> dict[RuleState, int]:
    """Return the states that rules are in, the worst first, each with how many rules are."""
    counts = {state: {r.rule for r in outcome.in_state(state)} for state in _WORST}
    return {state: len(rules) for state, rules in counts.items() if rules}


def _sections(contracts: Iterable[ContractResult]) -> Iterator[Section]:
    results = [result for contract in contracts for result in contract.rules]
    for name, rules in sections().items():
        states = [result.state for result in results if result.rule in rules]
        counts = {state: states.count(state) for state in _WORST}
        if states:
            yield Section(name, counts, tuple(_bar(counts, len(states))))


def _bar(counts: dict[RuleState, int], total: int) -> Iterator[tuple[RuleState, float, float]]:
    x = 0.0
    for state in (RuleState.KEPT, RuleState.BROKEN, RuleState.KNOWN, *_WORST[3:]):
        width = round(_BAR * counts[state] / total, 2)
        if width:
            yield state, round(x, 2), width
        x += width


def _missing(outcome: Outcome) -> tuple[list[tuple[str, bool, list[str]]], list[str]]:
    """Return the reasons with their rules, whether it names an option, and what was deselected."""
    reasons = by_reason(outcome, RuleState.NOT_EXERCISED)
    unselected = reasons.pop(NOT_SELECTED, [])
    grouped = [
        (reason.removeprefix("needs "), reason.startswith("needs -"), rules)
        for reason, rules in reasons.items()
    ]
    return grouped, unselected


def _known(outcome: Outcome) -> tuple[Entry, ...]:
    """Return the entries of the baseline that the run met."""
    of_rules = (entry for c in outcome.contracts for r in c.rules for entry in r.known)
    of_baseline = outcome.baseline.known if outcome.baseline else ()
    return tuple(dict.fromkeys((*of_rules, *of_baseline)))


def _entries(outcome: Outcome) -> dict[str, tuple[Entry, ...]]:
    """Return the other entries of the baseline, by what became of them."""
    found = outcome.baseline
    if found is None:
        return {}
    groups = {
        "Expired, and so counted again": found.expired,
        "Gone: exercised and kept": found.gone,
        "Not exercised this time, and so still in the baseline": found.not_exercised,
    }
    return {name: entries for name, entries in groups.items() if entries}


def _drift(shown: Outcome) -> tuple[tuple[str, Drift], ...]:
    return tuple(
        (contract.contract, drift) for contract in shown.contracts for drift in contract.drift
    )


def _rows(rules: list[str], contracts: tuple[ContractResult, ...]) -> tuple[Row, ...]:
    results = [{result.rule: result for result in contract.rules} for contract in contracts]
    rows = (Row(RULES[rule], tuple(found.get(rule) for found in results)) for rule in rules)
    return tuple(row for row in rows if any(row.results))


def _run(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield the facts of the run, each with its label."""
    yield "Endpoint", "mock, the built-in model" if outcome.endpoint == "mock" else outcome.endpoint
    if outcome.contracts:
        yield "Contract", ", ".join(contract.contract for contract in outcome.contracts)
    if outcome.began:
        yield "Began", show(outcome.began)
    traffic = outcome.traffic
    yield "Requests", f"{traffic.requests:,}"
    if traffic.responses:
        yield "Responses", ", ".join(f"{n:,} with {s}" for s, n in traffic.responses.items())
    if outcome.samples is not None:
        yield "Sent", sent_line(outcome).removeprefix("sent: ")
    yield from (
        ("Generated", line.removeprefix("generated: ")) for line in generated_lines(outcome)
    )
    yield "Seconds", f"{outcome.seconds:.1f}"
    if outcome.seed is not None:
        yield "Seed", str(outcome.seed)
    if outcome.versions:
        yield "Versions", ", ".join(f"{name} {v}" for name, v in outcome.versions.items())
