"""A printed schema stands alone, and other validators read it as the validator does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from support.examples import example_payloads
from support.exports import BUNDLES, FLAT
from support.node import ajv

from retry_contract.contract.bundle import Definitions, bundle, flatten
from retry_contract.contract.catalogue import Catalogue, Kind, catalogue, schemas_folder
from retry_contract.contract.validator import validate

CONTRACTS = catalogue()
PAYLOADS = list(example_payloads())
SCHEMAS = {
    **{" ".join(key): schema for key, schema in BUNDLES.items()},
    **{" ".join((*key, "flat")): schema for key, schema in FLAT.items()},
}
KEYS: dict[str, tuple[str, Kind]] = {
    **{" ".join(key): key for key in BUNDLES},
    **{" ".join((*key, "flat")): key for key in FLAT},
}

each_schema = pytest.mark.parametrize("name", SCHEMAS)
each_bundle = pytest.mark.parametrize("key", BUNDLES, ids=" ".join)


def _checked(name: str) -> list[bool]:
    """Return the validator's own verdict on every payload."""
    contract, kind = KEYS[name]
    among = list(CONTRACTS.values()) if contract == "either" else [CONTRACTS[contract]]
    return [any(not validate(payload, c, kind).violations for c in among) for payload in PAYLOADS]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _nodes(inner)


@each_schema
def test_schema_has_its_own_id_and_no_other(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert list(schema)[:3] == ["$schema", "$id", "title"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    file = name.replace(" retry", "").replace(" ", ".")
    assert schema["$id"].endswith(f"/bundles/{file}.schema.json")
    for keyword in ("$id", "$schema"):
        assert [node[keyword] for node in _nodes(schema) if keyword in node] == [schema[keyword]]


@each_bundle
def test_bundle_refers_to_nothing_outside_it(key: tuple[str, Kind]) -> None:
    schema = BUNDLES[key]
    references = {node["$ref"] for node in _nodes(schema) if "$ref" in node}
    assert references == {f"#/$defs/{definition}" for definition in schema["$defs"]}


@each_bundle
def test_title_is_the_name_of_each_definition_and_of_one_alone(key: tuple[str, Kind]) -> None:
    schema = BUNDLES[key]
    assert {name: definition["title"] for name, definition in schema["$defs"].items()} == {
        name: name for name in schema["$defs"]
    }
    assert all(re.fullmatch("[A-Z][A-Za-z]+", name) for name in [*schema["$defs"], schema["title"]])
    titles = [node["title"] for node in _nodes(schema) if "title" in node]
    assert len(titles) == len(set(titles))


def test_bundle_has_the_types_of_the_fields() -> None:
    schema = BUNDLES["after-2025-02-24", "retry"]
    assert schema["title"] == "RetryResponse"
    types = {"MessageId", "CampaignId", "UserId", "Timestamp", "PhoneNumber", "TemplateBodyId"}
    assert types <= schema["$defs"].keys()
    either = BUNDLES["either", "single-send"]
    assert either["title"] == "SingleSendResponse"
    assert {"SingleSendResponseBefore", "SingleSendResponseAfter"} <= either["$defs"].keys()


@pytest.mark.parametrize("key", FLAT, ids=" ".join)
def test_flat_schema_has_no_references_and_titles_no_part(key: tuple[str, Kind]) -> None:
    schema = FLAT[key]
    assert not any({"$ref", "$defs"} & node.keys() for node in _nodes(schema))
    choices = schema.get("anyOf", [])
    assert len(choices) == (2 if key[0] == "either" else 0)
    titles = [schema["title"], *(choice["title"] for choice in choices)]
    assert [node["title"] for node in _nodes(schema) if "title" in node] == titles
    assert len(set(titles)) == len(titles)


def test_flat_schema_keeps_both_descriptions_of_a_field() -> None:
    created = FLAT["after-2025-02-24", "retry"]["properties"]["createdAt"]["description"]
    assert created.startswith("When the message was first created;")
    assert created.endswith("\nExpected: an RFC 3339 timestamp with an offset.")


def test_schema_that_refers_to_itself_cannot_be_flat(tmp_path: Path) -> None:
    contract = Catalogue(_copy(tmp_path, {"items": {"$ref": "#/$defs/fullMessage"}}))["after"]
    assert bundle(contract)["$defs"]["fullMessage"] == {"items": {"$ref": "#/$defs/fullMessage"}}
    with pytest.raises(RecursionError):
        flatten(contract)


def _copy(folder: Path, full_message: Any) -> Path:
    fields = json.loads((schemas_folder() / "common/fields.schema.json").read_text("utf-8"))
    fields["$defs"]["fullMessage"] = full_message
    for path in schemas_folder().glob("*/*.schema.json"):
        copy = folder / path.relative_to(schemas_folder())
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (folder / "common/fields.schema.json").write_text(json.dumps(fields), encoding="utf-8")
    (folder / "timeline.json").write_bytes((schemas_folder() / "timeline.json").read_bytes())
    return folder


def test_definition_without_a_type_name_for_a_title_goes_by_its_key() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.invalid/schema.json",
        "$defs": {
            "a": {"title": "A phrase, no name"},
            "b": {"title": "Name", "type": "string"},
            "c": {"title": "Name", "type": "null"},
            "d": {"$ref": "#/$defs/b"},
            "e": True,
        },
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in "abcde"},
        "examples": [{"$ref": "#/$defs/a"}],
    }
    registry = Registry[Any]().with_contents([(str(schema["$id"]), schema)])
    definitions = Definitions("#/$defs/")
    gathered = definitions.gather(schema, registry.resolver(str(schema["$id"])))
    names = {name: member["$ref"][8:] for name, member in gathered["properties"].items()}
    assert names == {"a": "a", "b": "Name", "c": "Name2", "d": "d", "e": "e"}
    assert definitions.schemas["d"] == {"$ref": "#/$defs/Name"}
    assert definitions.schemas["e"] is True
    assert gathered["examples"] == [{"$ref": "#/$defs/a"}]


def test_schemas_survive_being_written() -> None:
    assert json.loads(json.dumps(SCHEMAS)) == SCHEMAS


def test_bundle_leaves_the_schemas_as_they_were() -> None:
    before = json.dumps(CONTRACTS["after"].schema)
    bundle(CONTRACTS["after"])
    assert json.dumps(CONTRACTS["after"].schema) == before


@each_schema
def test_jsonschema_agrees_with_the_validator(name: str) -> None:
    validator = Draft202012Validator(SCHEMAS[name])
    assert [validator.is_valid(payload) for payload in PAYLOADS] == _checked(name)


@each_schema
def test_jsonschema_rs_agrees_with_the_validator(name: str) -> None:
    options = jsonschema_rs.RegexOptions()
    validator = jsonschema_rs.Draft202012Validator(SCHEMAS[name], pattern_options=options)
    assert [validator.is_valid(payload) for payload in PAYLOADS] == _checked(name)


@pytest.fixture(scope="module")
def ajv_verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bool]]:
    """Return what ajv says of every payload, by schema."""
    return ajv(SCHEMAS, PAYLOADS, tmp_path_factory.mktemp("ajv"))


@pytest.mark.slow
@each_schema
def test_ajv_agrees_with_the_validator(name: str, ajv_verdicts: dict[str, list[bool]]) -> None:
    assert ajv_verdicts[name] == _checked(name)
