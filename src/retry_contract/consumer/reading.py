"""What a Python callable made of a payload, as JSON values that can be compared."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import re
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

_DEEPEST = 25
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLAIN = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_OPAQUE = (type, float, bytes, enum.Enum, *_PLAIN)


def reading(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON values: an object by its fields, anything opaque by its repr.

    Of what cannot be looked into, only the type is told, and all around it is read.
    """
    try:
        return _read(value, depth)
    except Exception:
        return type(value).__qualname__


def _read(value: Any, depth: int) -> Any:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if depth > _DEEPEST:
        return "…"
    members = _members(value)
    if members is not None:
        return {str(k): reading(v, depth + 1) for k, v in members.items()}
    if isinstance(value, list | tuple):
        return [reading(item, depth + 1) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((reading(item, depth + 1) for item in value), key=repr)
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return str(value) if isinstance(value, _PLAIN) else _ADDRESS.sub("", repr(value))


def _members(value: Any) -> Mapping[Any, Any] | None:
    """Return the members of a mapping, or the fields of an object; None of anything else."""
    if isinstance(value, Mapping):
        return value
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
    shown = {n: getattr(value, n) for n in names if not n.startswith("_") and hasattr(value, n)}
    return shown or None


def _slots(kind: type) -> list[str]:
    slots = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    slots.append(getattr(kind, "__struct_fields__", ()))
    return [name for group in slots for name in ([group] if isinstance(group, str) else group)]
