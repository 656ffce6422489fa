"""One run: one contract against one endpoint."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import validate_expected
from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import (
    SHOWN,
    Drift,
    NotExercised,
    NotTested,
    RuleResult,
    RuleState,
    Violation,
)
from retry_contract.rules import GENERATED, Rule
from retry_contract.rules.every_response import cutover_clause, cutover_request
from retry_contract.rules.scenarios import ACCEPTED_RETRIES, EVERY_RESPONSE, GROUPS, WHOLE_RUN
from retry_contract.verification.messages import SIMULATE
from retry_contract.verification.observer import Callbacks, Generate, GeneratedCases, Observer
from retry_contract.verification.plan import PLAN
from retry_contract.verification.provider import Mistake


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
        self._cases: dict[str, GeneratedCases | NotExercised] = {}

    def check(self, rule: Rule) -> RuleResult:
        """Check one rule."""
        if rule.id in self._ignored:
            return RuleResult(rule.id, self.contract, RuleState.IGNORED, reason="--ignore")
        try:
            found = self._found(rule)
        except NotExercised as error:
            given = self.prober.endpoint.simulator is not None
            late = self.messages.late if given and str(error) == SIMULATE else None
            reason = str(late or error)
            return RuleResult(rule.id, self.contract, RuleState.NOT_EXERCISED, reason=reason)
        if isinstance(found, tuple):
            shown, more = found[:SHOWN], len(found[SHOWN:])
            seen = frozenset(scenario for scenario in GROUPS[rule.scenario] if self._has(scenario))
            state = _state(found)
            return RuleResult(rule.id, self.contract, state, shown, more=more, scenarios=seen)
        state = RuleState.NOT_EXERCISED if found.reason else _state(found.violations)
        result = RuleResult(rule.id, self.contract, state, found.violations, found.reason)
        return replace(result, cases=found.played, asked=found.asked)

    @property
    def mistakes(self) -> Sequence[Mistake]:
        """What the hook did that cannot be used, the first in each state."""
        return tuple(self.provider.mistakes.values())

    @property
    def spent_count(self) -> int:
        """How many messages were passed over, since they may be refused for what is not shown."""
        return len(self.spent)

    @property
    def sample_count(self) -> int:
        """How many accepted retries were observed so far."""
        seen = [self._seen.get(scenario, ()) for scenario in ACCEPTED_RETRIES]
        observed = (o for found in seen if isinstance(found, tuple) for o in found)
        return sum(o.exchange.succeeded for o in observed)

    def _has(self, scenario: str) -> bool:
        """Return whether a scenario was observed."""
        return isinstance(seen := self._seen.get(scenario), tuple) and bool(seen)

    def drift(self) -> tuple[tuple[Drift, ...], int]:
        """Return the first drifts of the accepted responses seen so far, and how many more.

        Each is there once. Of one response not all are named, so there may be more than it says.
        """
        found, more = dict(self._other_drift), 0
        if self.cutover is not None and self.expectation.tolerated:
            found[Drift("", cutover_clause(self.cutover))] = None
        for scenario in ACCEPTED_RETRIES:
            seen = self._seen.get(scenario, ())
            for observation in seen if isinstance(seen, tuple) else ():
                drift, left_out = _drift(observation, self.expectation)
                found |= dict.fromkeys(drift)
                more = max(more, left_out)
        named = tuple(found)
        return named[:SHOWN], len(named[SHOWN:]) + more

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
        if group == WHOLE_RUN:
            self._play_cases()
        whole = group in (EVERY_RESPONSE, WHOLE_RUN)
        if (not found or whole) and self.failure is not None:
            raise NotExercised(self.failure)
        if not found and reasons:
            raise reasons[0]
        exchanges = (
            self._exchanges if group == WHOLE_RUN else self.prober.exchanges if whole else ()
        )
        endpoint = self.prober.endpoint
        keys = (endpoint.key, endpoint.revoked_key or "")
        return Observations(tuple(found), tuple(exchanges), keys)

    @property
    def cutover(self) -> int | None:
        """The number of the request at which another contract took over; None if none did."""
        if self._expectation is None:
            return None
        return cutover_request(self._exchanges, self._expectation)

    @property
    def _exchanges(self) -> Sequence[Exchange]:
        """The exchanges of the scenarios, and those of generated cases that show a contract."""
        played = (cases for cases in self._cases.values() if isinstance(cases, GeneratedCases))
        return [*self.prober.exchanges, *(e for cases in played for e in cases.shown)]

    def _play_cases(self) -> None:
        """Play the generated cases, if there are to be any."""
        if self._generate is None:
            return
        for rule in sorted(GENERATED - self._ignored):
            with contextlib.suppress(NotExercised), self._failures(known=False):
                self._cases_of(rule, self._generate)

    def _cases_of(self, rule: str, generate: Generate) -> GeneratedCases:
        """Return what became of the cases of a rule, played once. Raises NotExercised."""
        if rule not in self._cases:
            try:
                self._cases[rule] = generate(rule, self)
            except NotExercised as reason:
                self._cases[rule] = reason
        cases = self._cases[rule]
        if isinstance(cases, NotExercised):
            raise cases
        return cases

    def _found(self, rule: Rule) -> tuple[Violation, ...] | GeneratedCases:
        played = rule.id not in GENERATED or rule.id in self._cases
        with self._failures(known=self._expectation is not None and played):
            expectation = self.expectation
            if rule.id in GENERATED and self._generate is not None:
                return self._cases_of(rule.id, self._generate)
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


def _drift(observation: Observation, expectation: Expectation) -> tuple[tuple[Drift, ...], int]:
    document = observation.exchange.document
    if not observation.exchange.succeeded or document.violations:
        return (), 0
    found = validate_expected(document.payload, expectation)
    return document.drift + found.drift, document.more + found.more.drift
