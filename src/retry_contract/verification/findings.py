"""What a verification has found, in one process or in several, and the outcome that it makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from retry_contract.outcome import (
    ContractResult,
    Drift,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Verdict,
    Violation,
    conclude,
)
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.rules import ESSENTIAL, RULES
from retry_contract.verification.options import Options
from retry_contract.verification.replay import replay_command
from retry_contract.verification.verification import Verification

NOT_SELECTED = "not selected"


class Findings:
    """The results of rules by run, and what was seen beside them.

    `failure` is why testing ended early, if it did. `missing` is why a rule has no result.
    """

    def __init__(self, options: Options, scrubber: Scrubber) -> None:
        self.failure: str | None = None
        self.missing = NOT_SELECTED
        self.observed = False
        self._options = options
        self._scrubber = scrubber
        self._results: dict[tuple[str, str], RuleResult] = {}
        self._drift: dict[str, dict[Drift, None]] = {}
        self._traffic = Traffic()
        self._seconds = 0.0

    @property
    def has_results(self) -> bool:
        """Whether a rule was asked for."""
        return bool(self._results)

    def keep(self, run: str, result: RuleResult) -> None:
        """Keep the result of a rule."""
        self._results[run, result.rule] = result

    def output(self, verification: Verification, seconds: float) -> dict[str, Any]:
        """Return what this process has found as plain values, for `add` in another one."""
        traffic = verification.traffic()
        return {
            "requests": traffic.requests,
            "responses": dict(traffic.responses),
            "drift": verification.drift(),
            "failure": self.failure or verification.failure(),
            "seconds": seconds,
            "observed": self.observed,
            "results": [
                {**dataclasses.asdict(result), "state": result.state.value, "run": run}
                for (run, _), result in self._results.items()
            ],
        }

    def add(self, output: Mapping[str, Any]) -> None:
        """Add what one process has found."""
        self._traffic += Traffic(output["requests"], output["responses"])
        self._seconds = max(self._seconds, output["seconds"])
        self.failure = self.failure or output["failure"]
        self.observed = self.observed or output["observed"]
        for found in output["results"]:
            named = dict(found)
            self.keep(named.pop("run"), _read_result(named))
        for run, pairs in output["drift"].items():
            found = self._drift.setdefault(run, {})
            found |= dict.fromkeys(Drift(pointer, message) for pointer, message in pairs)

    def outcome(self, runs: Sequence[str], versions: Mapping[str, str]) -> Outcome:
        """Return the outcome over these runs."""
        contracts = tuple(self._result_of(run) for run in runs)
        asked = {run for run, _ in self._results}
        # A contract that the user deselected as a whole is no part of the question.
        checked = [c for run, c in zip(runs, contracts, strict=True) if run in asked]
        verdict, reason = conclude(
            checked if self.missing == NOT_SELECTED and checked else contracts,
            essential=ESSENTIAL,
            failure=self.failure,
            strict=self._options.strict,
        )
        if verdict is Verdict.NOT_TESTED and self._options.replay and not self.failure:
            reason = self._replayed()
        return Outcome(
            verdict,
            self._options.endpoint,
            reason,
            contracts,
            self._traffic,
            round(self._seconds, 3),
            self._options.seed,
            versions,
            self._replay(contracts) if verdict is not Verdict.KEPT else None,
        )

    def _replay(self, contracts: Sequence[ContractResult]) -> str:
        """Return a command that shows the outcome again: that of a generated case by the case."""
        found = [v for c in contracts for rule in c.rules for v in rule.violations]
        if found and all(violation.replay for violation in found):
            return str(found[0].replay)
        broken = (c.contract for c in contracts for r in c.rules if r.state is RuleState.BROKEN)
        contract = next(broken, contracts[0].contract if len(contracts) == 1 else "all")
        return self._scrubber.scrub(replay_command(self._options, contract))

    def scrub(self, result: RuleResult) -> RuleResult:
        """Return a result without anything that must not be written."""
        scrubber = self._scrubber
        return dataclasses.replace(
            result,
            violations=tuple(map(scrubber.scrub_violation, result.violations)),
            reason=result.reason and scrubber.scrub(result.reason),
        )

    def _replayed(self) -> str:
        kept = any(result.state is RuleState.KEPT for result in self._results.values())
        if kept:
            return "the replayed case keeps the contract, and nothing else was run"
        return next((r.reason for r in self._results.values() if r.reason), "nothing was replayed")

    def _result_of(self, run: str) -> ContractResult:
        found = [self._results[key] for key in self._results if key[0] == run]
        # The contract of the run `served` is known once the first Retrieve was answered.
        contract = next((r.contract for r in found if r.contract != run), run)
        rules = tuple(
            self.scrub(self._results.get((run, rule)) or self._missing_result(contract, rule))
            for rule in RULES
        )
        drift = (
            Drift(self._scrubber.scrub_pointer(d.pointer), self._scrubber.scrub(d.message))
            for d in self._drift.get(run, ())
        )
        return ContractResult(contract, rules, tuple(drift))

    def _missing_result(self, contract: str, rule: str) -> RuleResult:
        return RuleResult(rule, contract, RuleState.NOT_EXERCISED, reason=self.missing)


def _read_result(found: dict[str, Any]) -> RuleResult:
    violations = tuple(Violation(**violation) for violation in found["violations"])
    return RuleResult(**{**found, "violations": violations, "state": RuleState(found["state"])})
