"""The OpenAPI document of a sandbox's controls: data in controls.openapi.json."""

import copy
import functools
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any


def control_document(*, states: Collection[str], faults: Collection[str]) -> dict[str, Any]:
    """Return the document, with the names of the states and of the faults."""
    document = copy.deepcopy(_document())
    schemas = document["components"]["schemas"]
    schemas["State"]["enum"], schemas["Fault"]["enum"] = list(states), list(faults)
    return document


@functools.cache
def body_members(path: str, method: str) -> tuple[str, ...]:
    """Return the members that the body of a route may have; none for a route without a body."""
    body = _operation(path, method).get("requestBody")
    return tuple(body["content"]["application/json"]["schema"]["properties"]) if body else ()


@functools.cache
def body_example(path: str, method: str) -> str:
    """Return a body that a route takes, as JSON."""
    body = _operation(path, method)["requestBody"]["content"]["application/json"]
    return json.dumps(body["example"])


@functools.cache
def success_status(path: str, method: str) -> int:
    """Return the status that a route answers with when it grants a request."""
    (status,) = (s for s in _operation(path, method)["responses"] if s.startswith("2"))
    return int(status)


def _operation(path: str, method: str) -> dict[str, Any]:
    operation: dict[str, Any] = _document()["paths"][path][method.lower()]
    return operation


@functools.cache
def _document() -> dict[str, Any]:
    file = Path(__file__).with_name("controls.openapi.json")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document
