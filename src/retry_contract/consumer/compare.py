"""Whether two readings of one message are equal in all but the field that was added."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SHORTEST, _PART = 3, 8
"""How long a text must be to tell a field by it, and by a part of it."""
_NAME = re.compile(r"\W")
_DIGEST = re.compile(r"-?\d{9,}|\S{16,}")
ABSENT = object()
"""The value of a member that is not there."""


@dataclass(frozen=True)
class Added:
    """What the second of two payloads has more: names and values.

    `decoys` are texts that only look like it, `others` the texts of all other fields, and `names`
    those fields' names.
    """

    members: Mapping[str, Any]
    decoys: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def explains(self, name: str, one: Any, other: Any) -> bool:
        """Say whether an added field may make this difference at a member of this name."""
        if other is ABSENT:
            return False
        if name in self.members and other == self.members[name]:
            return True
        folded = _folded(name)
        named = [value for added, value in self.members.items() if _stem(added) in folded]
        if any(self._is_decoy(value) for value in named):
            return True
        if one is ABSENT and isinstance(other, dict):
            return all(self.explains(k, ABSENT, v) for k, v in other.items())
        if self._is_decoy(one) or self._is_decoy(other):
            return False
        if named:
            return True
        if isinstance(one, str) and len(one) >= _SHORTEST and one in self.others:
            return False  # another field was read here, and now it is not
        return any(_holds(other, text) or _is_part(other, text) for text in self._texts())

    def is_member(self, item: Any) -> bool:
        """Say whether an item of a list is an added field, by its value or its name."""
        known = [*self.members, *self.members.values()]
        return item in known or self.explains("", ABSENT, item)

    def by_name(self, items: list[Any]) -> dict[str, Any] | None:
        """Return a list of fields, each item with its name, by name; None of any other list.

        The added fields are left out.
        """
        named = {name: item for item in items if (name := _name_in(item)) is not None}
        alike = len(named) == len(items) and named.keys() <= {*self.names, *self.members}
        return {n: item for n, item in named.items() if n not in self.members} if alike else None

    def is_of_a_field(self, value: Any) -> bool:
        """Say whether a value holds the text or the name of a field that both payloads have."""
        return any(self._is_text_of_a_field(text) for text in strings(value))

    def _is_text_of_a_field(self, text: str) -> bool:
        known = self.others | self.decoys
        if len(text) >= _PART and any(text in whole for whole in known):
            return True
        parts = (part for part in known if len(part) >= _PART)
        return text in known | self.names or any(part in text for part in parts)

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
        fields, more = added.by_name(one), added.by_name(other)
        if fields and more:  # in an order that JSON does not promise
            yield from _differences(fields, more, added, place)
            return
        rest = other if len(one) == len(other) else [v for v in other if not added.is_member(v)]
        if len(rest) != len(one):
            yield Difference(place, one, other)
            return
        for number, pair in enumerate(zip(one, rest, strict=True)):
            yield from _differences(*pair, added, f"{place}/{number}")
    elif not _equal(one, other) and not added.explains(place.rpartition("/")[2], one, other):
        yield Difference(place, one, other)


def is_lost(difference: Difference) -> bool:
    """Say whether something was read, and of the other payload nothing: null, false, or empty."""
    return not difference.other or difference.other is ABSENT


def own_words(
    places: Iterable[Difference], one: Any, other: Any, added: Added
) -> tuple[Difference, ...]:
    """Return those places where code tells something of its own, such as a version or a count.

    There no field was read, while others were read alike. To tell nothing is no word; and the order
    of the fields, where none was added, may change a digest only.
    """
    alike = {*strings(one)} & {*strings(other)} & added.others
    if not any(len(text) >= _SHORTEST for text in alike):
        return ()
    return tuple(p for p in places if p.place and not is_lost(p) and _is_own(p, added))


def _is_own(place: Difference, added: Added) -> bool:
    both = (place.one, place.other)
    may_be = added.members or all(_DIGEST.fullmatch(str(value)) for value in both)
    return bool(may_be) and not any(added.is_of_a_field(value) for value in both)


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def decoded(value: Any) -> Any:
    """Return the object or array that a text is, in JSON or Python; any other value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        for decode in (json.loads, _literal):
            with contextlib.suppress(ValueError, SyntaxError, TypeError, RecursionError):
                return decode(value)
    return value


def _literal(text: str) -> Any:
    """Read what `repr` wrote, as JSON values."""
    return json.loads(json.dumps(ast.literal_eval(text), default=repr))


def _name_in(item: Any) -> str | None:
    """Return the name with which an item tells a field: `name=…`, [name, …], or an object's."""
    if isinstance(item, dict):
        item = [v for v in item.values() if isinstance(v, str)]
    if isinstance(item, list):
        item = next(iter(item), None)
    return _NAME.split(item)[0] if isinstance(item, str) else None


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _stem(name: str) -> str:
    folded = _folded(name)
    return folded.removesuffix("id") if len(folded) > _SHORTEST + 2 else folded


def _holds(value: Any, text: str) -> bool:
    return any(text in found for found in strings(value))


def _is_part(value: Any, text: str) -> bool:
    return isinstance(value, str) and len(value) >= _PART and value in text


def strings(value: Any) -> Iterator[str]:
    """Yield the strings in JSON values, but not the names of members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)
