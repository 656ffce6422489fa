"""Where two readings of the same message differ, as the policy of docs/consumer.md has it."""

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


def is_within(pointer: str, pointers: Iterable[str]) -> bool:
    """Say whether a place is one of some, or lies within one."""
    return any(f"{pointer}/".startswith(f"{other}/") for other in pointers)


def differences(
    one: Any, other: Any, added: Sequence[Any] = (), left_out: Sequence[str] = (), at: str = ""
) -> Iterator[Difference]:
    """Yield the places where another reading differs from one, but for those that are left out.

    A place of the other that holds exactly an added value is no difference where the one has
    nothing, null, or the empty string; a list closes up over such an item. `at` is the place of
    both readings.
    """
    if (one is ABSENT or one is None or one == "") and _is_added(other, added):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        names = dict.fromkeys((*one, *other))
        parts = [(token(name), one.get(name, ABSENT), other.get(name, ABSENT)) for name in names]
    elif isinstance(one, list) and isinstance(other, list):
        if len(other) > len(one):
            other = [item for item in other if not _is_one_of(added, item)]
        pairs = itertools.zip_longest(one, other, fillvalue=ABSENT)
        parts = [(str(index), a, b) for index, (a, b) in enumerate(pairs)]
    else:
        if not _is_equal(one, other) and not is_within(at, left_out):
            yield Difference(at, _show(one), _show(other))
        return
    for name, a, b in parts:
        yield from differences(a, b, added, left_out, f"{at}/{name}")


def _is_added(value: Any, added: Sequence[Any]) -> bool:
    """Say whether a value is an added one, or holds added ones alone."""
    if _is_one_of(added, value):
        return True
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(held) and all(_is_added(item, added) for item in held)


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
    return f"{_BY_NAME}; if it is meant to differ, give {options}"


def leaves(value: Any, at: str = "") -> Iterator[str]:
    """Yield the JSON Pointer of each value in a reading that holds no other."""
    held = enumerate(value) if isinstance(value, list) else ()
    items = list(value.items() if isinstance(value, dict) else held)
    if not items:
        yield at
    for name, item in items:
        yield from leaves(item, f"{at}/{token(name)}")
