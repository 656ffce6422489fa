"""What a verification finds, in one process or in several, and the outcome of it."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import show_day
from retry_contract.outcome import (
    ContractResult,
    Drift,
    Entry,
    KnownBreaches,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Verdict,
    conclude,
)
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.rules import ESSENTIAL, GENERATED, RULES
from retry_contract.verification.options import Options, replay_command

NOT_SELECTED = "not selected"


@dataclass
class Findings:
    """The results of rules by run and rule, the drift by run, and what was sent.

    `more_drift` is how much drift of a run there is at the least that `drift` leaves out.
    `failure` is why testing ended early, if it did. `missing` is why a rule has no result.
    `observed` says that a test looked at a scenario. `samples` is how many accepted retries were
    observed, `spent` how many messages may have been tried too often. `cutover` is the number of
    the request at which another contract took over. `mistakes` are those of the hook for messages.
    `seconds` is its duration.
    """

    failure: str | None = None
    missing: str = NOT_SELECTED
    observed: bool = False
    seconds: float = 0.0
    traffic: Traffic = field(default_factory=Traffic)
    samples: int = 0
    spent: int = 0
    cutover: int | None = None
    mistakes: tuple[str, ...] = ()
    drift: dict[str, tuple[Drift, ...]] = field(default_factory=dict)
    more_drift: dict[str, int] = field(default_factory=dict)
    results: dict[tuple[str, str], RuleResult] = field(default_factory=dict)

    def add(self, other: Self) -> None:
        """Add what another process found."""
        self.failure = self.failure or other.failure
        self.observed = self.observed or other.observed
        self.seconds = max(self.seconds, other.seconds)
        self.traffic += other.traffic
        self.samples += other.samples
        self.spent += other.spent
        self.mistakes += other.mistakes
        self.cutover = other.cutover if self.cutover is None else self.cutover
        for run, drift in other.drift.items():
            self.drift[run] = tuple(dict.fromkeys([*self.drift.get(run, ()), *drift]))
        for run, more in other.more_drift.items():
            self.more_drift[run] = max(more, self.more_drift.get(run, 0))
        self.results |= other.results


def outcome_of(
    found: Findings,
    runs: Sequence[str],
    options: Options,
    scrubber: Scrubber,
    versions: Mapping[str, str],
) -> Outcome:
    """Return the outcome over these runs, with nothing in it that must not be written."""
    contracts = tuple(_contract_result(found, run, scrubber) for run in runs)
    baseline, judged, compared = options.baseline, contracts, None
    if baseline is not None:
        judged = tuple(map(baseline.apply_to_drift, contracts))
        whole = found.failure is None
        parts = vars(baseline.compared(contracts, strict=options.strict, whole=whole))
        scrubbed = {name: _scrub_entries(part, scrubber) for name, part in parts.items()}
        compared = KnownBreaches(**scrubbed)
    # A contract that the user deselected as a whole is no part of the question.
    asked = {run for run, _ in found.results} if found.missing == NOT_SELECTED else set()
    verdict, reason = conclude(
        [c for run, c in zip(runs, judged, strict=True) if run in asked] or judged,
        essential=ESSENTIAL,
        failure=found.failure,
        mistake=_mistake(found.mistakes, scrubber),
        strict=options.strict,
        required=options.required,
    )
    if verdict is Verdict.NOT_TESTED and options.replay and not found.failure:
        results = found.results.values()
        if any(result.state is RuleState.KEPT for result in results):
            reason = "the replayed case keeps the contract, and nothing else was run"
        else:
            reason = next((r.reason for r in results if r.reason), "nothing was replayed")
    generated = any(rule in GENERATED for _, rule in found.results)
    return Outcome(
        verdict,
        scrubber.scrub(options.endpoint),
        reason and scrubber.scrub(reason),
        contracts,
        found.traffic,
        found.samples if options.live else None,
        found.spent,
        options.max_seconds,
        found.cutover,
        tuple(map(scrubber.scrub, found.mistakes)),
        None if options.expectations else _superseded(contracts[0].contract),
        round(found.seconds, 3),
        options.seed if generated else None,
        versions,
        _replay(contracts, options) if _may_replay(verdict, found.traffic) else None,
        baseline=compared,
        sandbox=options.sandbox and scrubber.scrub(options.sandbox),
    )


def _may_replay(verdict: Verdict, traffic: Traffic) -> bool:
    """Return whether to show how to repeat a run: not if that sends what may be on its way."""
    if verdict is Verdict.BROKEN:
        return not traffic.lost
    return verdict is not Verdict.KEPT and not (traffic.retries or traffic.sends)


def _mistake(mistakes: Sequence[str], scrubber: Scrubber) -> str | None:
    """Return the first of the hook's mistakes, and in how many other states there is one."""
    if not mistakes:
        return None
    first, *others = mistakes
    states = f"{len(others)} other state{'' if len(others) == 1 else 's'}"
    return scrubber.scrub(first) + (f"; and so on, in {states}" if others else "")


def _superseded(name: str) -> str | None:
    """Return the day on which a contract was superseded; None if it was not, or is not known."""
    timeline = catalogue().timeline
    period = next((p for p in timeline if p.name == name), None)
    until = timeline.end_of(period) if period is not None else None
    if until is None or until > datetime.now(UTC):
        return None
    return show_day(until)


def scrub_result(result: RuleResult, scrubber: Scrubber) -> RuleResult:
    """Return a result without anything that must not be written."""
    return dataclasses.replace(
        result,
        violations=tuple(map(scrubber.scrub_violation, result.violations)),
        reason=result.reason and scrubber.scrub(result.reason),
        known=_scrub_entries(result.known, scrubber),
    )


def _scrub_entries(entries: Iterable[Entry], scrubber: Scrubber) -> tuple[Entry, ...]:
    """Return entries of a baseline with every secret masked in what people wrote."""
    return tuple(
        dataclasses.replace(e, reason=scrubber.scrub(e.reason), ticket=scrubber.scrub(e.ticket))
        for e in entries
    )


def _contract_result(found: Findings, run: str, scrubber: Scrubber) -> ContractResult:
    results = {rule: result for (name, rule), result in found.results.items() if name == run}
    # The contract of the run `served` is known once the first Retrieve was answered.
    contract = next((r.contract for r in results.values() if r.contract != run), run)
    missing = RuleResult("", contract, RuleState.NOT_EXERCISED, reason=found.missing)
    rules = (results.get(rule) or dataclasses.replace(missing, rule=rule) for rule in RULES)
    drift = tuple(map(scrubber.scrub_drift, found.drift.get(run, ())))
    scrubbed = tuple(scrub_result(r, scrubber) for r in rules)
    return ContractResult(contract, scrubbed, drift, found.more_drift.get(run, 0))


def _replay(contracts: Sequence[ContractResult], options: Options) -> str:
    """Return a command that shows the outcome again: that of a generated case by the case."""
    found = [v for c in contracts for rule in c.rules for v in rule.violations]
    if found and all(violation.replay for violation in found):
        return str(found[0].replay)
    broken = (c.contract for c in contracts for r in c.rules if r.state is RuleState.BROKEN)
    contract = next(broken, contracts[0].contract if len(contracts) == 1 else "all")
    return replay_command(options, contract)
