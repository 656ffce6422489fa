"""No keyword of a retry's schema is without an example that needs it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from support.keywords import Place, reachable, verdicts, without

from retry_contract.contract.catalogue import Contract, catalogue
from retry_contract.contract.document import read_document


def _payloads(contract: Contract) -> Iterator[tuple[Any, bool]]:
    for verdict in ("invalid", "valid"):
        for path in contract.examples(verdict).values():
            document = read_document(path.read_bytes())
            if not document.violations:
                yield document.payload, verdict == "valid"


def _mutants() -> Iterator[Any]:
    documents = catalogue().documents()
    for contract in catalogue().values():
        uri = contract.schema["$id"]
        for place in sorted(reachable(documents, uri, ()), key=str):
            where = place[0].rpartition("/schemas/")[2] + "#/" + "/".join(map(str, place[1]))
            yield pytest.param(contract.name, place, id=f"{contract.name}-{where}")


@functools.cache
def _examples(name: str) -> tuple[list[Any], list[bool]]:
    payloads, expected = zip(*_payloads(catalogue()[name]), strict=True)
    return list(payloads), list(expected)


@pytest.mark.parametrize(("contract", "place"), list(_mutants()))
def test_deleted_keyword_changes_a_verdict(contract: str, place: Place) -> None:
    payloads, expected = _examples(contract)
    mutated = without(catalogue().documents(), place)
    found = verdicts(mutated, catalogue()[contract].schema["$id"], payloads)
    assert any(got is not wanted for got, wanted in zip(found, expected, strict=True))


@pytest.mark.parametrize("contract", list(catalogue()))
def test_whole_schema_gives_the_expectedverdicts(contract: str) -> None:
    payloads, expected = _examples(contract)
    uri = catalogue()[contract].schema["$id"]
    assert list(verdicts(catalogue().documents(), uri, payloads)) == expected


@pytest.mark.parametrize("contract", list(catalogue()))
def test_every_field_of_the_contract_is_mutated(contract: str) -> None:
    uri = catalogue()[contract].schema["$id"]
    places = reachable(catalogue().documents(), uri, ())
    fields = catalogue()[contract].schema["properties"]
    assert {(uri, ("properties", name)) for name in fields} <= places
    assert any(path[-1] == "pattern" for _, path in places)
