"""No keyword of a retry's schema is without an example that needs it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from retry_contract.contract.catalogue import Contract, catalogue
from retry_contract.contract.document import read_document

ANNOTATIONS = {"$id", "$schema", "$defs", "title", "description", "examples", "format"}
MAPS = {"properties"}
LISTS = {"anyOf", "allOf", "oneOf", "prefixItems"}
NAMES = {"required", "enum"}
SCHEMAS = {"additionalProperties", "items", "not"}

Place = tuple[str, tuple[str | int, ...]]
"""The `$id` of a schema file, and a path in it."""


def _reachable(documents: Mapping[str, Any], uri: str, path: tuple[str | int, ...]) -> set[Place]:
    """Return the places of all keywords that a schema uses, through its references too."""
    found: set[Place] = set()
    todo = [(uri, path)]
    while todo:
        uri, path = todo.pop()
        for keyword, value in _at(documents, uri, path).items():
            place = (uri, (*path, keyword))
            if keyword in ANNOTATIONS or place in found:
                continue
            found.add(place)
            found |= {(uri, (*path, keyword, entry)) for entry in _entries(keyword, value)}
            todo += _inner(uri, (*path, keyword), value)
    return found


def _inner(uri: str, path: tuple[str | int, ...], value: Any) -> Iterator[Place]:
    keyword = path[-1]
    if keyword == "$ref":
        target, _, fragment = urljoin(uri, value).partition("#")
        yield target, tuple(fragment.strip("/").split("/"))
    elif keyword in SCHEMAS and isinstance(value, dict):
        yield uri, path
    elif keyword in MAPS:
        yield from ((uri, (*path, name)) for name in value if isinstance(value[name], dict))
    elif keyword in LISTS:
        yield from ((uri, (*path, index)) for index in range(len(value)))


def _entries(keyword: str, value: Any) -> Iterable[str | int]:
    """Return the entries of a keyword that can be deleted one by one."""
    if keyword in MAPS:
        return list(value)
    return range(len(value)) if keyword in LISTS | NAMES else ()


def _at(documents: Mapping[str, Any], uri: str, path: tuple[str | int, ...]) -> Any:
    return functools.reduce(lambda node, part: node[part], path, documents[uri])


def _without(documents: Mapping[str, Any], place: Place) -> dict[str, Any]:
    uri, path = place
    mutated = {**documents, uri: copy.deepcopy(documents[uri])}
    del _at(mutated, uri, path[:-1])[path[-1]]
    return mutated


def _verdicts(documents: Mapping[str, Any], uri: str, payloads: list[Any]) -> Iterator[bool]:
    registry = Registry[Any]().with_resources(
        (name, Resource.from_contents(document)) for name, document in documents.items()
    )
    validator = Draft202012Validator(documents[uri], registry=registry)
    return (validator.is_valid(payload) for payload in payloads)


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
        for place in sorted(_reachable(documents, uri, ()), key=str):
            where = place[0].rpartition("/schemas/")[2] + "#/" + "/".join(map(str, place[1]))
            yield pytest.param(contract.name, place, id=f"{contract.name}-{where}")


@functools.cache
def _examples(name: str) -> tuple[list[Any], list[bool]]:
    payloads, verdicts = zip(*_payloads(catalogue()[name]), strict=True)
    return list(payloads), list(verdicts)


@pytest.mark.parametrize(("contract", "place"), list(_mutants()))
def test_deleted_keyword_changes_a_verdict(contract: str, place: Place) -> None:
    payloads, expected = _examples(contract)
    mutated = _without(catalogue().documents(), place)
    verdicts = _verdicts(mutated, catalogue()[contract].schema["$id"], payloads)
    assert any(got is not wanted for got, wanted in zip(verdicts, expected, strict=True))


@pytest.mark.parametrize("contract", list(catalogue()))
def test_whole_schema_gives_the_expected_verdicts(contract: str) -> None:
    payloads, expected = _examples(contract)
    uri = catalogue()[contract].schema["$id"]
    assert list(_verdicts(catalogue().documents(), uri, payloads)) == expected


@pytest.mark.parametrize("contract", list(catalogue()))
def test_every_field_of_the_contract_is_mutated(contract: str) -> None:
    uri = catalogue()[contract].schema["$id"]
    places = _reachable(catalogue().documents(), uri, ())
    fields = catalogue()[contract].schema["properties"]
    assert {(uri, ("properties", name)) for name in fields} <= places
    assert any(path[-1] == "pattern" for _, path in places)
