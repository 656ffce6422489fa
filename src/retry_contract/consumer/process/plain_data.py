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
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from retry_contract.consumer.process.attempt import (
    LONGEST_ERROR,
    LONGEST_READING,
    LONGEST_TRACE,
    TOO_LARGE,
)
from retry_contract.privacy.descriptions import cut, token
from retry_contract.privacy.user_errors import is_installed, last_line, place_of

_DEEPEST, _MOST = 25, 5_000
"""How deep, and at how many values, what was returned is looked into: some hold each other."""
_BY_VALUE = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_NO_DATA = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.MethodType)
_PROPERTIES = (property, functools.cached_property)
_SCALARS: Any = ((bool, bool), (int, int.__int__), (float, float.__float__), (str, str.__str__))
"""What a value is, not what a subclass shows itself as."""
_NUMBERS_AND_TEXT = (bool, int, float, str)
_BUILT = (".__init__()", ".__new__()")
_MARKS = {"attrs": "__attrs_attrs__", "dataclass": "__dataclass_fields__", "namedtuple": "_fields"}
"""The attribute by which a class is known to be of a kind."""
_LONGEST_KIND, _LONGEST_MESSAGES, _MOST_CAUSES, _MOST_FRAMES = 200, 2**20, 100, 1_000


class _TooLarge(Exception):
    """More was returned than is compared; the message is what stands for it."""


class _Room:
    """How many more values, and characters, a reading may have. What is past it is not copied."""

    def __init__(self) -> None:
        self._values, self._characters = _MOST, LONGEST_READING

    def add_value(self, whole: Any) -> None:
        """Count a value. Raises _TooLarge."""
        self._values -= 1
        if self._values < 0:
            raise _TooLarge(f"({_kind(whole)} of more than {_MOST} values)")

    def add_text(self, text: Any) -> Any:
        """Count a text, or bytes, and return it. Raises _TooLarge."""
        self._characters -= len(text)
        if self._characters < 0:
            raise _TooLarge(TOO_LARGE)
        return text


def reading(value: Any) -> tuple[Any, list[str]]:
    """Return a value as JSON values, and the JSON Pointers at which nothing can be compared."""
    opaque = list[str]()
    try:
        return _Reader(value, opaque, _Room()).read(value, "", ()), opaque
    except _TooLarge as large:
        return str(large), [""]


def run_to_end(items: Iterator[Any], most: int) -> list[Any]:
    """Run what is lazy, over `most` items, and return those that there is room for and one more.

    What it breaks on, it breaks on only when it runs.
    """
    kept, room, is_full = list[Any](), _Room(), False
    for item in itertools.islice(items, most):
        if is_full:
            continue
        kept.append(item)
        try:
            _Reader(kept, [], room).read(item, "", ())
        except _TooLarge:
            is_full = True
    return kept


class _Reader:
    """Reads the values of a `whole`, and notes the places that are `opaque`."""

    def __init__(self, whole: Any, opaque: list[str], room: _Room) -> None:
        self._whole, self._opaque, self._room = whole, opaque, room

    def read(self, value: Any, at: str, within: tuple[int, ...]) -> Any:
        """Return the value at a place; `within` are the objects around it. Raises _TooLarge."""
        try:
            self._room.add_value(self._whole)
            if id(value) not in within and len(within) < _DEEPEST:
                return self._plain(value, at, (*within, id(value)))
        except _TooLarge:
            raise
        except BaseException:  # a property or an iterator may raise, or exit
            pass
        self._opaque.append(self._room.add_text(at))
        return f"({_kind(value)})"

    def _plain(self, value: Any, at: str, within: tuple[int, ...]) -> Any:
        """Return a value as JSON values. Raises TypeError if nothing in it can be compared."""

        def read(inner: Any, name: Any) -> Any:
            return self.read(inner, f"{at}/{token(name)}", within)

        if isinstance(value, enum.Enum):
            value = value.value
        if value is None or isinstance(value, _NUMBERS_AND_TEXT):
            return self._scalar(value)
        if isinstance(value, bytes | bytearray):
            return bytes(self._room.add_text(value)).decode("utf-8", "backslashreplace")
        if isinstance(value, _BY_VALUE):
            return self._room.add_text(str(value))
        if (members := _members(value)) is not None:
            return {
                self._room.add_text(str(name)): read(held, name) for name, held in members.items()
            }
        if isinstance(value, AbstractSet):
            return sorted((read(item, "-") for item in value), key=repr)
        if isinstance(value, Sequence):
            return [read(item, index) for index, item in enumerate(value)]
        raise TypeError("no plain data")

    def _scalar(self, value: Any) -> Any:
        for kind, plain in _SCALARS:
            if isinstance(value, kind):
                return self._room.add_text(plain(value)) if kind is str else plain(value)
        return None


def _kind(value: Any) -> str:
    return cut(type(value).__qualname__, _LONGEST_KIND)


def _members(value: Any) -> Mapping[Any, Any] | None:
    """Return the members of a mapping, or the public attributes of an object; else None.

    The properties of the user's own classes are public attributes too.
    """
    kind: Any = type(value)
    own = {name: getattr(value, name) for name in _own_properties(kind) if _has(value, name)}
    if isinstance(value, Mapping):
        return {**dict(itertools.islice(value.items(), _MOST + 1)), **own} if own else value
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
    public = (name for name in itertools.chain(held, names) if not name.startswith("_"))
    some = itertools.islice(public, _MOST + 1)
    return {**{n: getattr(value, n) for n in some if _has(value, n)}, **extra}


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
    text, trace = last_line(leaf)[:LONGEST_ERROR], ""
    with contextlib.suppress(BaseException):  # to show an exception may run the user's code
        trace = _trace_of(error, text)[-LONGEST_TRACE:]
    clues = sorted(_clues(error, leaf, text))
    return {"error": text, "where": place_of(error), "clues": clues, "trace": trace}


def _trace_of(error: BaseException, text: str) -> str:
    """Return a traceback; without its causes, if these or their messages are too many to copy."""
    causes = [*itertools.islice(_causes(error), _MOST_CAUSES)]
    size = sum(len(str(e)) + sum(map(len, getattr(e, "__notes__", ()))) for e in causes)
    if len(causes) < _MOST_CAUSES and size <= _LONGEST_MESSAGES:
        return "".join(traceback.format_exception(error, limit=-_MOST_FRAMES))
    return "".join([*traceback.format_tb(error.__traceback__, -_MOST_FRAMES), text])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and those that it came from or holds."""
    left, seen = [error], set[int]()
    while left:
        found = left.pop()
        if id(found) not in seen:
            seen.add(id(found))
            yield found
            held = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
            left += filter(None, (found.__cause__, found.__context__, *held[:_MOST_CAUSES]))


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
