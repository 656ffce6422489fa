"""Writes schemas out without references: following them takes most of a validator's time."""

from __future__ import annotations

from typing import Any

from referencing import Registry

_ANNOTATIONS = {"title", "description", "examples"}
_NOT_WRITTEN = {"$ref", "$defs", "$id"}


class _Recursion(Exception):
    """A schema refers to itself."""


def dereference(schema: Any, registry: Registry[Any]) -> Any:
    """Return a schema with each reference replaced by its target.

    A schema that refers to itself cannot be written out, and is returned as it is.
    """
    try:
        return _write(schema, registry.resolver(schema["$id"]), ())
    except _Recursion:
        return schema


def _write(node: Any, resolver: Any, within: tuple[int, ...]) -> Any:
    if isinstance(node, list):
        return [_write(item, resolver, within) for item in node]
    if not isinstance(node, dict):
        return node
    own = {k: _write(v, resolver, within) for k, v in node.items() if k not in _NOT_WRITTEN}
    if "$ref" not in node:
        return own
    found = resolver.lookup(node["$ref"])
    if id(found.contents) in within:
        raise _Recursion
    target = _write(found.contents, found.resolver, (*within, id(found.contents)))
    if isinstance(target, dict) and (target.keys() & own.keys()) <= _ANNOTATIONS:
        return {**target, **own}
    return {"allOf": [target], **own}
