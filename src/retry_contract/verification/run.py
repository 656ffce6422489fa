"""One run: one contract against one endpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import validate_expected
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
from retry_contract.rules import GENERATED, RULES, Rule
from retry_contract.rules.scenarios import ACCEPTED_RETRIES, EVERY_RESPONSE, GROUPS
from retry_contract.verification.observer import Observer
from retry_contract.verification.plan import PLAN
from retry_contract.verification.prober import Listener

Generate = Callable[[str, "Run"], tuple[Violation, ...]]
"""Checks a rule by cases that it generates. Raises NotExercised, NotTested, or Interrupted."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, while a smaller case was looked for: the rule was already found to be broken."""

    def __init__(self, result: RuleResult) -> None:
        super().__init__()
        self.result = result


class Run(Observer):
    """Observes a scenario when a rule first asks for it, and checks rules by what was seen.

    A scenario is observed once, so the order in which rules are checked changes nothing.
    `generate` checks the rules whose cases are generated; without it they are not exercised.
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
        super().__init__(endpoint, expectation, PLAN, listen=listen, announce=announce)
        self.ignored = ignored
        self.failure: str | None = None
        self._generate = generate

    def check(self, rule: Rule) -> RuleResult:
        """Check one rule."""
        if rule.id in self.ignored:
            return RuleResult(rule.id, self.contract, RuleState.IGNORED, reason="--ignore")
        try:
            found = self._violations(rule)
        except NotExercised as reason:
            return self._not_exercised(rule, str(reason))
        state = RuleState.BROKEN if found else RuleState.KEPT
        return RuleResult(rule.id, self.contract, state, found)

    def check_all(self) -> ContractResult:
        """Check every rule."""
        return ContractResult(
            self.contract, tuple(self.check(rule) for rule in RULES.values()), self.drift()
        )

    def drift(self) -> tuple[Drift, ...]:
        """Return what the accepted responses seen so far hold beside the contract, each once."""
        found = dict(self._other_drift)
        for scenario in ACCEPTED_RETRIES:
            seen = self._seen.get(scenario, ())
            for observation in seen if isinstance(seen, tuple) else ():
                found |= dict.fromkeys(_drift(observation, self.expectation))
        return tuple(found)

    def observations(self, group: str) -> Observations:
        """Return what was observed in a group of scenarios. Raises NotExercised, or NotTested."""
        found: list[Observation] = []
        reasons: list[NotExercised] = []
        for scenario in GROUPS[group]:
            try:
                found += self.observe(scenario)
            except NotExercised as reason:
                reasons.append(reason)
        if not found and reasons:
            raise reasons[0]
        exchanges = tuple(self.prober.exchanges) if group == EVERY_RESPONSE else ()
        return Observations(tuple(found), exchanges, self.prober.endpoint.key)

    def seen_in(self, group: str) -> Observations:
        """Return what was observed in a group of scenarios.

        Raises NotExercised, also where the endpoint cannot be tested: `failure` then says why.
        """
        with self._failures():
            return self.observations(group)

    def _violations(self, rule: Rule) -> tuple[Violation, ...]:
        with self._failures():
            expectation = self.expectation
            if rule.id in GENERATED and self._generate is not None:
                return self._generate(rule.id, self)
            observations = self.observations(rule.scenario)
        return rule.violations(observations, expectation)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Remember why nothing can be tested, and ask nothing of the endpoint after that."""
        if self.failure is not None:
            raise NotExercised(self.failure)
        try:
            yield
        except NotTested as failure:
            self.failure = str(failure)
            raise NotExercised(self.failure) from failure
        except NotExercised:
            raise
        except Exception as error:
            self.failure = f"nothing was sent after an error inside the kit, {type(error).__name__}"
            raise

    def _not_exercised(self, rule: Rule, reason: str) -> RuleResult:
        return RuleResult(rule.id, self.contract, RuleState.NOT_EXERCISED, reason=reason)


def _drift(observation: Observation, expectation: Expectation) -> tuple[Drift, ...]:
    document = observation.exchange.document
    if not observation.exchange.succeeded or document.violations:
        return ()
    return document.drift + validate_expected(document.payload, expectation).drift
