"""The schema files themselves: valid, described, identified, and different in one field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from retry_contract.contract.catalogue import Kind, catalogue, schemas_folder

FOLDER = schemas_folder()
FILES = sorted(FOLDER.glob("*/*.schema.json"))
BASE = "https://retry-contract.invalid/schemas/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SILENT = {"examples", "const", "enum"}


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for keyword, value in node.items():
            if keyword not in SILENT:
                yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)


def _described(document: Any) -> Iterator[tuple[str, Any]]:
    for node in _nodes(document):
        for keyword in ("properties", "$defs"):
            yield from node.get(keyword, {}).items()


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_file_keeps_the_metaschema(path: Path) -> None:
    document = _load(path)
    assert document["$schema"] == DIALECT
    Draft202012Validator.check_schema(document)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_id_is_the_place_of_the_file(path: Path) -> None:
    assert _load(path)["$id"] == BASE + _name(path)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_file_has_title_and_description(path: Path) -> None:
    assert {"title", "description"} <= _load(path).keys()


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_field_and_definition_is_described(path: Path) -> None:
    bare = [
        name
        for name, schema in _described(_load(path))
        if schema is not False and not {"title", "description", "$ref"} & schema.keys()
    ]
    assert bare == []


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_reference_leads_somewhere(path: Path) -> None:
    documents = catalogue().documents()
    registry = Registry[Any]().with_resources(
        (uri, Resource.from_contents(document)) for uri, document in documents.items()
    )
    resolver = registry.resolver(_load(path)["$id"])
    references = [node["$ref"] for node in _nodes(_load(path)) if "$ref" in node]
    assert all(isinstance(resolver.lookup(r).contents, dict) for r in references)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_contracts_differ_in_the_creator_alone(kind: Kind) -> None:
    before, after = (contract.schema_of(kind) for contract in catalogue().values())
    names = ("$id", "description", "properties", "required")
    assert {k: v for k, v in before.items() if k not in names} == {
        k: v for k, v in after.items() if k not in names
    }
    changed = dict(after["properties"])
    assert changed.pop("creatorId") != before["properties"]["creatorId"]
    assert changed == {k: v for k, v in before["properties"].items() if k != "creatorId"}
    assert [n for n in after["required"] if n not in before["required"]] == ["creatorId"]
    assert set(before["required"]) <= set(after["required"])


@pytest.mark.parametrize("name", list(catalogue()))
def test_every_field_has_an_example_that_keeps_its_schema(name: str) -> None:
    contract = catalogue()[name]
    registry = Registry[Any]().with_resources(
        (uri, Resource.from_contents(document)) for uri, document in catalogue().documents().items()
    )
    for kind in get_args(Kind):
        sample = {field: contract.sample(kind, field) for field in contract.fields(kind)}
        Draft202012Validator(contract.schema_of(kind), registry=registry).validate(sample)


def test_names_of_the_fields_are_those_of_the_page() -> None:
    before, after = catalogue().values()
    assert before.fields() == (
        "createdAt",
        "updatedAt",
        "id",
        "recipient",
        "values",
        "fullMessage",
        "latestStatus",
        "templateBodyId",
        "campaignId",
    )
    assert after.fields() == (*before.fields(), "creatorId")


def _timeline_is_valid(document: Any) -> bool:
    schema = _load(FOLDER / "common" / "timeline.schema.json")
    return bool(Draft202012Validator(schema).is_valid(document))


def test_timeline_keeps_its_schema() -> None:
    document = _load(FOLDER / "timeline.json")
    assert (FOLDER / document["$schema"]).is_file()
    assert _timeline_is_valid(document)


@pytest.mark.parametrize(
    ("row", "change"),
    [
        pytest.param(0, {"effectiveFrom": "2024-01-01T00:00:00+08:00"}, id="first-has-a-beginning"),
        pytest.param(1, {"effectiveFrom": None}, id="second-has-no-beginning"),
        pytest.param(1, {"effectiveFrom": "2025-02-24T00:00:00Z"}, id="other-offset"),
        pytest.param(1, {"effectiveFrom": "2025-02-24T00:00:00"}, id="no-offset"),
        pytest.param(1, {"effectiveFrom": "2025-02-24"}, id="date-alone"),
        pytest.param(1, {"name": "After 2025"}, id="name-is-no-folder"),
        pytest.param(1, {"alias": ""}, id="empty-alias"),
        pytest.param(1, {"summary": ""}, id="empty-summary"),
        pytest.param(1, {"transition": {"from": "2025-01-27T00:00:00+08:00"}}, id="endless"),
        pytest.param(1, {"announcements": [{"effectiveFrom": "2025-01-27"}]}, id="no-source"),
        pytest.param(1, {"until": None}, id="unknown-member"),
    ],
)
def test_broken_timeline_is_refused(row: int, change: dict[str, Any]) -> None:
    document = _load(FOLDER / "timeline.json")
    document["contracts"][row].update(change)
    assert not _timeline_is_valid(document)


@pytest.mark.parametrize("member", ["name", "alias", "effectiveFrom", "summary"])
def test_timeline_row_without_a_member_is_refused(member: str) -> None:
    document = _load(FOLDER / "timeline.json")
    del document["contracts"][1][member]
    assert not _timeline_is_valid(document)


@pytest.mark.parametrize("document", [{}, {"contracts": []}, [], None])
def test_timeline_without_contracts_is_refused(document: Any) -> None:
    assert not _timeline_is_valid(document)
