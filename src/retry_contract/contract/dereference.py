"""Writes schemas without references: the validator spends most of its time following them."""

from __future__ import annotations

from typing import Any

from referencing import Registry

_ANNOTATIONS = {"title", "description", "examples"}
_NOT_WRITTEN = {"$ref", "$defs", "$id"}


def without_references(schema: Any, registry: Registry[Any]) -> Any:
    """Return a schema with the targets of its references in their places.

    One that refers to itself cannot be written out, and is returned as it is.
    """
    try:
        return _write(schema, registry.resolver(schema["$id"]), ())
    except _RefersToItself:
        return schema


class _RefersToItself(Exception):
    pass


def _write(node: Any, resolver: Any, within: tuple[int, ...]) -> Any:
    if isinstance(node, list):
        return [_write(item, resolver, within) for item in node]
    if not isinstance(node, dict):
        return node
    written = {k: _write(v, resolver, within) for k, v in node.items() if k not in _NOT_WRITTEN}
    if "$ref" not in node:
        return written
    found = resolver.lookup(node["$ref"])
    if id(found.contents) in within:
        raise _RefersToItself
    target = _write(found.contents, found.resolver, (*within, id(found.contents)))
    if isinstance(target, dict) and (target.keys() & written.keys()) <= _ANNOTATIONS:
        return {**target, **written}
    return {"allOf": [target], **written}
