"""Reads the body of a response as strict JSON (RFC 8259), or describes what is wrong with it."""

import codecs
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retry_contract.outcome import Drift, Violation
from retry_contract.privacy.descriptions import escape_name, pointer

_Path = tuple[str | int, ...]

DEEPEST = 200
"""The most levels of arrays and objects. RFC 8259, section 9, lets a reader set a limit."""

_EXPECTED = "one JSON document in UTF-8 (RFC 8259)"
# Never backtracks, and matches a string without an end too: any body costs one pass.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True)
class Document:
    """The payload of a body, or the violation that there is none."""

    payload: Any = None
    violations: tuple[Violation, ...] = ()
    drift: tuple[Drift, ...] = ()


class _InvalidBody(ValueError):
    """A body that is no JSON document. The message describes it."""


def read_document(body: bytes) -> Document:
    """Read a body. Bytes that are not one JSON document break `body-is-json`.

    A byte order mark and a duplicate key are drift: readers differ over them.
    """
    begin = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    mark = (Drift("", "begins with a byte order mark"),) if begin else ()
    try:
        payload, duplicates = _load(_decode(body, begin))
    except _InvalidBody as error:
        actual = str(error)
        violation = Violation("body-is-json", "", f"the body is {actual}", _EXPECTED, actual)
        return Document(violations=(violation,))
    return Document(payload, drift=(*mark, *duplicates))


def _decode(body: bytes, begin: int) -> str:
    if body.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _InvalidBody("UTF-32 text")
    marked = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or (body[:2].count(0) == 1 and len(body) % 2 == 0):
        raise _InvalidBody("UTF-16 text, as the > of Windows PowerShell 5.1 writes it")
    body = body[begin:]
    if not body.strip():
        raise _InvalidBody("only white space" if body else "empty")
    if _depth(body) > DEEPEST:
        raise _InvalidBody(f"JSON nested deeper than {DEEPEST} levels")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _InvalidBody(f"text that is not UTF-8 (at byte {begin + error.start})") from None


def _load(text: str) -> tuple[Any, list[Drift]]:
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
    return payload, [
        Drift(pointer([*places.get(id(value), ()), name]), "duplicate key")
        for value, names in duplicates
        for name in names
    ]


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


def _depth(body: bytes) -> int:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return 0
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKET)
    return max(itertools.accumulate(1 if b in b"[{" else -1 for b in brackets), default=0)
