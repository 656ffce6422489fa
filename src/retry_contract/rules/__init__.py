"""Every promise that the kit holds an endpoint to, each with its source."""

from retry_contract.choices import unknown_name
from retry_contract.rules import accepted_retry, every_response, generated_cases, refusals
from retry_contract.rules.model import Basis, Finding, Rule, Section

__all__ = ["ESSENTIAL", "GENERATED", "RULES", "Basis", "Finding", "Rule", "Section", "rule_named"]

RULES: dict[str, Rule] = {
    rule.id: rule
    for module in (accepted_retry, refusals, every_response, generated_cases)
    for rule in module.RULES
}
"""The rules by id, in the order in which they are shown."""

ESSENTIAL = frozenset(rule.id for rule in accepted_retry.RULES)
"""The rules about an accepted retry: without one of them exercised, nothing is called kept."""

GENERATED = frozenset(rule.id for rule in generated_cases.RULES)
"""The rules whose cases are generated."""

_RENAMED = {
    "reply_matches_schema": "response-matches-schema",
    "generated_histories_kept": "generated-sequences-kept",
}
"""Ids of earlier versions, written with _, which pipelines still name, with their new ones."""


def rule_named(name: str) -> Rule:
    """Return a rule by id, with - or _. Raises LookupError, which says what was probably meant."""
    id_ = name.replace("_", "-")
    if id_ not in RULES:
        see = "retry-contract rules"
        raise LookupError(unknown_name("rule", name, RULES, renamed=_RENAMED, see=see))
    return RULES[id_]
