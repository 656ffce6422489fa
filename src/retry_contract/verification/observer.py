"""Observes each scenario of the plan once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Observation
from retry_contract.outcome import Drift, NotExercised, Traffic
from retry_contract.verification.option_table import SERVED
from retry_contract.verification.prober import Listener, Prober

Step = Callable[["Observer"], Iterator[Observation]]
"""Yields the observations of one scenario. Raises NotExercised, or NotTested."""


def _say_nothing(_: str) -> None:
    pass


class Observer:
    """One endpoint, and what has been observed of it: each scenario once, whoever asks.

    `plan` has a step for each scenario. Without an `expectation`, it is the contract that Retrieve
    shows first. `listen` is called with every exchange, `announce` with what comes next.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        expectation: Expectation | None,
        plan: Mapping[str, Step],
        *,
        listen: Listener | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.prober = Prober(endpoint, listen)
        self.announce = announce or _say_nothing
        self._expectation = expectation
        self._plan = plan
        self._other_traffic = Traffic()
        self._other_drift: dict[Drift, None] = {}
        self._seen: dict[str, tuple[Observation, ...] | NotExercised] = {}

    @property
    def expectation(self) -> Expectation:
        """What the run expects: if nothing was named, the contract that Retrieve shows first.

        Raises NotExercised, or NotTested, where there is no message to retrieve.
        """
        if self._expectation is None:
            self._expectation = self._as_served()
        return self._expectation

    @property
    def contract(self) -> str:
        """The name of the contract that this run is about; `served` while it is not known."""
        return SERVED if self._expectation is None else self._expectation.contract.name

    def _as_served(self) -> Expectation:
        self.prober.meet()
        message, _ = self.prober.any_message()
        shown = catalogue().contract_of(self.prober.shown(message).payload, "retrieve")
        if shown is None:
            raise NotExercised(
                "Retrieve showed no message, so the contract that is served is unknown"
            )
        return Expectation(catalogue(), shown, as_served=True)

    @property
    def traffic(self) -> Traffic:
        """How much was sent, on endpoints of its own too."""
        return self.prober.traffic + self._other_traffic

    def add(self, traffic: Traffic, drift: Iterable[Drift] = ()) -> None:
        """Count what was sent and found on an endpoint of its own."""
        self._other_traffic += traffic
        self._other_drift |= dict.fromkeys(drift)

    def observe(self, scenario: str) -> tuple[Observation, ...]:
        """Return the observations of a scenario. Raises NotExercised, or NotTested."""
        if scenario not in self._seen:
            try:
                self.prober.meet()
                self._seen[scenario] = tuple(self._plan[scenario](self))
            except NotExercised as reason:
                self._seen[scenario] = reason
        seen = self._seen[scenario]
        if isinstance(seen, NotExercised):
            raise seen
        return seen
