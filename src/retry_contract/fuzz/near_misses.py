"""Valid payloads with exactly one edit, the rule that it breaks, and where."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from retry_contract.contract.catalogue import Contract, Kind, Schema
from retry_contract.fuzz import value_edits
from retry_contract.fuzz.payloads import Payload, known_contract, payloads
from retry_contract.privacy.descriptions import KNOWN_STATUSES, pointer

_OWNERS = {"/creatorId": "creator-id-as-contracted", "/latestStatus": "status-reset-to-created"}
_WHOLE = "response-matches-schema"
_OF_TYPE: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "number": 7,
    "string": "text",
    "array": [],
    "object": {},
}
_TYPE_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


@dataclass(frozen=True)
class NearMiss:
    """A payload that would keep its contract but for one edit.

    `rule` is the rule that the edit breaks, `pointer` the JSON Pointer where, and `edit` says
    what was done.
    """

    payload: Any
    rule: str
    pointer: str
    edit: str


@dataclass(frozen=True)
class Edit:
    """One way to spoil a payload: what it does, and the JSON Pointer of what it spoils."""

    text: str
    pointer: str
    change: Callable[[Payload], Any] = field(repr=False)

    def __call__(self, payload: Payload) -> NearMiss:
        """Spoil a payload, which is left as it is."""
        rule = _OWNERS.get(self.pointer, _WHOLE)
        return NearMiss(self.change(payload), rule, self.pointer, self.text)


def near_misses(contract: str | Contract, kind: Kind = "retry") -> SearchStrategy[NearMiss]:
    """Return responses with exactly one defect against a contract, by name, alias or itself.

    Raises KeyError for a contract that is not known.
    """
    known = known_contract(contract)
    return st.builds(
        lambda edit, payload: edit(payload), st.sampled_from(edits(known, kind)),
        payloads(known, kind),
    )  # fmt: skip


@functools.cache
def edits(contract: Contract, kind: Kind = "retry") -> tuple[Edit, ...]:
    """Return every edit that spoils a response of one kind, the plainest first."""
    schema = contract.schema_of(kind)
    found: list[Edit] = []
    for name in schema.get("required", ()):
        found += _absences(name)
        if schema.get("additionalProperties", True) is True:
            found += _misplacements(name)
    for name, member in schema.get("properties", {}).items():
        if member is False:
            found += _additions(name)
        elif member is not True:
            found += _replacements(name, member, contract)
    return (*found, *_WHOLE_BODIES)


def _absences(name: str) -> Iterator[Edit]:
    yield Edit(f"{name} dropped", pointer([name]), lambda p: _without(p, name))


def _misplacements(name: str) -> Iterator[Edit]:
    at = pointer([name])
    for other in (name[:-1] + name[-1].swapcase(), _snake_case(name)):
        yield Edit(f"{name} renamed to {other}", at, functools.partial(_renamed, name, other))
    yield Edit(
        f"{name} moved into an object", at, lambda p: {**_without(p, name), "x": {name: p[name]}}
    )


def _additions(name: str) -> Iterator[Edit]:
    for text, value in (("a string", "user_1"), ("null", None), ("an empty string", "")):
        change = functools.partial(_with, name, _instead(value), None)
        yield Edit(f"{name} added as {text}", pointer([name]), change)


def _replacements(name: str, member: Schema, contract: Contract) -> Iterator[Edit]:
    schema = contract.resolve(member)
    sample = (schema.get("examples") or [None])[0]

    def edit(text: str, change: Callable[[Any], Any], *below: str | int) -> Edit:
        spoil = functools.partial(_with, name, change, sample)
        return Edit(f"{name}: {text}", pointer([name, *below]), spoil)

    yield from _wrong_types(schema, contract, edit)
    yield from _wrong_members(schema, contract, edit)
    yield from _wrong_words(schema, edit)
    if schema.get("minLength", 0) > 0:
        yield edit("an empty string", _instead(""))
    for definition in _definitions(member, contract):
        for text, change in value_edits.BY_DEFINITION.get(definition, {}).items():
            yield edit(text, change)


_Make = Callable[..., Edit]


def _wrong_types(schema: Schema, contract: Contract, edit: _Make) -> Iterator[Edit]:
    allowed = _types(schema, contract)
    for name, value in _OF_TYPE.items():
        if name not in allowed:
            yield edit(f"{name} instead", _instead(value))
    if "array" not in allowed:
        yield edit("wrapped in an array", lambda old: [old])


def _wrong_members(schema: Schema, contract: Contract, edit: _Make) -> Iterator[Edit]:
    items, more = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        for name, value in _refused(items, contract):
            yield edit(f"an item that is {name}", functools.partial(_first, value), 0)
    if isinstance(more, dict):
        for name, value in _refused(more, contract):
            for key in ("name", "a/b"):
                change = functools.partial(_put, key, value)
                yield edit(f"a member that is {name}", change, key)


def _wrong_words(schema: Schema, edit: _Make) -> Iterator[Edit]:
    allowed = schema["enum"] if "enum" in schema else [schema.get("const")]
    word = allowed[0]
    if not isinstance(word, str):
        return
    statuses = KNOWN_STATUSES if word in KNOWN_STATUSES else ()
    variants = (word.upper(), word.capitalize(), word + " ", word + "\n", word[:-1], "")
    for other in dict.fromkeys((*statuses, *variants)):
        if other not in allowed:
            yield edit(f"another string, {json.dumps(other)}", _instead(other))


def _refused(schema: Schema, contract: Contract) -> list[tuple[str, Any]]:
    allowed = _types(schema, contract)
    return [(name, value) for name, value in _OF_TYPE.items() if name not in allowed]


def _types(schema: Any, contract: Contract) -> set[str]:
    """Return the names of the JSON types that a schema lets pass; all if it does not say."""
    schema = {} if schema is True else contract.resolve(schema)
    if "anyOf" in schema:
        return set().union(*(_types(choice, contract) for choice in schema["anyOf"]))
    if "type" in schema:
        named = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
        return named | {"number"} if "integer" in named else named
    if "const" in schema or "enum" in schema:
        words = schema.get("enum", [schema.get("const")])
        return {_TYPE_NAMES.get(type(word), "number") for word in words}
    return set(_OF_TYPE)


def _definitions(member: Schema, contract: Contract) -> Iterator[str]:
    while "$ref" in member:
        yield Path(member["$ref"]).name
        member = contract.definition(member["$ref"])


def _without(payload: Payload, name: str) -> Payload:
    return {k: v for k, v in payload.items() if k != name}


def _renamed(name: str, other: str, payload: Payload) -> Payload:
    return {(other if k == name else k): v for k, v in payload.items()}


def _with(name: str, change: Callable[[Any], Any], sample: Any, payload: Payload) -> Payload:
    return {**payload, name: change(payload.get(name, sample))}


def _instead(value: Any) -> Callable[[Any], Any]:
    return lambda _: copy.deepcopy(value)


def _put(key: str, value: Any, old: Payload) -> Payload:
    return {**old, key: copy.deepcopy(value)}


def _first(value: Any, old: list[Any]) -> list[Any]:
    return [copy.deepcopy(value), *old]


def _snake_case(name: str) -> str:
    snake = "".join("_" + c.lower() if c.isupper() else c for c in name)
    return snake if snake != name else name.upper()


_WHOLE_BODIES = (
    Edit("null instead of the object", "", lambda _: None),
    Edit("an array instead of the object", "", lambda _: []),
    Edit("the object in an array", "", lambda p: [p]),
    Edit("the object as a string of JSON", "", json.dumps),
    Edit("a number instead of the object", "", lambda _: 7),
    Edit("a boolean instead of the object", "", lambda _: True),
)
