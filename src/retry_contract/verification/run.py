"""One run: one contract against one endpoint."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import validate_expected
from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Observation, Observations
from retry_contract.outcome import Drift, NotExercised, NotTested, RuleResult, RuleState, Violation
from retry_contract.rules import GENERATED, Rule
from retry_contract.rules.scenarios import ACCEPTED_RETRIES, EVERY_RESPONSE, GROUPS
from retry_contract.verification.messages import SIMULATE
from retry_contract.verification.observer import Callbacks, GeneratedCases, Observer
from retry_contract.verification.plan import PLAN


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during the search for a smaller case: the rule is broken, as `result` says."""

    def __init__(self, result: RuleResult) -> None:
        super().__init__()
        self.result = result


class Run(Observer):
    """Checks rules by what it observes. The order of the rules changes no result.

    `failure` is why the endpoint cannot be tested, once that is known.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        expectation: Expectation | None,
        ignored: frozenset[str] = frozenset(),
        callbacks: Callbacks | None = None,
        samples: int | None = None,
    ) -> None:
        callbacks = callbacks or Callbacks()
        super().__init__(endpoint, expectation, PLAN, callbacks, samples)
        self.failure: str | None = None
        self._ignored, self._generate = ignored, callbacks.generate

    def check(self, rule: Rule) -> RuleResult:
        """Check one rule."""
        if rule.id in self._ignored:
            return RuleResult(rule.id, self.contract, RuleState.IGNORED, reason="--ignore")
        try:
            found = self._found(rule)
        except NotExercised as error:
            late = self.messages.late if str(error) == SIMULATE else None
            reason = str(late or error)
            return RuleResult(rule.id, self.contract, RuleState.NOT_EXERCISED, reason=reason)
        if isinstance(found, tuple):
            return RuleResult(rule.id, self.contract, _state(found), found)
        state = RuleState.NOT_EXERCISED if found.reason else _state(found.violations)
        result = RuleResult(rule.id, self.contract, state, found.violations, found.reason)
        return replace(result, cases=found.played, asked=found.asked)

    @property
    def spent_count(self) -> int:
        """How many messages were passed over, since they may have been tried too often."""
        return len(self.spent)

    @property
    def sample_count(self) -> int:
        """How many accepted retries were observed so far."""
        seen = [self._seen.get(scenario, ()) for scenario in ACCEPTED_RETRIES]
        observed = (o for found in seen if isinstance(found, tuple) for o in found)
        return sum(o.exchange.succeeded for o in observed)

    def drift(self) -> tuple[Drift, ...]:
        """Return the drift of the accepted responses seen so far, each once."""
        found = dict(self._other_drift)
        for scenario in ACCEPTED_RETRIES:
            seen = self._seen.get(scenario, ())
            for observation in seen if isinstance(seen, tuple) else ():
                found |= dict.fromkeys(_drift(observation, self.expectation))
        return tuple(found)

    def observations(self, group: str) -> Observations:
        """Return what was observed in a group of scenarios. Raises NotExercised."""
        found: list[Observation] = []
        reasons: list[NotExercised] = []
        for scenario in GROUPS[group]:
            try:
                with self._failures(known=scenario in self._seen):
                    found += self.observe(scenario)
            except NotExercised as reason:
                reasons.append(reason)
                seen = self._seen.get(scenario)
                found += seen if isinstance(seen, tuple) else ()
        if (not found or group == EVERY_RESPONSE) and self.failure is not None:
            raise NotExercised(self.failure)
        if not found and reasons:
            raise reasons[0]
        exchanges = tuple(self.prober.exchanges) if group == EVERY_RESPONSE else ()
        return Observations(tuple(found), exchanges, self.prober.endpoint.key)

    def _found(self, rule: Rule) -> tuple[Violation, ...] | GeneratedCases:
        with self._failures(known=self._expectation is not None and rule.id not in GENERATED):
            expectation = self.expectation
            if rule.id in GENERATED and self._generate is not None:
                return self._generate(rule.id, self)
        return rule.violations(self.observations(rule.scenario), expectation)

    @contextlib.contextmanager
    def _failures(self, *, known: bool) -> Iterator[None]:
        """Remember why nothing can be tested, and ask only for what is `known` after that."""
        if self.failure is not None and not known:
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


def _state(found: tuple[Violation, ...]) -> RuleState:
    return RuleState.BROKEN if found else RuleState.KEPT


def _drift(observation: Observation, expectation: Expectation) -> tuple[Drift, ...]:
    document = observation.exchange.document
    if not observation.exchange.succeeded or document.violations:
        return ()
    return document.drift + validate_expected(document.payload, expectation).drift
