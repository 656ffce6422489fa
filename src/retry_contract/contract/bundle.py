"""One self-contained JSON Schema, for validators in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retry_contract.contract.catalogue import Catalogue, Contract, Kind, Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASE = "https://retry-contract.invalid/bundles/"


def bundle(contract: Contract, kind: Kind = "retry") -> Schema:
    """Return the schema of one kind of response, with every definition that it refers to."""
    definitions: dict[str, Any] = {}
    schema = _collect(contract.schema_of(kind), contract, definitions)
    name = contract.name if kind == "retry" else f"{contract.name}.{kind}"
    return {**schema, "$id": f"{_BASE}{name}.schema.json", "$defs": definitions}


def bundle_either(catalogue: Catalogue) -> Schema:
    """Return a schema that accepts a retry's response of any of the contracts."""
    definitions: dict[str, Any] = {}
    for name, contract in catalogue.items():
        schema = _collect(contract.schema, contract, definitions)
        definitions[name] = {k: v for k, v in schema.items() if k not in ("$id", "$schema")}
    return {
        "$schema": _DIALECT,
        "$id": f"{_BASE}either.schema.json",
        "title": "Response of an accepted retry, of any contract",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in catalogue],
        "$defs": definitions,
    }


def _collect(node: Any, contract: Contract, definitions: dict[str, Any]) -> Any:
    """Return a schema whose references lead into `definitions`, and put their targets there."""
    if isinstance(node, list):
        return [_collect(item, contract, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {k: _collect(v, contract, definitions) for k, v in node.items() if k != "$ref"}
    if "$ref" in node:
        name = Path(node["$ref"]).name
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _collect(contract.definition(node["$ref"]), contract, definitions)
        copy["$ref"] = f"#/$defs/{name}"
    return copy
