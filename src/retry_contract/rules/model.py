"""What a rule is, and what its check finds."""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from retry_contract.contract.expectation import Expectation
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import Place, Violation
from retry_contract.rules.sources import Source, sources

Section = Literal["accepted", "refused", "batches", "all responses", "cutover", "generated"]


class Basis(enum.StrEnum):
    """How a rule is known."""

    PAGE = "page"
    PUBLISHED = "published"
    INFERRED = "inferred"


@dataclass(frozen=True)
class Finding:
    """What a check found: where, what was expected, and what came.

    `place` is where a pointer leads nowhere: the body as a whole, the status, or a header's name.
    """

    exchange: Exchange
    pointer: str
    expected: str
    actual: str
    scenario: str = ""
    place: Place = "body"

    def as_violation(self, rule: str) -> Violation:
        """Return this finding as a violation of a rule."""
        exchange, scenario = self.exchange, self.scenario or self.exchange.kind
        call = f"{exchange.method}, " if scenario != exchange.kind != "retry" else ""
        seen = f"{scenario}, {call}request {exchange.number}"
        found = Violation(
            rule, self.pointer, "", self.expected, self.actual, seen, scenario, self.place
        )
        return found.with_message(f"{found.what}; expected {self.expected} ({seen})")


Findings = Iterator[Finding]
Check = Callable[[Observations, Expectation], Findings]
"""Yields what breaks a rule. Raises NotExercised where the observations say nothing about it."""


@dataclass(frozen=True)
class Rule:
    """One promise of the contract.

    `source_ids` name statements in sources.json. `scenario` is the group of scenarios that the
    check looks at, by the name of its pytest fixture.
    """

    id: str
    sentence: str
    source_ids: tuple[str, ...]
    basis: Basis
    section: Section
    scenario: str
    check: Check

    @property
    def sources(self) -> tuple[Source, ...]:
        """The statements that the rule goes by."""
        return tuple(sources()[id_] for id_ in self.source_ids)

    @property
    def source(self) -> str:
        """The statements and their pages, in one line."""
        return "; ".join(map(str, self.sources))

    def violations(
        self, observations: Observations, expectation: Expectation
    ) -> tuple[Violation, ...]:
        """Return how the observations break this rule, each defect once. Raises NotExercised."""
        found: dict[tuple[str, str, str], Violation] = {}
        for finding in self.check(observations, expectation):
            identity = (finding.pointer, finding.expected, finding.actual)
            found.setdefault(identity, finding.as_violation(self.id))
        return tuple(found.values())


def rule(
    section: Section, scenario: str, *source_ids: str, basis: Basis
) -> Callable[[Check], Rule]:
    """Return a decorator that makes a rule of a check.

    The check's name is the rule's id, and its docstring the rule's sentence.
    """

    def decorate(check: Check) -> Rule:
        id_ = check.__name__.replace("_", "-")
        sentence = " ".join(str(check.__doc__).split())
        return Rule(id_, sentence, source_ids, basis, section, scenario, check)

    return decorate


def about(observation: Observation, pointer: str, expected: str, actual: str) -> Finding:
    """Return a finding about the probe of an observation."""
    return Finding(observation.exchange, pointer, expected, actual, observation.scenario)


def about_status(
    observation: Observation, expected: str, exchange: Exchange | None = None
) -> Finding:
    """Return a finding about the status of an observation's probe, or of another exchange."""
    exchange = exchange or observation.exchange
    actual = f"status {exchange.status}"
    return Finding(exchange, "", expected, actual, observation.scenario, "status")
