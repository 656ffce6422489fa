"""Writes docs/faults.md: each named fault, and the rules that catch it on the built-in model."""

from __future__ import annotations

from pathlib import Path

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import RuleState
from retry_contract.rules import RULES
from retry_contract.service.faults import FAULTS, Fault
from retry_contract.verification.run import Run

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
HEAD = """\
# Faults, and the rules that catch them

Each fault is a named way for a service to misbehave. `retry-contract sandbox --fault NAME` serves
one, and tests hold that `verify` catches each by its own rule. `cutover-early` and `cutover-late`
show only where the clock can be set, on the built-in model. `python scripts/fault_table.py` writes
the table: it runs the rules on that model, with the contract `after`.

| fault | what it does | its own rule | other rules that break |
|---|---|---|---|
"""


def table() -> str:
    """Return the page."""
    return HEAD + "".join(_row(fault) for fault in FAULTS.values())


def _row(fault: Fault) -> str:
    others = ", ".join(f"`{rule}`" for rule in _broken(fault) if rule != fault.rule)
    return f"| `{fault.name}` | {fault.sentence} | {_own_rule(fault)} | {others} |\n"


def _own_rule(fault: Fault) -> str:
    if not fault.rule:
        return "drift" if fault.testable else "not tested"
    return f"[`{fault.rule}`](rules.md#{fault.rule})"


def _broken(fault: Fault) -> list[str]:
    contracts = catalogue()
    endpoint = mock_of(contracts, contracts["after"], faults=[fault])
    run = Run(endpoint, expect(contracts, "after"))
    broken = [rule.id for rule in RULES.values() if run.check(rule).state is RuleState.BROKEN]
    endpoint.close()
    return broken


def written() -> dict[Path, str]:
    """Return the page's file with its content."""
    return {PAGE: table()}


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
