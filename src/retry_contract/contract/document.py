"""Reads the body of a response as strict JSON (RFC 8259), and describes what is wrong with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retry_contract.outcome import Drift, Violation
from retry_contract.privacy.descriptions import escape_name, pointer

RULE = "body-is-json"
DEEPEST = 200
"""How many levels of arrays and objects are read; RFC 8259, section 9, lets a reader set one."""

_EXPECTED = "one JSON document in UTF-8 (RFC 8259)"
_UTF32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_UTF16 = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_BOM = b"\xef\xbb\xbf"
# Never backtracks and takes an unended string too, so that no body costs more than one pass.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True)
class Document:
    """A body that was read: its payload, or why there is none."""

    payload: Any = None
    violations: tuple[Violation, ...] = ()
    drift: tuple[Drift, ...] = ()


class _Refused(ValueError):
    """A body that is no JSON document; the message describes it."""


def read_document(body: bytes) -> Document:
    """Read a body. Bytes that are not one JSON document break `body-is-json`.

    A byte order mark and a duplicate key are drift: readers differ over them.
    """
    drift: list[Drift] = []
    try:
        text = _decode(body, drift)
        payload = _load(text, drift)
    except _Refused as refused:
        return Document(violations=(_violation(str(refused)),))
    return Document(payload, drift=tuple(drift))


def _decode(body: bytes, drift: list[Drift]) -> str:
    if body.startswith(_UTF32):
        raise _Refused("UTF-32 text")
    for mark, name in _UTF16:
        if body.startswith(mark) or (body[:2].count(0) == 1 and len(body) % 2 == 0):
            raise _Refused(f"{name} text, as the > of Windows PowerShell 5.1 writes it")
    begin = len(_BOM) if body.startswith(_BOM) else 0
    if begin:
        drift.append(Drift("", "begins with a byte order mark"))
        body = body[begin:]
    if not body.strip():
        raise _Refused("only white space" if body else "empty")
    if _depth(body) > DEEPEST:
        raise _Refused(f"JSON nested deeper than {DEEPEST} levels")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Refused(f"text that is not UTF-8 (at byte {begin + error.start})") from None


def _load(text: str, drift: list[Drift]) -> Any:
    repeated: list[tuple[dict[str, Any], list[str]]] = []

    def pairs(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(members)
        if len(read) < len(members):
            names = Counter(name for name, _ in members)
            repeated.append((read, sorted(name for name in names if names[name] > 1)))
        return read

    def constant(name: str) -> Any:
        raise _Refused(f"{name}, which JSON does not have")

    try:
        payload = json.loads(
            text, object_pairs_hook=pairs, parse_constant=constant, parse_int=_number
        )
    except json.JSONDecodeError as error:
        raise _Refused(_describe(text, error)) from None
    if repeated:
        places = {id(value): path for path, value in _objects(payload, [])}
        drift.extend(
            Drift(pointer([*places.get(id(read), []), name]), "duplicate key")
            for read, names in repeated
            for name in names
        )
    return payload


def _objects(value: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], Any]]:
    if isinstance(value, dict):
        yield path, value
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _objects(member, [*path, key])


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float(digits)


def _describe(text: str, error: json.JSONDecodeError) -> str:
    where = f"line {error.lineno}, column {error.colno}"
    if text.lstrip()[:1] == "<":
        return "HTML or XML"
    if error.msg == "Extra data":
        return f"more than one JSON document (the second at {where})"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"JSON that is cut off (at {where})"
    problem = escape_name(error.msg.removesuffix(" at"))
    return f"not JSON ({problem} at {where})"


def _depth(body: bytes) -> int:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return 0
    deepest = depth = 0
    for byte in _STRING.sub(b"", body).translate(None, _NO_BRACKET):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _violation(actual: str) -> Violation:
    return Violation(RULE, "", f"the body is {actual}", _EXPECTED, actual)
