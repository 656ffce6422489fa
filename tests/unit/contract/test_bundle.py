"""A printed schema stands alone, and other validators read it as the validator does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from support.examples import example_payloads
from support.node import ajv

from retry_contract.contract.bundle import bundle, bundle_either
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.validator import identify

CONTRACTS = catalogue()
BUNDLES = {name: bundle(contract) for name, contract in CONTRACTS.items()} | {
    "either": bundle_either(CONTRACTS)
}


PAYLOADS = list(example_payloads())


def _checked(name: str) -> list[bool]:
    """Return the validator's own verdict on every payload."""
    kept = [identify(payload) for payload in PAYLOADS]
    return [bool(names) if name == "either" else name in names for names in kept]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _nodes(inner)


@pytest.mark.parametrize("name", BUNDLES)
def test_bundle_is_a_schema_with_its_own_id(name: str) -> None:
    schema = BUNDLES[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f"/bundles/{name}.schema.json")
    assert [node["$id"] for node in _nodes(schema) if "$id" in node] == [schema["$id"]]


@pytest.mark.parametrize("name", BUNDLES)
def test_bundle_refers_to_nothing_outside_it(name: str) -> None:
    schema = BUNDLES[name]
    references = {node["$ref"] for node in _nodes(schema) if "$ref" in node}
    assert references == {f"#/$defs/{definition}" for definition in schema["$defs"]}


def test_bundle_survives_being_written() -> None:
    assert json.loads(json.dumps(BUNDLES)) == BUNDLES


def test_bundle_leaves_the_schemas_as_they_were() -> None:
    before = json.dumps(CONTRACTS["after"].schema)
    bundle(CONTRACTS["after"])
    assert json.dumps(CONTRACTS["after"].schema) == before


@pytest.mark.parametrize("name", BUNDLES)
def test_jsonschema_agrees_with_the_validator(name: str) -> None:
    validator = Draft202012Validator(BUNDLES[name])
    assert [validator.is_valid(payload) for payload in PAYLOADS] == _checked(name)


@pytest.mark.parametrize("name", BUNDLES)
def test_jsonschema_rs_agrees_with_the_validator(name: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(BUNDLES[name])
    assert [validator.is_valid(payload) for payload in PAYLOADS] == _checked(name)


@pytest.fixture(scope="module")
def ajv_verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bool]]:
    """Return what ajv says of every payload, by bundle."""
    return ajv(BUNDLES, PAYLOADS, tmp_path_factory.mktemp("ajv"))


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLES)
def test_ajv_agrees_with_the_validator(name: str, ajv_verdicts: dict[str, list[bool]]) -> None:
    assert ajv_verdicts[name] == _checked(name)
