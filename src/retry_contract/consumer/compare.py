"""Whether two readings of one message are equal in all but the field that was added."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SHORTEST = 3
ABSENT = object()
"""The value of a member that is not there."""


@dataclass(frozen=True)
class Added:
    """What the second of two payloads has more: names and values.

    `decoys` are texts that only look like it, and `others` the texts of all other fields.
    """

    members: Mapping[str, Any]
    decoys: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def explains(self, name: str, one: Any, other: Any) -> bool:
        """Say whether an added field may make this difference at a member of this name."""
        if other is ABSENT:
            return False
        if name in self.members and other == self.members[name]:
            return True
        if one is ABSENT and isinstance(other, dict):
            return all(self.explains(k, ABSENT, v) for k, v in other.items())
        if self._is_decoy(one) or self._is_decoy(other):
            return False
        folded = _folded(name)
        if any(_stem(added) in folded for added in self.members):
            return True
        if isinstance(one, str) and one in self.others:
            return False  # another field was read here, and now it is not
        return any(_holds(other, text) for text in self._texts())

    def is_member(self, item: Any) -> bool:
        """Say whether an item of a list is an added field, by its value or its name."""
        known = [*self.members, *self.members.values()]
        return item in known or self.explains("", ABSENT, item)

    def _is_decoy(self, value: Any) -> bool:
        return any(_holds(value, decoy) for decoy in self.decoys)

    def _texts(self) -> Iterator[str]:
        return (text for text in strings([*self.members.values()]) if len(text) >= _SHORTEST)


@dataclass(frozen=True)
class Difference:
    """A place, as a JSON Pointer, where two readings differ: known by the place, whatever they are.

    `one` and `other` are what was read there, or ABSENT.
    """

    place: str
    one: Any = field(compare=False)
    other: Any = field(compare=False)


def differences(one: Any, other: Any, added: Added, place: str = "") -> tuple[Difference, ...]:
    """Return where two readings differ and nothing explains it."""
    return tuple(_differences(one, other, added, place))


def _differences(one: Any, other: Any, added: Added, place: str) -> Iterator[Difference]:
    if isinstance(one, str) and isinstance(other, str):  # an object may keep the reply's text
        one, other = decoded(one), decoded(other)
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            pair = one.get(name, ABSENT), other.get(name, ABSENT)
            yield from _differences(*pair, added, f"{place}/{name}")
    elif isinstance(one, list) and isinstance(other, list):
        rest = other if len(one) == len(other) else [v for v in other if not added.is_member(v)]
        if len(rest) != len(one):
            yield Difference(place, one, other)
            return
        for number, pair in enumerate(zip(one, rest, strict=True)):
            yield from _differences(*pair, added, f"{place}/{number}")
    elif not _equal(one, other) and not added.explains(place.rpartition("/")[2], one, other):
        yield Difference(place, one, other)


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def decoded(value: Any) -> Any:
    """Return what a text holds that is a JSON object or array; any other value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _stem(name: str) -> str:
    folded = _folded(name)
    return folded.removesuffix("id") if len(folded) > _SHORTEST + 2 else folded


def _holds(value: Any, text: str) -> bool:
    return any(text in found for found in strings(value))


def strings(value: Any) -> Iterator[str]:
    """Yield the strings in JSON values, but not the names of members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)
