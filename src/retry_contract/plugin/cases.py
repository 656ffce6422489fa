"""The contracts, examples and settings that a user's own test runs with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from retry_contract.choices import unknown_name

if TYPE_CHECKING:
    from retry_contract.contract.catalogue import Contract

MARKER = "retry_contract"
_FAIL_AFTER, _RARE = "fail_after", "rare"
_LONGEST = 999_999
_WRITE = f'write @pytest.mark.{MARKER}("after")'


@dataclass(frozen=True)
class Case:
    """The contract of one run of a test, by name, and the example that is its payload.

    `fail_after` is when a message to a simulator number fails, in seconds; None for the usual time.
    """

    contract: str
    example: Path | None = None
    fail_after: float | None = None

    def __str__(self) -> str:
        return f"{self.contract}-{self.example.stem}" if self.example else self.contract


def cases_of(node: pytest.Item, *, payloads: bool) -> list[Case]:
    """Return one case a contract, or with `payloads` one an example. Raises UsageError.

    The examples are those whose form a public page shows; with the marker's `rare`, all valid ones.
    """
    contracts, fail_after, rare = _contracts(node), _fail_after(node), _rare(node)
    if not payloads:
        return [Case(contract.name, fail_after=fail_after) for contract in contracts]
    return [
        Case(contract.name, path, fail_after)
        for contract in contracts
        for file, path in contract.examples("valid").items()
        if rare or file in contract.pages()
    ]


def case_of(request: pytest.FixtureRequest) -> Case:
    """Return the case of this run of a test.

    A test that cannot run more than once, such as a method of a TestCase, must name one contract.
    """
    if hasattr(request, "param"):
        case: Case = request.param
        return case
    try:
        cases = cases_of(request.node, payloads=False)
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if len(cases) != 1:
        why = "this test cannot be run once for each contract: name one"
        pytest.fail(f"retry-contract: {request.node.nodeid}: {why}, {_WRITE}", pytrace=False)
    return cases[0]


def payload_of(case: Case) -> dict[str, Any]:
    """Return the payload of a case's example, a new object each time."""
    if case.example is None:
        why = (
            "this test cannot be run once for each example, as no method of a TestCase can: "
            "let a function take retry_payload"
        )
        pytest.fail(f"retry-contract: {why}", pytrace=False)
    payload: dict[str, Any] = json.loads(case.example.read_text(encoding="utf-8"))
    return payload


def named_contracts(node: pytest.Item) -> list[str] | None:
    """Return the contracts that a test's marker names; None without one. Raises UsageError."""
    if not any(marker.args for marker in _markers(node)):
        return None
    return [contract.name for contract in _contracts(node)]


def _markers(node: pytest.Item) -> Iterator[pytest.Mark]:
    """Give the markers of a test, the closest first. Raises UsageError."""
    for marker in node.iter_markers(MARKER):
        for name in marker.kwargs:
            if name not in (_FAIL_AFTER, _RARE):
                _refuse(node, unknown_name("keyword", name, (_FAIL_AFTER, _RARE)))
        if not marker.args and not marker.kwargs:
            _refuse(node, f"it takes names of contracts: {_WRITE}")
        yield marker


def _keyword(node: pytest.Item, name: str) -> Any:
    """Return what the closest marker with a keyword gives; None without one. Raises UsageError."""
    kwargs = (marker.kwargs for marker in _markers(node))
    return next((given[name] for given in kwargs if name in given), None)


def _contracts(node: pytest.Item) -> "list[Contract]":
    from retry_contract.contract.catalogue import catalogue

    known = catalogue()
    found: dict[str, Contract] = {}
    names = next((marker.args for marker in _markers(node) if marker.args), tuple(known))
    for name in names:
        try:
            found[known[name].name] = known[name]
        except (KeyError, TypeError):
            aliases = [contract.period.alias for contract in known.values()]
            _refuse(node, unknown_name("contract", str(name), aliases, also=known))
    return list(found.values())


def _fail_after(node: pytest.Item) -> float | None:
    seconds = _keyword(node, _FAIL_AFTER)
    if seconds is None:
        return None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= _LONGEST:
        _refuse(node, f"{_FAIL_AFTER}={seconds!r}: give seconds, from 0 to {_LONGEST}")
    return float(seconds)


def _rare(node: pytest.Item) -> bool:
    rare = _keyword(node, _RARE)
    if rare not in (None, True, False):
        _refuse(node, f"{_RARE}={rare!r}: give True or False")
    return bool(rare)


def _refuse(node: pytest.Item, why: str) -> NoReturn:
    raise pytest.UsageError(f"retry-contract: {node.nodeid}: the marker {MARKER}: {why}") from None
