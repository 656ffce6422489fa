"""What is broken, by cause: one place where one thing came that must not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retry_contract.outcome import Outcome, RuleState, Violation
from retry_contract.rules import RULES
from retry_contract.rules.sources import Source


@dataclass(frozen=True)
class Cause:
    """One cause: its first violation, and the rules that it breaks, in the order of the rules."""

    contract: str
    violation: Violation
    rules: tuple[str, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The statements that say what was expected."""
        return RULES[self.violation.rule].sources


def causes(outcome: Outcome) -> tuple[Cause, ...]:
    """Return the causes of the broken rules.

    Violations of one contract have one cause if they are about the same member of the body, or if
    the same status, content type or body came.
    """
    groups: dict[tuple[str, str, str], dict[str, Violation]] = {}
    for contract, rule, violation in _violations(outcome):
        member = "/".join(violation.pointer.split("/")[:2])
        came = "" if member else violation.actual
        group = groups.setdefault((contract, member or violation.place, came), {})
        group.setdefault(rule, violation)
    return tuple(
        Cause(contract, next(iter(found.values())), tuple(found))
        for (contract, _, _), found in groups.items()
    )


def _violations(outcome: Outcome) -> Iterator[tuple[str, str, Violation]]:
    for result in outcome.in_state(RuleState.BROKEN):
        yield from ((result.contract, result.rule, violation) for violation in result.violations)
