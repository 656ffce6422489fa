"""Running generated cases with Hypothesis: bounded, seeded, and ended by its own signal."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
from hypothesis import Phase
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import HypothesisException

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.fuzz.isolation import EndOfRun, isolated, isolated_settings
from retry_contract.outcome import Drift, NotExercised, NotTested, Traffic, Violation
from retry_contract.verification.prober import Listener, Prober

NO_CASE = "--replay: not a case that this version can play"
_MOST_SHRINKS, _MOST_SHRINKS_IN_REAL_TIME = 200, 20
"""How many cases are tried for a smaller one, after the first that broke the contract."""


@dataclass(frozen=True)
class Plan:
    """What to generate, and the endpoint that it is sent to.

    `replay` is one case to play instead. `examples` is a folder of failures to read and extend.
    `listen` is called with every exchange.
    """

    endpoint: Endpoint
    expectation: Expectation
    cases: int
    seed: int
    replay: Any = None
    examples: Path | None = None
    listen: Listener | None = None

    @property
    def most_shrinks(self) -> int:
        """How many cases may be tried for a smaller one; none where a case costs something."""
        if not self.endpoint.expendable:
            return 0
        return _MOST_SHRINKS_IN_REAL_TIME if self.endpoint.real_time else _MOST_SHRINKS

    def settings(self, **more: Any) -> hypothesis.settings:
        """Return the settings of Hypothesis for this plan."""
        phases = [Phase.generate, *([Phase.shrink] if self.most_shrinks else [])]
        if self.examples is not None:
            more["database"] = DirectoryBasedExampleDatabase(self.examples)
            phases.insert(0, Phase.reuse)
        # A replay generates no case, but Hypothesis wants at least one.
        return isolated_settings(max(1, self.cases), phases=phases, **more)

    def require_messages(self) -> None:
        """Raise NotExercised where no message can be sent for a case."""
        if self.endpoint.real_time and self.endpoint.simulator is None:
            raise NotExercised("needs --provision simulator")


class Broken(Exception):
    """A generated case broke the contract: which rules, and the case as JSON values."""

    def __init__(self, case: Any, *violations: Violation) -> None:
        super().__init__(", ".join(violation.rule for violation in violations))
        self.case, self.violations, self.size = case, violations, len(json.dumps(case))


@dataclass
class Tally:
    """The traffic of the generated cases, and the smallest case that broke the contract.

    `reason` is why the run ended before its last case, if there was nothing to test.
    """

    most_shrinks: int
    traffic: Traffic = field(default_factory=Traffic)
    accepted: int = 0
    drift: dict[Drift, None] = field(default_factory=dict)
    smallest: Broken | None = None
    reason: NotExercised | NotTested | None = None
    _shrunk: int = 0

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self.traffic.requests

    def end(self, reason: NotExercised | NotTested | None = None) -> NoReturn:
        """Raise EndOfRun; the reason says why there is nothing to test."""
        self.reason = self.reason or reason
        raise EndOfRun

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Keep the smallest case that breaks the contract, and end a run with nothing to test."""
        try:
            yield
        except Broken as found:
            if self.smallest is None or found.size < self.smallest.size:
                self.smallest = found
            if not self.most_shrinks:
                self.end()
            raise
        except (NotExercised, NotTested) as reason:
            self.end(reason)

    @contextlib.contextmanager
    def prober(self, plan: Plan, endpoint: Endpoint | None = None) -> Iterator[Prober]:
        """Give a case its own endpoint, if it can be, and count what it sends. Raises EndOfRun."""
        self._shrunk += self.smallest is not None
        if self._shrunk > self.most_shrinks:
            self.end()
        endpoint = endpoint or plan.endpoint.renew()
        prober = Prober(endpoint, plan.listen)
        try:
            yield prober
        finally:
            self.traffic += prober.traffic
            self.accepted += sum(e.kind == "retry" and e.succeeded for e in prober.exchanges)
            if endpoint is not plan.endpoint:
                endpoint.close()


def run_cases(
    plan: Plan, tally: Tally, *, generate: Callable[[], None], replay: Callable[[], None]
) -> Broken | None:
    """Run generated cases, or replay one; return the smallest that broke the contract, or None.

    Raises NotExercised if no retry was accepted, and NotTested if the endpoint cannot be reached.
    """
    with isolated():
        try:
            (generate if plan.replay is None else replay)()
        except (Broken, EndOfRun, HypothesisException):
            # Hypothesis calls a case flaky if it breaks once and not again, or was ended.
            if tally.smallest is None and tally.reason is None:
                raise
    if tally.smallest is not None:
        return tally.smallest
    if tally.reason is not None:
        raise tally.reason
    if plan.replay is not None and not tally.requests:
        raise NotExercised(NO_CASE)
    if plan.replay is None and not tally.accepted:
        raise NotExercised(
            "no generated retry was accepted"
            if plan.endpoint.expendable
            else "off this machine only retries of unknown messages are generated, and each was "
            "refused as documented; the rest needs an endpoint on this machine"
        )
    return None


def is_text(value: Any) -> bool:
    """Whether this is a string that UTF-8 can carry."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
