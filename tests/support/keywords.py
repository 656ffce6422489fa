"""Schemas with one keyword, or one entry of a keyword, taken out."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

ANNOTATIONS = {"$id", "$schema", "$defs", "title", "description", "examples", "format"}
MAPS = {"properties"}
LISTS = {"anyOf", "allOf", "oneOf", "prefixItems"}
NAMES = {"required", "enum"}
SCHEMAS = {"additionalProperties", "items", "not"}

Place = tuple[str, tuple[str | int, ...]]
"""The `$id` of a schema file, and a path in it."""


def reachable(documents: Mapping[str, Any], uri: str, path: tuple[str | int, ...]) -> set[Place]:
    """Return the places of all keywords that a schema uses, through its references too."""
    found: set[Place] = set()
    todo = [(uri, path)]
    while todo:
        uri, path = todo.pop()
        for keyword, value in _at(documents, uri, path).items():
            place = (uri, (*path, keyword))
            if keyword in ANNOTATIONS or place in found or (*path, keyword)[-2:] == ("not", "type"):
                continue  # strict validators want the type again in a `not`
            found.add(place)
            found |= {(uri, (*path, keyword, entry)) for entry in _entries(keyword, value)}
            todo += _inner(uri, (*path, keyword), value)
    return found


def _inner(uri: str, path: tuple[str | int, ...], value: Any) -> Iterator[Place]:
    keyword = path[-1]
    if keyword == "$ref":
        target, _, fragment = urljoin(uri, value).partition("#")
        yield target, tuple(fragment.strip("/").split("/"))
    elif keyword in SCHEMAS and isinstance(value, dict):
        yield uri, path
    elif keyword in MAPS:
        yield from ((uri, (*path, name)) for name in value if isinstance(value[name], dict))
    elif keyword in LISTS:
        yield from ((uri, (*path, index)) for index in range(len(value)))


def _entries(keyword: str, value: Any) -> Iterable[str | int]:
    """Return the entries of a keyword that can be deleted one by one."""
    if keyword in MAPS:
        return list(value)
    return range(len(value)) if keyword in LISTS | NAMES else ()


def _at(documents: Mapping[str, Any], uri: str, path: tuple[str | int, ...]) -> Any:
    return functools.reduce(lambda node, part: node[part], path, documents[uri])


def without(documents: Mapping[str, Any], place: Place) -> dict[str, Any]:
    uri, path = place
    mutated = {**documents, uri: copy.deepcopy(documents[uri])}
    del _at(mutated, uri, path[:-1])[path[-1]]
    return mutated


def verdicts(documents: Mapping[str, Any], uri: str, payloads: list[Any]) -> Iterator[bool]:
    registry = Registry[Any]().with_resources(
        (name, Resource.from_contents(document)) for name, document in documents.items()
    )
    validator = Draft202012Validator(documents[uri], registry=registry)
    return (validator.is_valid(payload) for payload in payloads)
