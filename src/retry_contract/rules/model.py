"""What a rule is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from retry_contract.contract.expectation import Expectation
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import Violation

Section = Literal["accepted", "refused", "batches", "cutover", "all responses", "fuzz", "sequences"]


class Basis(enum.StrEnum):
    """How a rule is known."""

    PAGE = "page"
    PUBLISHED = "published"
    INFERRED = "inferred"


@dataclass(frozen=True)
class Finding:
    """What a check found: where, what was expected, and what came."""

    exchange: Exchange
    pointer: str
    expected: str
    actual: str
    scenario: str = ""

    def as_violation(self, rule: str) -> Violation:
        """Return the violation of a rule that this finding is."""
        place = self.pointer or "the response"
        where = f"{self.scenario}, " if self.scenario else ""
        seen = f"{where}request {self.exchange.number}"
        message = f"{place} is {self.actual}; expected {self.expected} ({seen})"
        return Violation(rule, self.pointer, message, self.expected, self.actual, seen)


Check = Callable[[Observations, Expectation], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One promise of the contract.

    `source` names a statement of the page (P1 to P14) or a public page. `needs` are the
    scenarios that its check reads; None is all of them. The check raises NotExercised where what
    was observed says nothing about the rule.
    """

    id: str
    sentence: str
    source: str
    basis: Basis
    section: Section
    needs: tuple[str, ...] | None
    check: Check

    def violations(
        self, observations: Observations, expectation: Expectation
    ) -> tuple[Violation, ...]:
        """Return how the observations break this rule, each defect once. Raises NotExercised."""
        found: dict[tuple[str, str, str], Violation] = {}
        for finding in self.check(observations, expectation):
            identity = (finding.pointer, finding.expected, finding.actual)
            found.setdefault(identity, finding.as_violation(self.id))
        return tuple(found.values())


def about(observation: Observation, pointer: str, expected: str, actual: str) -> Finding:
    """Return a finding about the probe of an observation."""
    return Finding(observation.exchange, pointer, expected, actual, observation.scenario)
