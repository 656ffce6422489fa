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
from retry_contract.consumer.readings import OWN, PRIVATE

_DEEPEST = 25
_MOST = 5_000
"""How many objects are looked into: those that hold each other have no end."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLAIN = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_PROPERTIES = (property, functools.cached_property)
_COPIED = (Mapping, AbstractSet, list, tuple)
"""What in private may be a copy of the reply, and is no reading of it."""
_SINGLE = (bool, int, float, str, enum.Enum, type(None))
_ITEMS = (list, AbstractSet, type, enum.Enum, *_PLAIN)
_OPAQUE = (type, float, bytes, enum.Enum, *_PLAIN)


def reading(value: Any, *, whole: bool = False) -> Any:
    """Return a value as JSON values: an object by its fields, anything opaque by its repr.

    Of what cannot be looked into, only the type is told, and all around it is read. With the
    `whole` of an object goes, under OWN, what its caller may ask it for, and what it keeps.
    """
    return _reading(value, _Around(itertools.count(), whole=whole))


@dataclasses.dataclass(frozen=True)
class _Around:
    """The objects around a value, which it may hold in its turn, and how much was read so far."""

    count: Iterator[int]
    within: tuple[int, ...] = ()
    whole: bool = False

    def full(self, value: Any) -> bool:
        most = len(self.within) > _DEEPEST or next(self.count) > _MOST
        return most or id(value) in self.within

    def and_(self, value: Any) -> _Around:
        return _Around(self.count, (*self.within, id(value)), self.whole)


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
    if around.whole and is_own_class(type(value)) and not isinstance(value, _ITEMS):
        members = {**(members or {}), OWN: _own(value)}
    if members is not None:
        return {str(k): _reading(v, inside) for k, v in members.items()}
    if isinstance(value, list | tuple):
        return [_reading(item, inside) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((_reading(item, inside) for item in value), key=repr)
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return str(value) if isinstance(value, _PLAIN) else _ADDRESS.sub("", repr(value))


def _own(value: Any) -> Mapping[str, Any]:
    """Return the class of an object, whether it is true, its properties, and what is private."""
    kind = type(value)
    asked = {**dict(_computed(value)), "class": kind.__qualname__}
    if any("__bool__" in vars(base) or "__len__" in vars(base) for base in _own_classes(kind)):
        asked["bool"] = bool(value)
    hidden = getattr(value, "__pydantic_private__", None) or ()
    names = [*getattr(value, "__dict__", ()), *hidden]
    private = {n: getattr(value, n, None) for n in names if n.startswith("_")}
    return {**asked, PRIVATE: private}


def _own_classes(kind: type) -> list[type]:
    return [base for base in kind.__mro__ if is_own_class(base)]


def _members(value: Any) -> Mapping[Any, Any] | None:
    """Return the members of a mapping, or the fields of an object; None of anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, sqlite3.Row):
        return dict(zip(value.keys(), value, strict=True))
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
    own = [vars(base) for base in reversed(_own_classes(type(value)))]
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
