"""One self-contained JSON Schema for validators in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retry_contract.contract.catalogue import Catalogue, Contract, Kind, Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASE = "https://retry-contract.invalid/bundles/"


def bundle(contract: Contract, kind: Kind = "retry") -> Schema:
    """Return the schema of one kind of a contract's responses with every reference within it."""
    definitions: dict[str, Any] = {}
    schema = _inline(contract.schema_of(kind), contract, definitions)
    name = contract.name if kind == "retry" else f"{contract.name}.{kind}"
    return {**schema, "$id": f"{_BASE}{name}.schema.json", "$defs": definitions}


def bundle_either(catalogue: Catalogue) -> Schema:
    """Return a schema that accepts a response of any of the contracts."""
    definitions: dict[str, Any] = {}
    for contract in catalogue.values():
        schema = _inline(contract.schema, contract, definitions)
        definitions[contract.name] = {
            k: v for k, v in schema.items() if k not in ("$id", "$schema")
        }
    return {
        "$schema": _DIALECT,
        "$id": f"{_BASE}either.schema.json",
        "title": "Response of an accepted retry, of any contract",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in catalogue],
        "$defs": definitions,
    }


def _inline(node: Any, contract: Contract, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, contract, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    copied = {k: _inline(v, contract, definitions) for k, v in node.items() if k != "$ref"}
    if "$ref" in node:
        name = Path(node["$ref"]).name
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _inline(contract.definition(node["$ref"]), contract, definitions)
        copied["$ref"] = f"#/$defs/{name}"
    return copied
