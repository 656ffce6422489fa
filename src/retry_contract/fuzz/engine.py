"""Running generated cases with Hypothesis: bounded, seeded, and ended by a signal of its own."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import HypothesisException

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.fuzz.isolation import isolated
from retry_contract.outcome import Drift, NotExercised, NotTested, Traffic, Violation
from retry_contract.verification.prober import Listener, Prober

_REFUSED_ONLY = (
    "off this machine only retries of unknown messages are generated, and each was refused as "
    "documented; the rest needs an endpoint on this machine"
)
NO_CASE = "--replay: not a case that this version can play"
_MOST_SHRINKS, _MOST_SHRINKS_IN_REAL_TIME = 200, 20
"""How many cases are tried for a smaller one, after the first that broke the contract."""


@dataclass(frozen=True)
class Plan:
    """What is to be generated, and against what.

    `cases` bounds the cases, `seed` fixes them. `replay` is one concrete case to run instead.
    `examples` is a folder of failures to read and extend. `listen` is told of every exchange.
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


class Broken(Exception):
    """A generated case broke the contract: which rules, and the case as JSON values."""

    def __init__(self, violations: tuple[Violation, ...], case: Any) -> None:
        super().__init__(", ".join(violation.rule for violation in violations))
        self.violations = violations
        self.case = case

    @property
    def size(self) -> int:
        """How much there is to read in the case, in characters of JSON."""
        return len(json.dumps(self.case))


class EndOfRun(BaseException):
    """Ends a run of generated cases at once. Hypothesis takes it for no failure of a case."""


@dataclass
class Tally:
    """What the generated cases have sent, how they were answered, and the smallest that broke.

    `reason` is why the run was ended before its last case, if there was nothing to test.
    """

    most_shrinks: int
    requests: int = 0
    responses: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    drift: dict[Drift, None] = field(default_factory=dict)
    smallest: Broken | None = None
    reason: NotExercised | NotTested | None = None
    ended: bool = False
    _shrunk: int = 0

    def begin(self) -> None:
        """Begin a case. Raises EndOfRun where enough were tried after the first that broke."""
        self._shrunk += self.smallest is not None
        if self._shrunk > self.most_shrinks:
            self.end()

    def end(self, reason: NotExercised | NotTested | None = None) -> NoReturn:
        """End the run, for a reason if there is nothing to test. Raises EndOfRun."""
        self.ended, self.reason = True, self.reason or reason
        raise EndOfRun

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Keep what breaks the contract, and end the run where there is nothing to test."""
        try:
            yield
        except Broken as found:
            self.note(found)
            if not self.most_shrinks:
                self.end()
            raise
        except (NotExercised, NotTested) as reason:
            self.end(reason)

    def note(self, found: Broken) -> None:
        """Keep a case that broke the contract, if it is the smallest so far."""
        if self.smallest is None or found.size < self.smallest.size:
            self.smallest = found

    def add(self, prober: Prober) -> None:
        """Count what a prober has sent, and let it forget."""
        self.requests += len(prober.exchanges)
        self.responses.update(str(exchange.status) for exchange in prober.exchanges)
        self.accepted += sum(e.kind == "retry" and e.succeeded for e in prober.exchanges)
        prober.exchanges.clear()

    @property
    def traffic(self) -> Traffic:
        """The traffic of all cases."""
        return Traffic(self.requests, dict(sorted(self.responses.items())))


@contextlib.contextmanager
def case_prober(plan: Plan, tally: Tally, *, endpoint: Endpoint | None = None) -> Iterator[Prober]:
    """Give a case an endpoint of its own, where there can be one, and count what it sent."""
    tally.begin()
    endpoint = endpoint or plan.endpoint.renew()
    prober = Prober(endpoint, plan.listen)
    try:
        yield prober
    finally:
        tally.add(prober)
        if endpoint is not plan.endpoint:
            endpoint.close()


def settings_of(plan: Plan, **more: Any) -> hypothesis.settings:
    """Return Hypothesis' settings: nothing from the environment, and nothing left behind."""
    phases = [Phase.generate, *([Phase.shrink] if plan.most_shrinks else [])]
    database = None
    if plan.examples is not None:
        database = DirectoryBasedExampleDatabase(plan.examples)
        phases.insert(0, Phase.reuse)
    return hypothesis.settings(
        backend="hypothesis",
        max_examples=max(1, plan.cases),  # none are generated for a replay
        database=database,
        deadline=None,
        derandomize=False,
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        **more,
    )


def run_cases(
    plan: Plan, tally: Tally, *, generate: Callable[[], None], replay: Callable[[], None]
) -> Broken | None:
    """Run generated cases, or replay one; return the smallest that broke the contract, or None.

    Raises NotExercised if no retry was accepted, and NotTested if the endpoint gave out.
    """
    with isolated():
        try:
            (generate if plan.replay is None else replay)()
        except (Broken, EndOfRun, HypothesisException):
            # Hypothesis calls it flaky where a case breaks once and not again, or was ended.
            if not tally.ended and tally.smallest is None:
                raise
    if tally.smallest is not None:
        return tally.smallest
    if tally.reason is not None:
        raise tally.reason
    if plan.replay is not None and not tally.requests:
        raise NotExercised(NO_CASE)
    if plan.replay is None and not tally.accepted:
        # Off this machine none of them can be: there they name messages that do not exist.
        here = plan.endpoint.expendable
        raise NotExercised("no generated retry was accepted" if here else _REFUSED_ONLY)
    return None


def needs_messages(plan: Plan) -> None:
    """Raise NotExercised where no messages can be made for the cases."""
    if plan.endpoint.real_time and plan.endpoint.simulator is None:
        raise NotExercised("needs messages that have failed: --provision simulator")


def needs_this_machine(plan: Plan) -> None:
    """Raise NotExercised where the cases would cost messages, or text a person."""
    if not plan.endpoint.expendable:
        raise NotExercised("off this machine no sequence is generated: each would cost messages")


def broken(case: Any, *violations: Violation) -> NoReturn:
    """Say that a case broke the contract."""
    raise Broken(violations, case)
