"""A schema written out without references says of every payload what it said with them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from support.examples import example_payloads

from retry_contract.contract.bundle import dereference
from retry_contract.contract.catalogue import Kind, catalogue

CONTRACTS = catalogue()
KINDS: tuple[Kind, ...] = ("retry", "single-send", "retrieve")
BASE = "https://example.invalid/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME = {"type": "string", "minLength": 2, "title": "A name", "description": "Of a person."}


def _registry(*documents: dict[str, Any]) -> Registry[Any]:
    return Registry().with_resources((d["$id"], Resource.from_contents(d)) for d in documents)


SHIPPED = _registry(*CONTRACTS.documents().values())


def _schema(properties: dict[str, Any], **definitions: Any) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": BASE + "schema.json",
        "properties": properties,
        "$defs": definitions,
    }


def _written(schema: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy(schema)
    written: dict[str, Any] = dereference(schema, _registry(schema, *others))
    assert schema == kept
    return written


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _names(inner)


def _errors(validator: Draft202012Validator, payload: Any) -> set[tuple[str, Any]]:
    return {(error.json_path, error.validator) for error in validator.iter_errors(payload)}


def test_target_takes_the_place_of_its_reference() -> None:
    written = _written(_schema({"name": {"$ref": "#/$defs/name"}}, name=NAME))
    assert written == {"$schema": DIALECT, "properties": {"name": NAME}}


def test_keywords_next_to_a_reference_are_kept() -> None:
    reference = {"$ref": "#/$defs/name", "title": "Another", "examples": ["Test"], "maxLength": 9}
    written = _written(_schema({"name": reference}, name=NAME))
    assert written["properties"]["name"] == {
        **NAME,
        "title": "Another",
        "examples": ["Test"],
        "maxLength": 9,
    }


def test_keywords_that_overlap_hold_both() -> None:
    schema = _schema({"name": {"$ref": "#/$defs/name", "minLength": 4}}, name=NAME)
    written = _written(schema)
    assert written["properties"]["name"] == {"allOf": [NAME], "minLength": 4}
    longer = _schema({"name": {"$ref": "#/$defs/name", "minLength": 1}}, name=NAME)
    assert not Draft202012Validator(_written(longer)).is_valid({"name": "x"})


@pytest.mark.parametrize(("target", "valid"), [(True, True), (False, False)])
@pytest.mark.parametrize("more", [{}, {"title": "Anything"}])
def test_target_that_is_true_or_false_stays_so(
    target: bool, valid: bool, more: dict[str, Any]
) -> None:
    written = _written(_schema({"name": {"$ref": "#/$defs/any", **more}}, any=target))
    assert written["properties"]["name"] == {"allOf": [target], **more}
    assert Draft202012Validator(written).is_valid({"name": 1}) is valid


def test_target_in_another_document_is_read_from_there() -> None:
    fields: dict[str, Any] = {"$schema": DIALECT, "$id": BASE + "common/fields.json"}
    fields["$defs"] = {"name": {"$ref": "#/$defs/short"}, "short": NAME}
    schema = _schema({"name": {"$ref": "common/fields.json#/$defs/name"}}, short=False)
    assert _written(schema, fields)["properties"] == {"name": NAME}


def test_schemas_in_arrays_are_written_out_too() -> None:
    any_of = {"anyOf": [{"$ref": "#/$defs/name"}, {"type": "null"}]}
    written = _written(_schema({"name": any_of}, name=NAME))
    assert written["properties"]["name"] == {"anyOf": [NAME, {"type": "null"}]}


@pytest.mark.parametrize(
    "schema",
    [
        _schema({"next": {"$ref": "#"}}),
        _schema({"a": {"$ref": "#/$defs/a"}}, a={"items": {"$ref": "#/$defs/a"}}),
        _schema(
            {"a": {"$ref": "#/$defs/a"}},
            a={"not": {"$ref": "#/$defs/b"}},
            b={"not": {"$ref": "#/$defs/a"}},
        ),
    ],
)
def test_recursive_schema_is_returned_as_it_is(schema: dict[str, Any]) -> None:
    assert dereference(schema, _registry(schema)) is schema


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONTRACTS)
def test_shipped_schema_finds_the_same_without_its_references(name: str, kind: Kind) -> None:
    schema = CONTRACTS[name].schema_of(kind)
    written = dereference(schema, SHIPPED)
    assert "$ref" in set(_names(schema))
    assert not {"$ref", "$defs", "$id"} & set(_names(written))
    referring = Draft202012Validator(schema, registry=SHIPPED)
    verdicts = [_errors(referring, payload) for payload in example_payloads()]
    assert [
        _errors(Draft202012Validator(written), payload) for payload in example_payloads()
    ] == verdicts
    assert len({bool(found) for found in verdicts}) == 2
