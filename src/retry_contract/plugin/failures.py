"""The failures of tests that the outcome shows by cause."""

from typing import Any

from _pytest import outcomes

_BREAKS_RULE = "retry_contract_breaks_rule"


class Failed(outcomes.Failed):
    """A test fails since a rule is broken; its text holds nothing that must not be written."""

    __module__ = "builtins"  # pytest shows it as its own


def mark(report: Any) -> None:
    """Mark the report of a test that fails since a rule is broken; xdist hands the mark on."""
    setattr(report, _BREAKS_RULE, True)


def is_marked(report: Any) -> bool:
    """Return whether a test failed since a rule is broken."""
    return hasattr(report, _BREAKS_RULE)
