"""Reads the body of a response as strict JSON (RFC 8259), or describes what is wrong with it."""

import codecs
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retry_contract.outcome import SHOWN, Drift, Violation
from retry_contract.privacy.descriptions import escape_name, pointer

_Path = tuple[str | int, ...]

DEEPEST = 200
"""The most levels of arrays and objects. RFC 8259, section 9, lets a reader set a limit."""

MOST_VALUES = 100_000
"""The most values of one document, arrays and objects among them: a message has about twenty."""

_BLOCK = 65_536
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True)
class Document:
    """The payload of a body, or the violation that there is none.

    `more` is how much drift there is that `drift` leaves out. `too_many` says that the body was not
    read, since it holds too many values.
    """

    payload: Any = None
    violations: tuple[Violation, ...] = ()
    drift: tuple[Drift, ...] = ()
    more: int = 0
    too_many: bool = False


class _InvalidBody(ValueError):
    """A body that is no JSON document. The message describes it."""


class _TooManyValues(_InvalidBody):
    """A body with more values than are read."""


def read_document(body: bytes, most: int = MOST_VALUES) -> Document:
    """Read a body. A byte order mark and a duplicate key are drift: readers differ over them.

    Only the first duplicate keys are named. More than `most` values are not read.
    """
    begin = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    mark = (Drift("", "begins with a byte order mark"),) if begin else ()
    try:
        payload, duplicates, more = _load(_decode(body, begin, most))
    except _InvalidBody as error:
        expected, actual = "one JSON document in UTF-8 (RFC 8259)", str(error)
        violation = Violation("body-is-json", "", f"the body is {actual}", expected, actual)
        return Document(violations=(violation,), too_many=isinstance(error, _TooManyValues))
    return Document(payload, drift=(*mark, *duplicates), more=more)


def _decode(body: bytes, begin: int, most: int) -> str:
    if body.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _InvalidBody("UTF-32 text")
    marked = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or (body[:2].count(0) == 1 and len(body) % 2 == 0):
        raise _InvalidBody("UTF-16 text, as the > of Windows PowerShell 5.1 writes it")
    body = body[begin:]
    if not body or body.isspace():
        raise _InvalidBody("only white space" if body else "empty")
    _check_size(body, most)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _InvalidBody(f"text that is not UTF-8 (at byte {begin + error.start})") from None


def _load(text: str) -> tuple[Any, list[Drift], int]:
    """Return the payload, the first duplicate keys, and how many more there are."""
    duplicates: list[tuple[dict[str, Any], list[str]]] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            duplicates.append((value, sorted(name for name in counts if counts[name] > 1)))
        return value

    def constant(name: str) -> Any:
        raise _InvalidBody(f"{name}, which JSON does not have")

    def number(digits: str) -> int | float:
        return int(digits) if len(digits) < 400 else float(digits)

    hooks: Any = {"object_pairs_hook": members, "parse_constant": constant, "parse_int": number}
    try:
        payload = json.loads(text, **hooks)
    except json.JSONDecodeError as error:
        raise _InvalidBody(_describe(text, error)) from None
    places = dict(_places(payload, ())) if duplicates else {}
    found = ((value, name) for value, names in duplicates for name in names)
    drift = [
        Drift(pointer([*places.get(id(value), ()), name]), "duplicate key")
        for value, name in itertools.islice(found, SHOWN)
    ]
    return payload, drift, sum(1 for _ in found)


def _places(value: Any, path: _Path) -> Iterator[tuple[int, _Path]]:
    """Yield the identity and the path of each object."""
    if isinstance(value, dict):
        yield id(value), path
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(member, (*path, key))


def _describe(text: str, error: json.JSONDecodeError) -> str:
    where = f"line {error.lineno}, column {error.colno}"
    if text.lstrip()[:1] == "<":
        return "HTML or XML"
    if error.msg == "Extra data":
        return f"more than one JSON document (the second at {where})"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"JSON that is cut off (at {where})"
    return f"not JSON ({escape_name(error.msg.removesuffix(' at'))} at {where})"


def _check_size(body: bytes, most: int) -> None:
    """Raise _InvalidBody if a body is nested too deeply, or holds too many values, to be read.

    It is one pass, by blocks: what Python makes of a body can be fifty times as large.
    """
    opened = body.count(b"[") + body.count(b"{")
    if opened <= DEEPEST and opened + body.count(b",") < most:
        return
    depth, values = 0, 1
    for block in _outside_strings(body):
        brackets = block.translate(None, _NO_BRACKET)
        steps = (1 if b in b"[{" else -1 for b in brackets)
        depths = list(itertools.accumulate(steps, initial=depth))
        if max(depths) > DEEPEST:
            raise _InvalidBody(f"JSON nested deeper than {DEEPEST} levels")
        values += sum(map(block.count, (b",", b"[", b"{")))
        if values > most:
            raise _TooManyValues(f"JSON of more than {most:,} values")
        depth = depths[-1]
        if min(depths) < 0:
            return  # which is no JSON: reading it shows where


def _outside_strings(body: bytes) -> Iterator[bytes]:
    """Yield what stands outside the strings of a JSON text, in blocks."""
    inside, carry = 0, b""
    for start in range(0, len(body), _BLOCK):
        block = (carry + body[start : start + _BLOCK]).replace(b"\\\\", b"")
        # A backslash at the end escapes what the next block begins with.
        carry = b"\\" if block.endswith(b"\\") else b""
        parts = block.removesuffix(b"\\").replace(b'\\"', b"").split(b'"')
        yield b"".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2
