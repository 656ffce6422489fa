"""A verification: one run for each contract that is asked for, on an endpoint of its own."""

from __future__ import annotations

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import RuleResult, Traffic
from retry_contract.rules import RULES
from retry_contract.session.options import Options
from retry_contract.session.run import Run


class Verification:
    """The runs of one verification, begun when they are first asked for."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._runs: dict[str, Run] = {}

    def judge(self, contract: str, rule: str) -> RuleResult:
        """Judge one rule for one of the contracts."""
        return self._run(contract).judge(RULES[rule])

    def traffic(self) -> Traffic:
        """How much was sent, over all runs."""
        return sum((run.prober.traffic for run in self._runs.values()), Traffic())

    def drift(self) -> dict[str, list[tuple[str, str]]]:
        """Return the drift of each contract as pairs of pointer and message."""
        return {
            name: [(drift.pointer, drift.message) for drift in run.drift()]
            for name, run in self._runs.items()
        }

    def failure(self) -> str | None:
        """Return why the endpoint could not be tested, if it could not."""
        return next((run.failure for run in self._runs.values() if run.failure), None)

    def close(self) -> None:
        """Close the endpoints."""
        for run in self._runs.values():
            run.prober.endpoint.close()

    def _run(self, contract: str) -> Run:
        if contract not in self._runs:
            wanted = next(e for e in self.options.expectations if e.contract.name == contract)
            self._runs[contract] = Run(_open(wanted), wanted, self.options.ignored)
        return self._runs[contract]


def _open(expectation: Expectation) -> Endpoint:
    return mock_of(expectation.catalogue, expectation.contract)
