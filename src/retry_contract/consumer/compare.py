"""Where two readings of the same message differ, as the policy of docs/consumer.md has it."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retry_contract.privacy.descriptions import cut, one_line, token

ABSENT = object()
_LONGEST, _MOST_OPTIONS = 80, 5
_BY_NAME = "read each field by its name at the top of the response"


@dataclass(frozen=True)
class Difference:
    """A place, as a JSON Pointer, at which one reading differs from another."""

    pointer: str
    expected: str
    actual: str

    def __str__(self) -> str:
        place = one_line(self.pointer) or "the result"
        return f"{place} is {self.actual} instead of {self.expected}"

    def is_at(self, pointers: Iterable[str]) -> bool:
        """Say whether the place is one of some, or lies within one."""
        return is_within(self.pointer, pointers)


def is_within(pointer: str, pointers: Iterable[str]) -> bool:
    """Say whether a place is one of some, or lies within one."""
    return any(f"{pointer}/".startswith(f"{other}/") for other in pointers)


def differences(one: Any, other: Any, added: Sequence[Any] = ()) -> Iterator[Difference]:
    """Yield the places where another reading differs from one.

    A place of the other that holds exactly an added value is left out where the one has nothing,
    null, or the empty string; a list closes up over such an item.
    """
    return _differences(one, other, added, "")


def _differences(one: Any, other: Any, added: Sequence[Any], at: str) -> Iterator[Difference]:
    if (one is ABSENT or one is None or one == "") and _holds_nothing_else(other, added):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            both = one.get(name, ABSENT), other.get(name, ABSENT)
            yield from _differences(*both, added, f"{at}/{token(name)}")
    elif isinstance(one, list) and isinstance(other, list):
        if len(other) > len(one):
            other = [item for item in other if not _holds(added, item)]
        items = itertools.zip_longest(one, other, fillvalue=ABSENT)
        for index, (a, b) in enumerate(items):
            yield from _differences(a, b, added, f"{at}/{index}")
    elif not _equal(one, other):
        yield Difference(at, _shown(one), _shown(other))


def _holds_nothing_else(value: Any, added: Sequence[Any]) -> bool:
    """Say whether a value is an added one, or holds added ones alone."""
    if _holds(added, value):
        return True
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(held) and all(_holds_nothing_else(item, added) for item in held)


def _holds(values: Iterable[Any], value: Any) -> bool:
    return any(_equal(value, held) for held in values)


def _equal(one: Any, other: Any) -> bool:
    """Compare JSON values, of which true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _shown(value: Any) -> str:
    return "nothing" if value is ABSENT else cut(json.dumps(value, ensure_ascii=False), _LONGEST)


def advice_on(places: Sequence[Difference]) -> str:
    """Return what to do about differences: mend them, or accept them by options to paste."""
    pointers = list(dict.fromkeys(place.pointer for place in places))
    if len(pointers) > _MOST_OPTIONS:
        parents = {pointer.rpartition("/")[0] for pointer in pointers}
        pointers = [*parents] if len(parents) == 1 else [""]
    options = " ".join(f"--accept {shlex.quote(one_line(pointer))}" for pointer in pointers)
    return f"{_BY_NAME}; if it is meant to differ, give {options}"


def leaves(value: Any, at: str = "") -> Iterator[str]:
    """Yield the JSON Pointer of each value in a reading that holds no other."""
    held = enumerate(value) if isinstance(value, list) else ()
    items = list(value.items() if isinstance(value, dict) else held)
    if not items:
        yield at
    for name, item in items:
        yield from leaves(item, f"{at}/{token(name)}")
