"""Where two readings of the same message differ, as the policy of docs/consumer.md has it."""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retry_contract.privacy.descriptions import cut, one_line, token

ABSENT = object()
_LONGEST, _MOST_OPTIONS = 80, 5


@dataclass(frozen=True)
class Difference:
    """A place, as a JSON Pointer, at which one reading differs from another."""

    pointer: str
    expected: str
    actual: str

    def __str__(self) -> str:
        place = one_line(self.pointer) or "the result"
        return f"{place} is {self.actual} instead of {self.expected}"


def is_within(pointer: str, pointers: Iterable[str]) -> bool:
    """Say whether a place is one of some, or lies within one."""
    return any(f"{pointer}/".startswith(f"{other}/") for other in pointers)


def differences(
    one: Any, other: Any, added: Sequence[Any] = (), left_out: Sequence[str] = (), at: str = ""
) -> Iterator[Difference]:
    """Yield the places where another reading differs from one, but for those that are left out.

    A place of the other that holds exactly an added value is no difference where the one has
    nothing, null, or the empty string; a list closes up over such an item.
    """
    if (one is ABSENT or one is None or one == "") and _is_added(other, added):
        return
    if isinstance(one, list) and isinstance(other, list) and len(other) > len(one):
        other = [item for item in other if not _is_one_of(added, item)]
    if isinstance(one, dict | list) and type(one) is type(other):
        old, new = _members(one), _members(other)
        for name in dict.fromkeys((*old, *new)):
            parts = old.get(name, ABSENT), new.get(name, ABSENT)
            yield from differences(*parts, added, left_out, f"{at}/{token(name)}")
    elif not _is_equal(one, other) and not is_within(at, left_out):
        yield Difference(at, _show(one), _show(other))


def _members(value: Any) -> dict[Any, Any]:
    """Return the members of a JSON object, or the items of an array by their index."""
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _is_added(value: Any, added: Sequence[Any]) -> bool:
    """Say whether a value is an added one, or holds added ones alone."""
    held = _members(value).values()
    alone = bool(held) and all(_is_added(item, added) for item in held)
    return alone or _is_one_of(added, value)


def _is_one_of(values: Iterable[Any], value: Any) -> bool:
    return any(_is_equal(value, held) for held in values)


def _is_equal(one: Any, other: Any) -> bool:
    """Compare JSON values, of which true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _show(value: Any) -> str:
    return "nothing" if value is ABSENT else cut(json.dumps(value, ensure_ascii=False), _LONGEST)


def advice_on(places: Sequence[Difference]) -> str:
    """Return what to do about differences: mend them, or accept them by options to paste."""
    pointers = list(dict.fromkeys(place.pointer for place in places))
    if len(pointers) > _MOST_OPTIONS:
        parents = {pointer.rpartition("/")[0] for pointer in pointers}
        pointers = [*parents] if len(parents) == 1 else [""]
    options = " ".join(f"--accept {shlex.quote(one_line(pointer))}" for pointer in pointers)
    by_name = "read each field by its name at the top of the response"
    return f"{by_name}; if it is meant to differ, give {options}"


def leaves(value: Any, at: str = "") -> Iterator[str]:
    """Yield the JSON Pointer of each value in a reading that holds no other."""
    members = _members(value)
    if not members:
        yield at
    for name, item in members.items():
        yield from leaves(item, f"{at}/{token(name)}")
