"""The printed OpenAPI document: whole, named, without boolean schemas, and true to the contract."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.core.result import Ok
from support.examples import example_payloads
from support.exports import KINDS, OPENAPI

from retry_contract.contract.catalogue import Kind, catalogue
from retry_contract.contract.openapi import spell_booleans
from retry_contract.contract.subschemas import rewrite
from retry_contract.contract.validator import error_response_problem, validate

TYPES: dict[Kind, str] = {
    "retry": "RetryResponse",
    "single-send": "SingleSendResponse",
    "retrieve": "RetrieveResponse",
}
ERRORS = [
    {"message": "Unauthorized", "statusCode": 401},
    {"error": {"code": "a_code", "message": "No.", "type": "domain_error", "id": "trace_1"}},
    {"message": "Unauthorized", "statusCode": 401, "error": "x"},
    {"error": {"code": "a_code\n", "message": "No.", "type": "domain_error", "id": "trace_1"}},
    {},
]

each_document = pytest.mark.parametrize("name", OPENAPI)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _nodes(child)


def _validator(name: str, component: str) -> Draft202012Validator:
    document = OPENAPI[name]
    return Draft202012Validator({**document, "$ref": f"#/components/schemas/{component}"})


def _examples(name: str) -> Iterator[tuple[str, Any]]:
    for node in _nodes(OPENAPI[name]["paths"]):
        if "examples" in node and "schema" in node:
            component = node["schema"]["$ref"].rpartition("/")[2]
            for example, content in node["examples"].items():
                yield f"{component} {example}", content["value"]


@each_document
def test_document_keeps_the_specification(name: str) -> None:
    OpenAPIV31SpecValidator(OPENAPI[name]).validate()


@each_document
def test_every_reference_leads_into_the_document(name: str) -> None:
    references = {node["$ref"] for node in _nodes(OPENAPI[name]) if "$ref" in node}
    components = OPENAPI[name]["components"]
    assert references == {
        f"#/components/{kind}/{component}"
        for kind in ("schemas", "parameters", "responses")
        for component in components[kind]
    }


@each_document
def test_components_are_named_as_types_and_by_their_titles(name: str) -> None:
    schemas = OPENAPI[name]["components"]["schemas"]
    assert {*TYPES.values(), "ErrorResponse", "SingleSendRequest", "MessageId"} <= schemas.keys()
    assert {title: schema["title"] for title, schema in schemas.items()} == {t: t for t in schemas}
    assert all(re.fullmatch("[A-Z][A-Za-z]+", title) for title in schemas)


@each_document
def test_no_schema_is_true_or_false(name: str) -> None:
    members = [
        member
        for node in _nodes(OPENAPI[name]["components"]["schemas"])
        for keyword in ("properties", "$defs")
        for member in node.get(keyword, {}).values()
    ]
    members += [
        item
        for node in _nodes(OPENAPI[name]["components"]["schemas"])
        for keyword in ("anyOf", "allOf", "oneOf", "items", "not")
        for item in (node.get(keyword, {}),)
    ]
    assert not [member for member in members if isinstance(member, bool)]


@each_document
@pytest.mark.parametrize("kind", KINDS)
def test_component_says_of_every_example_what_the_validator_says(name: str, kind: Kind) -> None:
    validator, contract = _validator(name, TYPES[kind]), catalogue()[name]
    found = [validator.is_valid(payload) for payload in example_payloads()]
    checked = [not validate(payload, contract, kind).violations for payload in example_payloads()]
    assert found == checked
    assert len(set(found)) == 2


@each_document
def test_error_response_says_what_the_validator_says(name: str) -> None:
    validator, contract = _validator(name, "ErrorResponse"), catalogue()[name]
    found = [validator.is_valid(error) for error in ERRORS]
    assert found == [error_response_problem(error, contract) is None for error in ERRORS]
    assert found == [True, True, False, False, False]


@each_document
def test_examples_keep_their_schemas_and_name_no_undocumented_field(name: str) -> None:
    examples = dict(_examples(name))
    assert {
        "RetryResponse the-page",
        "SingleSendResponse sample",
        "RetrieveResponse sample",
    } <= set(examples)
    assert "RetryResponse undocumented-field" not in examples
    valid = {
        f"RetryResponse {file.removesuffix('.json')}"
        for file in catalogue()[name].examples("valid")
    }
    assert len(valid - examples.keys()) == 2
    for title, value in examples.items():
        _validator(name, title.partition(" ")[0]).validate(value)


@each_document
def test_schemathesis_reads_every_operation(name: str) -> None:
    schema = schemathesis.openapi.from_dict(OPENAPI[name])
    assert list(schema.iter_schema_warnings()) == []
    assert [type(result) for result in schema.get_all_operations()] == [Ok] * 3


VALUES: list[Any] = [
    None,
    1,
    "x",
    [],
    [1],
    {},
    {"a": 1},
    {"b": 1},
    {"a": 1, "b": 1},
    {"a": {"c": 1}},
]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": False}},
        {"properties": {"a": False, "b": False}},
        {"properties": {"a": True, "b": {"type": "string"}}},
        {"properties": {"a": False}, "not": {"type": "null"}},
        {"properties": {"a": {"properties": {"c": False}}}},
        {"items": False},
        {"anyOf": [False, {"type": "null"}]},
        {"not": False},
        {"patternProperties": {"^a": False}},
        {"additionalProperties": False, "properties": {"a": True}},
    ],
)
def test_spelt_schema_accepts_what_the_schema_accepts(schema: dict[str, Any]) -> None:
    spelt = rewrite(schema, spell_booleans)
    wanted = [Draft202012Validator(schema).is_valid(value) for value in VALUES]
    assert [Draft202012Validator(spelt).is_valid(value) for value in VALUES] == wanted
    assert False not in itertools.chain(
        spelt.get("properties", {}).values(), spelt.get("anyOf", [])
    )


@each_document
def test_components_are_in_the_words_that_generators_read(name: str) -> None:
    nodes = list(_nodes(OPENAPI[name]["components"]["schemas"]))
    assert [node for node in nodes if "$ref" in node and len(node) > 1] == []
    assert [node for node in nodes if "const" in node and "type" not in node] == []
    assert any("const" in node for node in nodes)
