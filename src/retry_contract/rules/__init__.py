"""Every promise that the kit holds an endpoint to, each with its source."""

from __future__ import annotations

from retry_contract.rules import accepted_retry, every_response, generated_cases, refusals
from retry_contract.rules.model import Basis, Finding, Rule, Section

__all__ = [
    "ESSENTIAL",
    "GENERATED",
    "NOT_TESTED",
    "RULES",
    "Basis",
    "Finding",
    "Rule",
    "Section",
    "section",
]

RULES = {
    rule.id: rule
    for rule in (
        *accepted_retry.RULES,
        *refusals.RULES,
        *every_response.RULES,
        *generated_cases.RULES,
    )
}
"""The rules by id, in the order in which they are shown."""

ESSENTIAL = frozenset(rule.id for rule in accepted_retry.RULES)
"""The rules about an accepted retry: without one of them exercised, nothing is called kept."""

GENERATED = frozenset(rule.id for rule in generated_cases.RULES)
"""The rules whose cases are generated."""

NOT_TESTED = {
    "P11": "a label on the old example, left over from the first announced date: in the timeline",
    "P13": "a screenshot: an image, and not reproduced",
    "P14": "advice to integrators, about their code and not about the endpoint",
}
"""The statements of the page that no rule can test, and why."""


def section(name: Section) -> tuple[Rule, ...]:
    """Return the rules of one section of the page."""
    return tuple(rule for rule in RULES.values() if rule.section == name)
