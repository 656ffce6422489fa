"""Observes each scenario of the plan once, when it is first asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Observation
from retry_contract.outcome import Drift, NotExercised, NotTested, Traffic, Violation
from retry_contract.verification.messages import Messages
from retry_contract.verification.option_table import SERVED
from retry_contract.verification.prober import Prober
from retry_contract.verification.provider import Provider
from retry_contract.verification.sender import Listener

Step = Callable[["Observer"], Iterator[Observation]]
"""Yields the observations of one scenario. Raises NotExercised, or NotTested."""


@dataclass(frozen=True)
class GeneratedCases:
    """How generated cases broke a rule, and how many were played.

    Of `violations` the last may be known ones. `asked` is how many there were to be, where time was
    up. `reason` is why they showed nothing.
    `shown` are exchanges with the endpoint of the run: those between which no other contract shows.
    """

    violations: tuple[Violation, ...]
    played: int | None
    asked: int | None = None
    reason: str | None = None
    shown: tuple[Exchange, ...] = ()


Generate = Callable[[str, "Observer"], GeneratedCases]
"""Checks a rule by cases that it generates. Raises NotExercised, NotTested, or Interrupted."""


@dataclass(frozen=True)
class Callbacks:
    """What a run calls.

    `generate` checks the rules whose cases are generated; without it they are not exercised.
    `state_of`, if there is one, returns the id of a message in a state, or None. `listen` gets
    every exchange, `announce` what the run does next, and `progress` what it does or waits for,
    again and again.
    """

    generate: Generate | None = None
    state_of: Callable[[str], str | None] | None = None
    listen: Listener | None = None
    announce: Callable[[str], None] = lambda _: None
    progress: Callable[[str], None] = lambda _: None


class Observer:
    """One endpoint, and what was observed there.

    `plan` has a step for each scenario. Without an `expectation`, it is the contract that Retrieve
    shows first. `samples` is how many accepted retries to observe; None is three where they reach
    nobody, and else one. `spent` are retries that were refused because a message was tried often.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        expectation: Expectation | None,
        plan: Mapping[str, Step],
        callbacks: Callbacks,
        samples: int | None = None,
    ) -> None:
        self.prober = Prober(endpoint, callbacks.listen)
        self.provider = Provider()
        self.messages = Messages(self.prober, samples, self.provider)
        self.samples = samples
        self.spent: list[Observation] = []
        self.announce, self.progress = callbacks.announce, callbacks.progress
        self.prober.progress = callbacks.progress
        self._expectation, self._plan = expectation, plan
        self._other_traffic = Traffic()
        self._counts: list[Callable[[], Traffic]] = []
        self._other_drift: dict[Drift, None] = {}
        self._seen: dict[str, tuple[Observation, ...] | NotExercised] = {}

    @property
    def expectation(self) -> Expectation:
        """The contract that responses are validated by. Raises NotExercised, or NotTested."""
        if self._expectation is None:
            self.messages.meet()
            payload = self.prober.latest_retrieve(self.messages.known()).payload
            shown = catalogue().contract_of(payload, "retrieve")
            if shown is None:
                reason = "Retrieve showed no message, so the contract that is served is unknown"
                raise NotExercised(reason)
            self._expectation = Expectation(catalogue(), shown, as_served=True)
        return self._expectation

    @property
    def contract(self) -> str:
        """The name of the expected contract; `served` while it is not known."""
        return SERVED if self._expectation is None else self._expectation.contract.name

    @property
    def traffic(self) -> Traffic:
        """How much was sent, over every endpoint of this run."""
        counted = (count() for count in self._counts)
        return sum(counted, self.prober.traffic + self._other_traffic)

    def count(self, count: Callable[[], Traffic]) -> None:
        """Count what goes out elsewhere too, by a function that is asked whenever it is needed."""
        self._counts.append(count)

    def add(self, traffic: Traffic, drift: Iterable[Drift] = ()) -> None:
        """Count what was sent to another endpoint, and found there."""
        self._other_traffic += traffic
        self._other_drift |= dict.fromkeys(drift)

    def observe(self, scenario: str) -> tuple[Observation, ...]:
        """Return the observations of a scenario. Raises NotExercised, or NotTested.

        Those made before it cannot be tested any more are returned from then on.
        """
        if scenario not in self._seen:
            found: list[Observation] = []
            try:
                self.messages.meet()
                found.extend(self._plan[scenario](self))
                self._seen[scenario] = tuple(found)
            except NotExercised as reason:
                self._seen[scenario] = reason
            except NotTested:
                if found:
                    self._seen[scenario] = tuple(found)
                raise
        seen = self._seen[scenario]
        if isinstance(seen, NotExercised):
            raise seen
        return seen
