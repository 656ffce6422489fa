"""The contracts, examples and settings that a user's own test runs with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from retry_contract.contract.catalogue import Contract

MARKER = "retry_contract"
_FAIL_AFTER = "fail_after"
_KEYWORDS, _LONGEST = (_FAIL_AFTER,), 999_999
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
    """Return one case a contract, or with `payloads` one an example. Raises UsageError."""
    contracts, fail_after = _contracts(node), _fail_after(node)
    if not payloads:
        return [Case(contract.name, fail_after=fail_after) for contract in contracts]
    return [
        Case(contract.name, path, fail_after)
        for contract in contracts
        for path in contract.examples("valid").values()
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
            "this test cannot be run once for each example: name retry_payload among its arguments"
        )
        pytest.fail(f"retry-contract: {why}, or its fixtures'", pytrace=False)
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
        unknown = [name for name in marker.kwargs if name not in _KEYWORDS]
        if unknown:
            why = f"{MARKER}({unknown[0]}=…): takes {', '.join(_KEYWORDS)}, and names of contracts"
            raise _usage_error(node, why)
        if not marker.args and not marker.kwargs:
            raise _usage_error(node, f"the marker {MARKER} takes names of contracts: {_WRITE}")
        yield marker


def _contracts(node: pytest.Item) -> "list[Contract]":
    from retry_contract.contract.catalogue import catalogue

    known = catalogue()
    found: dict[str, Contract] = {}
    names = next((marker.args for marker in _markers(node) if marker.args), tuple(known))
    for name in names:
        try:
            found[known[name].name] = known[name]
        except KeyError:
            aliases = ", ".join(c.period.alias for c in known.values())
            why = f"{MARKER}({name!r}): no such contract; use one of {aliases}"
            raise _usage_error(node, why) from None
    return list(found.values())


def _fail_after(node: pytest.Item) -> float | None:
    """Return the seconds that the closest marker with this keyword gives. Raises UsageError."""
    kwargs = (marker.kwargs for marker in _markers(node))
    seconds = next((given[_FAIL_AFTER] for given in kwargs if _FAIL_AFTER in given), None)
    if seconds is None:
        return None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 < seconds <= _LONGEST:
        why = f"{MARKER}({_FAIL_AFTER}={seconds!r}): give seconds, above 0 and up to {_LONGEST}"
        raise _usage_error(node, why)
    return float(seconds)


def _usage_error(node: pytest.Item, why: str) -> pytest.UsageError:
    return pytest.UsageError(f"retry-contract: {node.nodeid}: {why}")
