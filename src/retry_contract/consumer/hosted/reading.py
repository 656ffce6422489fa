"""What a Python callable made of a payload, as JSON values that can be compared."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import itertools
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from retry_contract.consumer.hosted.installed import is_own_class

_DEEPEST = 25
_MOST = 5_000
"""How many objects are looked into: those that hold each other have no end."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLAIN = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_PROPERTIES = (property, functools.cached_property)
_COPIED = (Mapping, AbstractSet, list, tuple)
"""What in private may be a copy of the reply, and is no reading of it."""
_SINGLE = (bool, int, float, str, enum.Enum, type(None))
_OPAQUE = (type, float, bytes, enum.Enum, *_PLAIN)


def reading(value: Any) -> Any:
    """Return a value as JSON values: an object by its fields, anything opaque by its repr.

    Of what cannot be looked into, only the type is told, and all around it is read.
    """
    return _reading(value, _Around(itertools.count()))


@dataclasses.dataclass(frozen=True)
class _Around:
    """The objects around a value, which it may hold in its turn, and how much was read so far."""

    count: Iterator[int]
    within: tuple[int, ...] = ()

    def full(self, value: Any) -> bool:
        most = len(self.within) > _DEEPEST or next(self.count) > _MOST
        return most or id(value) in self.within

    def and_(self, value: Any) -> _Around:
        return _Around(self.count, (*self.within, id(value)))


def _reading(value: Any, around: _Around) -> Any:
    try:
        return _read(value, around)
    except BaseException:  # sys.exit of a property or of a repr too
        return type(value).__qualname__


def _read(value: Any, around: _Around) -> Any:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if around.full(value):
        return "…"
    inside = around.and_(value)
    members = _members(value)
    if members is not None:
        return {str(k): _reading(v, inside) for k, v in members.items()}
    if isinstance(value, list | tuple):
        return [_reading(item, inside) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((_reading(item, inside) for item in value), key=repr)
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return str(value) if isinstance(value, _PLAIN) else _ADDRESS.sub("", repr(value))


def _members(value: Any) -> Mapping[Any, Any] | None:
    """Return the members of a mapping, or the fields of an object; None of anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, sqlite3.Row):
        return {name: value[name] for name in value.keys()}  # noqa: SIM118 - no mapping
    if isinstance(value, _OPAQUE):
        return None
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return dict(zip(names, value, strict=False)) if names else None
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}
    return _attributes(value)


def _attributes(value: Any) -> Mapping[str, Any] | None:
    if callable(value) or isinstance(value, list | AbstractSet):
        return None
    names = [*getattr(value, "__dict__", ()), *_slots(type(value))]
    held = {n: getattr(value, n) for n in names if hasattr(value, n)}
    shown = {n: v for n, v in held.items() if not n.startswith("_")}
    return {**shown, **_hidden(value, held, alone=not shown)} or None


def _hidden(value: Any, held: Mapping[str, Any], *, alone: bool) -> Mapping[str, Any]:
    """Return what an object of the user's own class keeps to itself: its methods may tell it.

    Beside attributes that it shows, these are single values; `alone`, other objects too, and its
    properties. What libraries keep to themselves is no reading, and their properties may do
    anything.
    """
    if not is_own_class(type(value)):
        return {}
    private = {n: v for n, v in held.items() if n.startswith("_") and not n.endswith("__")}
    if not alone:
        return {n: v for n, v in private.items() if isinstance(v, _SINGLE)}
    private = {n: v for n, v in private.items() if not isinstance(v, _COPIED)}
    return private | dict(_computed(value))


def _computed(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the public properties of the user's own classes, but for those that raise."""
    own = [vars(base) for base in reversed(type(value).__mro__) if is_own_class(base)]
    found = {name: member for members in own for name, member in members.items()}
    for name, member in found.items():
        if isinstance(member, _PROPERTIES) and not name.startswith("_"):
            try:
                computed = getattr(value, name)
            except BaseException:  # sys.exit too
                continue
            yield name, computed


def _slots(kind: type) -> list[str]:
    slots = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    slots.append(getattr(kind, "__struct_fields__", ()))
    return [name for group in slots for name in ([group] if isinstance(group, str) else group)]
