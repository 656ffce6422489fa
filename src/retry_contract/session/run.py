"""One run: one contract against one endpoint."""

from __future__ import annotations

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
    Violation,
)
from retry_contract.rules import RULES, Rule
from retry_contract.rules.situations import ACCEPTED_RETRIES, EVERY
from retry_contract.session.plan import PLAN
from retry_contract.session.prober import Prober


class Run:
    """Observes a situation when a rule first asks for it, and judges rules by what was seen.

    A situation is observed once, so the order in which rules are judged changes nothing.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        expectation: Expectation,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.prober = Prober(endpoint)
        self.expectation = expectation
        self.ignored = ignored
        self.failure: str | None = None
        self._seen: dict[str, tuple[Observation, ...] | NotExercised] = {}

    @property
    def contract(self) -> str:
        """The name of the contract that this run is about."""
        return self.expectation.contract.name

    def observe(self, situation: str) -> tuple[Observation, ...]:
        """Return the observations of a situation. Raises NotExercised, or NotTested."""
        if situation not in self._seen:
            try:
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
        found: dict[Drift, None] = {}
        for situation in ACCEPTED_RETRIES:
            seen = self._seen.get(situation, ())
            for observation in seen if isinstance(seen, tuple) else ():
                found |= dict.fromkeys(_drift(observation, self.expectation))
        return tuple(found)

    def observations(self, rule: Rule) -> Observations:
        """Return what a rule judges. Raises NotExercised, or NotTested."""
        found: list[Observation] = []
        reasons: list[NotExercised] = []
        for situation in rule.needs or EVERY:
            try:
                found += self.observe(situation)
            except NotExercised as reason:
                reasons.append(reason)
        if not found and reasons:
            raise reasons[0]
        exchanges = () if rule.needs else tuple(self.prober.exchanges)
        return Observations(tuple(found), exchanges, self.prober.endpoint.key)

    def _violations(self, rule: Rule) -> tuple[Violation, ...]:
        if self.failure is not None:
            raise NotExercised(self.failure)
        try:
            observations = self.observations(rule)
        except NotTested as failure:
            self.failure = str(failure)
            raise NotExercised(self.failure) from failure
        return rule.violations(observations, self.expectation)

    def _not_exercised(self, rule: Rule, reason: str) -> RuleResult:
        return RuleResult(rule.id, self.contract, RuleState.NOT_EXERCISED, reason=reason)


def _drift(observation: Observation, expectation: Expectation) -> tuple[Drift, ...]:
    document = observation.exchange.document
    if not observation.exchange.succeeded or document.violations:
        return ()
    return document.drift + judge_expected(document.payload, expectation).drift
