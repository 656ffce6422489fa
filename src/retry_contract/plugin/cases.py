"""The contracts and examples that a user's own test runs with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from retry_contract.contract.catalogue import Contract

MARKER = "retry_contract"
_WRITE = f'write @pytest.mark.{MARKER}("after")'


@dataclass(frozen=True)
class Case:
    """The contract of one run of a test, by name, and the example that is its payload."""

    contract: str
    example: Path | None = None

    def __str__(self) -> str:
        return f"{self.contract}-{self.example.stem}" if self.example else self.contract


def cases_of(node: pytest.Item, *, payloads: bool) -> list[Case]:
    """Return one case a contract, or with `payloads` one an example. Raises UsageError."""
    contracts = _contracts(node)
    if not payloads:
        return [Case(contract.name) for contract in contracts]
    return [Case(c.name, path) for c in contracts for path in c.examples("valid").values()]


def case_of(request: pytest.FixtureRequest) -> Case:
    """Return the case of this run of a test.

    A test that cannot run more than once, such as a method of a TestCase, must name one contract.
    """
    if hasattr(request, "param"):
        case: Case = request.param
        return case
    try:
        contracts = _contracts(request.node)
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if len(contracts) != 1:
        why = "this test cannot be run once for each contract: name one"
        pytest.fail(f"retry-contract: {request.node.nodeid}: {why}, {_WRITE}", pytrace=False)
    return Case(contracts[0].name)


def payload_of(case: Case) -> dict[str, Any]:
    """Return the payload of a case's example, a new object each time."""
    if case.example is None:
        why = (
            "this test cannot be run once for each example: name retry_payload among its arguments"
        )
        pytest.fail(f"retry-contract: {why}, or its fixtures'", pytrace=False)
    payload: dict[str, Any] = json.loads(case.example.read_text(encoding="utf-8"))
    return payload


def named_contracts(node: pytest.Item) -> list[str] | None:
    """Return the contracts that a test's marker names; None without one. Raises UsageError."""
    if node.get_closest_marker(MARKER) is None:
        return None
    return [contract.name for contract in _contracts(node)]


def _contracts(node: pytest.Item) -> "list[Contract]":
    from retry_contract.contract.catalogue import catalogue

    known, marker = catalogue(), node.get_closest_marker(MARKER)
    if marker is None:
        return list(known.values())
    if not marker.args or marker.kwargs:
        raise _usage_error(node, f"the marker {MARKER} takes names of contracts: {_WRITE}")
    found: dict[str, Contract] = {}
    for name in marker.args:
        try:
            found[known[name].name] = known[name]
        except KeyError:
            names = ", ".join(c.period.alias for c in known.values())
            why = f"{MARKER}({name!r}): no such contract; use one of {names}"
            raise _usage_error(node, why) from None
    return list(found.values())


def _usage_error(node: pytest.Item, why: str) -> pytest.UsageError:
    return pytest.UsageError(f"retry-contract: {node.nodeid}: {why}")
