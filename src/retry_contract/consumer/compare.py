"""Whether two readings of one message are equal in all but the field that was added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from retry_contract.consumer.added import Added, is_digest
from retry_contract.consumer.readings import ABSENT, decoded, strings
from retry_contract.consumer.words import is_remark, turned_bad


@dataclass(frozen=True)
class Difference:
    """A place, as a JSON Pointer, where two readings differ: known by the place, whatever they are.

    `one` and `other` are what was read there, or ABSENT.
    """

    place: str
    one: Any = field(compare=False)
    other: Any = field(compare=False)

    @property
    def values(self) -> tuple[Any, Any]:
        """Both, None where a member is not there."""
        one, other = (None if value is ABSENT else value for value in (self.one, self.other))
        return one, other


EXACT = Added({}, exact=True)


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
        items = other
        fields, more = (None if added.exact else added.by_name(it) for it in (one, other))
        if fields and more:  # in an order that JSON does not promise
            yield from _differences(fields, more, added, place)
            return
        if len(one) != len(other):
            other = [item for item in other if not added.is_member(item, beside=bool(one))]
        if len(one) != len(other):
            yield Difference(place, one, items)
            return
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, added, f"{place}/{number}")
    elif not _equal(one, other) and not _explained(place, one, other, added):
        yield Difference(place, one, other)


def _explained(place: str, one: Any, other: Any, added: Added) -> bool:
    if added.exact:
        return False
    if isinstance(one, str) and isinstance(other, str):
        if added.is_of_a_field([one, other]):
            return added.alike(one, other)
        if not added.members and added.alike(one, other):
            return True
    return added.explains(place.rpartition("/")[2], one, other)


def is_lost(difference: Difference) -> bool:
    """Say whether something was read, and of the other payload nothing: null, false, or empty."""
    one, other = difference.values
    is_number = isinstance(other, int) and not isinstance(other, bool)
    return bool(one) and not other and not is_number and not is_remark(difference.place)


def is_bad(place: Difference) -> bool:
    """Say whether what was read of the other payload tells that something is wrong."""
    return turned_bad(place.place, *place.values)


def own_words(
    places: Iterable[Difference], one: Any, other: Any, added: Added
) -> tuple[Difference, ...]:
    """Return those places where code tells something of its own, such as a version or a count.

    There no field was read, while others were read alike. To tell nothing is no word, and neither
    is to object; and the order of the fields, where none was added, may change a digest only.
    """
    if not {*strings(one)} & {*strings(other)} & added.texts.keys():
        return ()
    return tuple(place for place in places if place.place and _is_own(place, added))


def _is_own(place: Difference, added: Added) -> bool:
    both = place.values
    if is_lost(place) or is_bad(place) or (added.is_named_in(both) and not is_remark(place.place)):
        return False
    may_be = added.members or all(map(is_digest, both))
    return bool(may_be) and not any(map(added.is_of_a_field, both))


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
