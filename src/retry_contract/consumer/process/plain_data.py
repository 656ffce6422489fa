"""What the user's code returned or raised, as plain data."""

import contextlib
import datetime
import decimal
import enum
import functools
import itertools
import sys
import traceback
import types
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from retry_contract.privacy.descriptions import token
from retry_contract.privacy.user_errors import is_installed, last_line, place_of

_DEEPEST, _MOST = 25, 5_000
"""How deep, and at how many values, what was returned is looked into: some hold each other."""
_BY_VALUE = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_NO_DATA = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.MethodType)
_PROPERTIES = (property, functools.cached_property)
_SCALARS: Any = ((bool, bool), (int, int.__int__), (float, float.__float__), (str, str.__str__))
"""What a value is, not what a subclass shows itself as."""
_BUILT = (".__init__()", ".__new__()")
_MARKS = {"attrs": "__attrs_attrs__", "dataclass": "__dataclass_fields__", "namedtuple": "_fields"}
"""The attribute by which a class is known to be of a kind."""
_LONGEST_TEXT, _LONGEST_TRACE = 10_000, 50_000


def reading(value: Any) -> tuple[Any, list[str]]:
    """Return a value as JSON values, and the JSON Pointers at which nothing can be compared."""
    opaque, count = list[str](), itertools.count()
    read = _reading(value, "", (), opaque, count)
    if next(count) > _MOST:
        return f"({type(value).__qualname__} of more than {_MOST} values)", [""]
    return read, opaque


def _reading(
    value: Any, at: str, within: tuple[int, ...], opaque: list[str], count: Iterator[int]
) -> Any:
    """Return the value at a place; `within` are the objects around it."""

    def read(inner: Any, name: Any) -> Any:
        return _reading(inner, f"{at}/{token(name)}", (*within, id(value)), opaque, count)

    try:
        if next(count) < _MOST and id(value) not in within and len(within) < _DEEPEST:
            return _read(value, read)
    except BaseException:  # a property or an iterator may raise, or exit
        pass
    if len(opaque) < _MOST:
        opaque.append(at)
    return f"({type(value).__qualname__})"


def _read(value: Any, read: Callable[[Any, Any], Any]) -> Any:
    """Return a value as JSON values. Raises TypeError if nothing in it can be compared."""
    if isinstance(value, enum.Enum):
        value = value.value
    for kind, plain in _SCALARS:
        if isinstance(value, kind):
            return plain(value)
    if value is None:
        return None
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, _BY_VALUE):
        return str(value)
    if (members := _members(value)) is not None:
        items = itertools.islice(members.items(), _MOST)
        return {str(name): read(held, name) for name, held in items}
    if isinstance(value, AbstractSet):
        return sorted((read(item, "-") for item in itertools.islice(value, _MOST)), key=repr)
    if isinstance(value, Sequence):
        return [read(item, index) for index, item in enumerate(itertools.islice(value, _MOST + 1))]
    raise TypeError("no plain data")


def _members(value: Any) -> Mapping[Any, Any] | None:
    """Return the members of a mapping, or the public attributes of an object; else None.

    The properties of the user's own classes are public attributes too.
    """
    kind: Any = type(value)
    own = {name: getattr(value, name) for name in _own_properties(kind) if _has(value, name)}
    if isinstance(value, Mapping):
        return {**value, **own} if own else value
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return {**dict(zip(names, value, strict=False)), **own} if names else None
    if isinstance(value, _NO_DATA):
        return None
    if isinstance(value, Sequence | AbstractSet):
        # sqlite3.Row says that it is one, and is read by its columns.
        row: Any = value
        return dict(zip(row.keys(), row, strict=True)) if hasattr(row, "keys") else None
    return {**_attributes(value), **own} or None


def _attributes(value: Any) -> dict[str, Any]:
    kind, held = type(value), getattr(value, "__dict__", {})
    slots = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    slots.append(getattr(kind, "__struct_fields__", ()))
    names = [n for group in slots for n in ([group] if isinstance(group, str) else group)]
    extra = getattr(value, "__pydantic_extra__", None) or {}
    public = [name for name in (*held, *names) if not name.startswith("_")]
    return {**{n: getattr(value, n) for n in public if _has(value, n)}, **extra}


@functools.cache
def _own_properties(kind: Any) -> tuple[str, ...]:
    """Return the public properties of a class that are defined in the user's own code."""
    files = ((b, getattr(sys.modules.get(b.__module__), "__file__", None)) for b in kind.__mro__)
    own = (base for base, file in files if isinstance(file, str) and not is_installed(file))
    found = (name for base in own for name, v in vars(base).items() if isinstance(v, _PROPERTIES))
    return tuple(dict.fromkeys(name for name in found if not name.startswith("_")))


def _has(value: Any, name: str) -> bool:
    with contextlib.suppress(BaseException):  # a property may exit
        return hasattr(value, name)
    return False


def detail_of(error: BaseException) -> dict[str, Any]:
    """Return an error as members of an `Attempt`; of a group, the first error that it holds."""
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    text, trace = last_line(leaf)[:_LONGEST_TEXT], ""
    with contextlib.suppress(BaseException):  # to show an exception may run the user's code
        trace = "".join(traceback.format_exception(error))[-_LONGEST_TRACE:]
    clues = sorted(_clues(error, leaf, text))
    return {"error": text, "where": place_of(error), "clues": clues, "trace": trace}


def _clues(error: BaseException, leaf: BaseException, text: str) -> set[str]:
    """Return the top-level modules in an error's traceback, and the kind of the class it names."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    inner = [frame for frame, _ in traceback.walk_tb(leaf.__traceback__)]
    modules = {str(frame.f_globals.get("__name__", "")) for frame in frames}
    modules |= {kind.__module__ for e in (error, leaf) for kind in type(e).__mro__}
    clues = {name.partition(".")[0] for name in modules if name}
    if built := next((text.partition(mark)[0] for mark in _BUILT if mark in text), ""):
        clues |= {_kind_of(frame, built.split()[-1]) for frame in inner}
    return clues - {"", "builtins", "retry_contract"}


def _kind_of(frame: types.FrameType, name: str) -> str:
    known = {**frame.f_globals, **frame.f_locals}
    short = name.rpartition(".")[2]
    # By the real type of each: `isinstance` asks `__class__`, which a proxy computes.
    found = [v for v in known.values() if issubclass(type(v), type) and v.__name__ == short]
    return next((k for k, mark in _MARKS.items() for v in found if hasattr(v, mark)), "")
