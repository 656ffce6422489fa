"""A verification: one run for each contract that is asked for, on an endpoint of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.endpoint.live import LiveEndpoint
from retry_contract.endpoint.mock import mock_of
from retry_contract.endpoint.sandbox_client import states_of
from retry_contract.exchange import Observations
from retry_contract.outcome import RuleResult, Traffic
from retry_contract.rules import RULES
from retry_contract.verification.option_table import SERVED
from retry_contract.verification.options import Options
from retry_contract.verification.prober import Listener
from retry_contract.verification.run import Generate, Run

_NETRC = (".netrc", "_netrc")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
StateOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Surroundings:
    """What a verification may ask of the service's team, and tell them.

    `generate` checks the rules whose cases are generated, `state_of` provides a message in a
    state, `listen` is told of every exchange, `announce` of what is about to be done.
    """

    generate: Generate | None = None
    state_of: StateOf | None = None
    listen: Listener | None = None
    announce: Callable[[str], None] | None = None


class Verification:
    """The runs of one verification, begun when they are first asked for."""

    def __init__(self, options: Options, surroundings: Surroundings | None = None) -> None:
        self.options = options
        self._around = surroundings or Surroundings()
        self._runs: dict[str, Run] = {}

    @property
    def names(self) -> list[str]:
        """The names of the runs: a contract each, or `served`."""
        return [e.contract.name for e in self.options.expectations] or [SERVED]

    def check(self, name: str, rule: str) -> RuleResult:
        """Check one rule in one of the runs."""
        return self._run(name).check(RULES[rule])

    def observations(self, name: str, group: str) -> Observations:
        """Return what one of the runs observes in a group of scenarios. Raises NotExercised."""
        return self._run(name).seen_in(group)

    def contract(self, name: str) -> str:
        """Return the contract that one of the runs is about; `served` while it is not known."""
        return self._run(name).contract

    def traffic(self) -> Traffic:
        """How much was sent, over all runs."""
        return sum((run.traffic for run in self._runs.values()), Traffic())

    def drift(self) -> dict[str, list[tuple[str, str]]]:
        """Return the drift of each run as pairs of pointer and message."""
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

    def _run(self, name: str) -> Run:
        if name not in self._runs:
            wanted = next((e for e in self.options.expectations if e.contract.name == name), None)
            self._runs[name] = Run(
                self._open(wanted),
                wanted,
                self.options.ignored,
                self._around.generate,
                listen=self._around.listen,
                announce=self._around.announce,
            )
        return self._runs[name]

    def _open(self, expectation: Expectation | None) -> Endpoint:
        if self.options.live is not None:
            self._tell_what_is_not_used(self.options.live.proxy)
            provided = states_of(self.options.live.url, os.environ)
            return LiveEndpoint(self.options.live, _first(self._around.state_of, provided))
        assert expectation is not None
        return mock_of(expectation.catalogue, expectation.contract)

    def _tell_what_is_not_used(self, proxy: str | None) -> None:
        names = sorted(name for name in os.environ if name.lower() in _PROXIES)
        netrc = _netrc()
        unused = [*names, *([netrc] if netrc else [])]
        if unused and self._around.announce is not None:
            hint = "; --proxy names a proxy to use" if names and proxy is None else ""
            self._around.announce(f"not used by this run: {', '.join(unused)}{hint}")


def _netrc() -> str | None:
    """Return what to call the file of credentials that other programs would use, if there is one.

    Its path is not told: it may hold the name of a person.
    """
    named = os.environ.get("NETRC")
    if named is not None:
        return "the file that NETRC names" if named and Path(named).is_file() else None
    with contextlib.suppress(RuntimeError, OSError):
        home = Path.home()
        return next((f"~/{name}" for name in _NETRC if (home / name).is_file()), None)
    return None


def _first(*sources: StateOf | None) -> StateOf:
    """Ask one source after the other for a message in a state."""

    def state_of(state: str) -> str | None:
        answers = (source(state) for source in sources if source is not None)
        return next((answer for answer in answers if answer is not None), None)

    return state_of
