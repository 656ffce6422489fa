"""One run: one contract against one endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.judge import judge_expected
from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Observation, Observations
from retry_contract.outcome import (
    ContractResult,
    Drift,
    NotExercised,
    NotTested,
    RuleResult,
    RuleState,
    Traffic,
    Violation,
)
from retry_contract.rules import GENERATED, RULES, Rule
from retry_contract.rules.situations import ACCEPTED_RETRIES, EVERY
from retry_contract.session.option_table import SERVED
from retry_contract.session.plan import PLAN
from retry_contract.session.prober import Listener, Prober


def _say_nothing(_: str) -> None:
    pass


Generate = Callable[[str, "Run"], tuple[Violation, ...]]
"""Judges a rule by cases that it generates. Raises NotExercised, NotTested, or Interrupted."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, while a smaller case was looked for: the rule was already found to be broken."""

    def __init__(self, result: RuleResult) -> None:
        super().__init__()
        self.result = result


class Run:
    """Observes a situation when a rule first asks for it, and judges rules by what was seen.

    A situation is observed once, so the order in which rules are judged changes nothing.
    `generate` judges the rules whose cases are generated; without it they are not exercised.
    `listen` is told of every exchange, and `announce` of what the run is about to do.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        expectation: Expectation | None,
        ignored: frozenset[str] = frozenset(),
        generate: Generate | None = None,
        *,
        listen: Listener | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.prober = Prober(endpoint, listen)
        self.announce = announce or _say_nothing
        self.ignored = ignored
        self._expectation = expectation
        self.failure: str | None = None
        self._generate = generate
        self._aside = Traffic()
        self._drift: dict[Drift, None] = {}
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
        shown = catalogue().shown_by(self.prober.shown(message).payload, "retrieve")
        if shown is None:
            raise NotExercised(
                "Retrieve showed no message, so the contract that is served is unknown"
            )
        return Expectation(catalogue(), shown, as_served=True)

    @property
    def traffic(self) -> Traffic:
        """How much was sent, on endpoints of its own too."""
        return self.prober.traffic + self._aside

    def add(self, traffic: Traffic, drift: Iterable[Drift] = ()) -> None:
        """Count what was sent and found on an endpoint of its own."""
        self._aside += traffic
        self._drift |= dict.fromkeys(drift)

    def observe(self, situation: str) -> tuple[Observation, ...]:
        """Return the observations of a situation. Raises NotExercised, or NotTested."""
        if situation not in self._seen:
            try:
                self.prober.meet()
                self._seen[situation] = tuple(PLAN[situation](self))
            except NotExercised as reason:
                self._seen[situation] = reason
        seen = self._seen[situation]
        if isinstance(seen, NotExercised):
            raise seen
        return seen

    def judge(self, rule: Rule) -> RuleResult:
        """Judge one rule."""
        if rule.id in self.ignored:
            return RuleResult(rule.id, self.contract, RuleState.IGNORED, reason="--ignore")
        try:
            found = self._violations(rule)
        except NotExercised as reason:
            return self._not_exercised(rule, str(reason))
        state = RuleState.BROKEN if found else RuleState.KEPT
        return RuleResult(rule.id, self.contract, state, found)

    def judge_all(self) -> ContractResult:
        """Judge every rule."""
        return ContractResult(
            self.contract, tuple(self.judge(rule) for rule in RULES.values()), self.drift()
        )

    def drift(self) -> tuple[Drift, ...]:
        """Return what the accepted replies seen so far hold beside the contract, each once."""
        found = dict(self._drift)
        for situation in ACCEPTED_RETRIES:
            seen = self._seen.get(situation, ())
            for observation in seen if isinstance(seen, tuple) else ():
                found |= dict.fromkeys(_drift(observation, self.expectation))
        return tuple(found)

    def observations(self, rule: Rule) -> Observations:
        """Return what a rule judges. Raises NotExercised, or NotTested."""
        found: list[Observation] = []
        reasons: list[NotExercised] = []
        for situation in EVERY if rule.needs is None else rule.needs:
            try:
                found += self.observe(situation)
            except NotExercised as reason:
                reasons.append(reason)
        if not found and reasons:
            raise reasons[0]
        exchanges = tuple(self.prober.exchanges) if rule.needs is None else ()
        return Observations(tuple(found), exchanges, self.prober.endpoint.key)

    def _violations(self, rule: Rule) -> tuple[Violation, ...]:
        if self.failure is not None:
            raise NotExercised(self.failure)
        try:
            expectation = self.expectation
            if rule.id in GENERATED and self._generate is not None:
                return self._generate(rule.id, self)
            observations = self.observations(rule)
        except NotTested as failure:
            self.failure = str(failure)
            raise NotExercised(self.failure) from failure
        except NotExercised:
            raise
        except Exception as error:
            # What the service did is not known, so nothing is asked of it any more.
            self.failure = f"nothing was sent after an error inside the kit, {type(error).__name__}"
            raise
        return rule.violations(observations, expectation)

    def _not_exercised(self, rule: Rule, reason: str) -> RuleResult:
        return RuleResult(rule.id, self.contract, RuleState.NOT_EXERCISED, reason=reason)


def _drift(observation: Observation, expectation: Expectation) -> tuple[Drift, ...]:
    document = observation.exchange.document
    if not observation.exchange.succeeded or document.violations:
        return ()
    return document.drift + judge_expected(document.payload, expectation).drift
