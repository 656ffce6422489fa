"""Files that are no saved response, by size in bytes: of many values, and of few."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "schemas" / "after-2025-02-24" / "examples" / "valid" / "the-page.json"
RESPONSE = json.loads(PAGE.read_text(encoding="utf-8"))
NESTED = '{"creatorId":{}}'


def with_member(name: str, value: str) -> str:
    others = {key: member for key, member in RESPONSE.items() if key != name}
    return f'{json.dumps(others)[:-1]},"{name}":{value}}}'


def members(number: int, value: str = "0", prefix: str = "m") -> str:
    return ",".join(f'"{prefix}{index:07d}":{value}' for index in range(number))


def repeated(number: int, value: str = "0", prefix: str = "m") -> str:
    """As so many members, from a thousand names: a large text costs this process little memory."""
    return ",".join([members(1_000, value, prefix)] * (number // 1_000))


MANY: dict[str, Callable[[int], str]] = {
    "small values": lambda size: "[" + "0," * (size // 2) + "0]",
    "small objects": lambda size: "[" + "{}," * (size // 3) + "0]",
    "attempts": lambda size: with_member("attempts", "[" + '{"x":0},' * (size // 8) + "0]"),
    "values": lambda size: with_member("values", f"{{{repeated(size // 13)}}}"),
    "undocumented members": lambda size: f"{json.dumps(RESPONSE)[:-1]},{repeated(size // 13)}}}",
    "names in other cases": lambda size: f"{{{repeated(size // 28, NESTED, 'ID')}}}",
    "one name twice": lambda size: "{" + '"a":0,' * (size // 6) + '"a":0}',
    "names twice in each of many": lambda size: "[" + '{"a":0,"a":0},' * (size // 14) + "0]",
    "nested within bounds": lambda size: "[" + ("[" * 190 + "]" * 190 + ",") * (size // 381) + "0]",
}
FEW: dict[str, Callable[[int], str]] = {
    "a string": lambda size: with_member("fullMessage", f'"{"a" * size}"'),
    "digits": lambda size: with_member("recipient", f'"{"6" * size}"'),
    "a timestamp": lambda size: with_member("createdAt", f'"2025-02-24T00:00:00.{"0" * size}"'),
    "a number": lambda size: with_member("values", f'{{"a":{"9" * size}}}'),
    "nested too deeply": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "objects nested too deeply": lambda size: '{"a":' * (size // 6) + "0" + "}" * (size // 6),
    "white space": lambda size: " " * size,
    "blank lines": lambda size: "\n" * size + "x",
    "quotes": lambda size: '"' * size,
    "backslashes": lambda size: '"' + "\\" * size,
}
