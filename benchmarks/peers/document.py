"""The OpenAPI document as each peer can read it: one file without references, in 3.1 or 3.0."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "schemas" / "after-2025-02-24" / "openapi.json"
SEND = "/campaigns/{campaignId}/messages"
RETRIEVE = SEND + "/{messageId}"
RETRY = RETRIEVE + "/retry"
REQUEST = {"recipient": "6522222222", "language": "english", "values": {"name": "Test"}}
"""A Single Send to the simulator number whose messages fail."""
UNKNOWN = "message_00000000-0000-4000-8000-000000000000"

Document = dict[str, Any]


def document(url: str, values: dict[str, str]) -> Document:
    """Return the document for one server, with an example of each parameter and request.

    References are resolved, and the parameters of a path are given to each of its operations.
    """
    whole = json.loads(SOURCE.read_text(encoding="utf-8"))
    components = whole.pop("components")
    made = {**whole, "servers": [{"url": url}], "paths": {}}
    for path, item in whole["paths"].items():
        item = _resolved(item, {"components": components}, SOURCE)
        shared = [{**p, "example": values[p["name"]]} for p in item.pop("parameters")]
        made["paths"][path] = {
            method: {**operation, "parameters": shared} for method, operation in item.items()
        }
    made["components"] = {"securitySchemes": components["securitySchemes"]}
    made["paths"][SEND]["post"]["requestBody"]["content"]["application/json"]["example"] = REQUEST
    return copy.deepcopy(made)  # no part is shared, so each may be edited by itself


def as_3_0(document: Document) -> Document:
    """Return the document in OpenAPI 3.0: what 3.0 lacks is said in its own words."""
    older = _older(document)
    del older["jsonSchemaDialect"], older["info"]["summary"]
    return {**older, "openapi": "3.0.3"}


def _resolved(node: Any, root: Any, file: Path) -> Any:
    if isinstance(node, list):
        return [_resolved(item, root, file) for item in node]
    if not isinstance(node, dict):
        return node
    own = {
        name: _resolved(value, root, file)
        for name, value in node.items()
        if name not in ("$schema", "$id", "$defs", "$ref")
    }
    if "$ref" not in node:
        return own
    path, _, pointer = node["$ref"].partition("#")
    if path:
        file = (file.parent / path).resolve()
        root = json.loads(file.read_text(encoding="utf-8"))
    found = root
    for part in filter(None, pointer.split("/")):
        found = found[part]
    return {**_resolved(found, root, file), **own}


def _older(node: Any) -> Any:
    if isinstance(node, list):
        return [_older(item) for item in node]
    if not isinstance(node, dict):
        return node
    older = {name: _older(value) for name, value in node.items()}
    if "const" in older:
        older |= {"type": "string", "enum": [older.pop("const")]}
    if isinstance(older.get("examples"), list):
        older["example"] = older.pop("examples")[0]
    if isinstance(older.get("type"), list):
        (older["type"],) = (name for name in older["type"] if name != "null")
        older["nullable"] = True
    if {"type": "null"} in older.get("anyOf", []):
        (other,) = (one for one in older.pop("anyOf") if one != {"type": "null"})
        older |= other | {"nullable": True}
    return older
