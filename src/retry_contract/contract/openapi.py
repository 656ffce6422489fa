"""One OpenAPI document that needs no other file, from a contract's own and its schemas."""

import json
from pathlib import PurePosixPath
from typing import Any

from retry_contract.contract.bundle import Definitions, flatten, resolver
from retry_contract.contract.catalogue import KINDS, Contract, Kind, Schema
from retry_contract.contract.subschemas import ANNOTATIONS, MAPS, SCHEMAS, rewrite

_KINDS: dict[str, Kind] = {f"{kind}-response.schema.json": kind for kind in KINDS}
_NEVER: Schema = {"not": {}}


def openapi(contract: Contract) -> dict[str, Any]:
    """Return the OpenAPI document of a contract, its schemas as components named by their titles.

    No schema is `true` or `false`, a constant has a type, and no text stands next to a reference:
    code generators do not read these.
    """
    path = contract.folder / contract.name / "openapi.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    components = Definitions("#/components/schemas/")
    whole: dict[str, Any] = _gather(document, contract, components)
    schemas = {
        name: rewrite(_name_target(schema, components.schemas), _simplify)
        for name, schema in components.schemas.items()
    }
    whole["components"]["schemas"] = dict(sorted(schemas.items()))
    return whole


def _name_target(schema: Schema, components: dict[str, Any]) -> Schema:
    """Return a component that is another one under a name of its own as a whole schema."""
    if "$ref" not in schema or not schema.keys() <= {"$ref", *ANNOTATIONS}:
        return schema
    own = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    target = components[schema["$ref"].rpartition("/")[2]]
    return {**_name_target(target, components), **own}


def _simplify(schema: Schema) -> Schema:
    """Return a schema in the words that code generators read."""
    if "$ref" in schema and schema.keys() <= {"$ref", *ANNOTATIONS}:
        return {"$ref": schema["$ref"]}
    spelt = spell_booleans(schema)
    return {"type": "string", **spelt} if isinstance(spelt.get("const"), str) else spelt


def _gather(node: Any, contract: Contract, components: Definitions) -> Any:
    """Return a part of a document, its references to other files leading into the components."""
    if isinstance(node, list):
        return [_gather(item, contract, components) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "#")
    if not reference.startswith("#"):
        return {"$ref": components.reference(reference, resolver(contract))}
    whole = {name: _gather(value, contract, components) for name, value in node.items()}
    kind = _KINDS.get(PurePosixPath(node.get("schema", {}).get("$ref", "")).name)
    return whole if kind is None else {**whole, "examples": _examples(contract, kind)}


def _examples(contract: Contract, kind: Kind) -> dict[str, Any]:
    """Return the valid examples of a response, or one made of the examples of its fields.

    An example with a member that no schema names is left out: it documents nothing.
    """
    from jsonschema import Draft202012Validator

    named = Draft202012Validator(rewrite(flatten(contract, kind), _close))
    files = contract.examples("valid").values() if kind == "retry" else ()
    values = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
    values = values or {"sample": {f: contract.sample(kind, f) for f in contract.fields(kind)}}
    return {name: {"value": value} for name, value in values.items() if named.is_valid(value)}


def _close(schema: Schema) -> Schema:
    closed = {"unevaluatedProperties": False}
    return schema | (closed if "properties" in schema else {})


def spell_booleans(schema: Schema) -> Schema:
    """Return a schema that says in objects what it says by `true` and `false`.

    `additionalProperties: false` and its like are left: all read them.
    """
    members = schema.get("properties", {})
    absent = [name for name, member in members.items() if member is False]
    spelt = {name: _spell_value(name, value) for name, value in schema.items()}
    if absent:
        spelt["properties"] = {k: v for k, v in spelt["properties"].items() if k not in absent}
        refused = [_presence(name) for name in absent]
        refused += [spelt["not"]] if "not" in spelt else []
        spelt["not"] = refused[0] if len(refused) == 1 else {"anyOf": refused}
    return spelt


def _presence(name: str) -> Schema:
    return {"type": "object", "properties": {name: {}}, "required": [name]}


def _spell_value(keyword: str, value: Any) -> Any:
    if keyword in MAPS:
        return {name: _spell(member) for name, member in value.items()}
    if keyword not in SCHEMAS or keyword.endswith("Properties"):
        return value
    return [_spell(item) for item in value] if isinstance(value, list) else _spell(value)


def _spell(schema: Any) -> Any:
    return ({} if schema else _NEVER) if isinstance(schema, bool) else schema
