"""Descriptions instead of content, so that a report cannot leak what a response held."""

from __future__ import annotations

import re
from collections.abc import Iterable

KNOWN_STATUSES = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success", "failure")
"""Message statuses are published words, so they may be quoted."""

_LONGEST_NAME = 60
_LONGEST_ERROR, _LONGEST_KEPT = 300, 10_000
"""The most characters of an error that are shown; and that are kept until it holds no secret."""

_SHAPES = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date without a time"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+", "a timestamp without an offset"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+\S*", "a timestamp with a space instead of T"),
    (r"\+[0-9]+", "digits with a plus sign"),
)


def describe(value: object) -> str:
    """Describe a JSON value by its type and size: `a string of 44 characters`."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case "":
            return "an empty string"
        case str() if value in KNOWN_STATUSES:
            return f'"{value}"'
        case str():
            return _shape(value) or _sized("string", "character", value)
        case list():
            return _sized("array", "item", value)
        case dict():
            return _sized("object", "member", value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def describe_other(value: object) -> str:
    """Describe a JSON value that differs from the one that was expected."""
    text = describe(value)
    return re.sub(r"^an? (string|array|object|number|boolean)\b", r"another \1", text)


def printable(name: str) -> str:
    """Return a member's name fit for a terminal: no control characters, of a bounded length."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return safe if len(safe) <= _LONGEST_NAME else safe[: _LONGEST_NAME - 1] + "…"


def pointer(parts: Iterable[str | int]) -> str:
    """Join the parts of a path to a JSON Pointer (RFC 6901), printable."""
    return "".join("/" + printable(token(part)) for part in parts)


def token(part: object) -> str:
    """Return a part of a path as it stands in a JSON Pointer."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _shape(text: str) -> str | None:
    return next((name for pattern, name in _SHAPES if re.fullmatch(pattern, text)), None)


def _sized(kind: str, unit: str, value: str | list[object] | dict[str, object]) -> str:
    article = "a" if kind == "string" else "an"
    plural = "" if len(value) == 1 else "s"
    return f"{article} {kind} of {len(value)} {unit}{plural}"


def one_line(text: str) -> str:
    """Return a text on one printable line, of a bounded length that is far more than is shown."""
    lines = (line.strip() for line in text[: 2 * _LONGEST_KEPT].splitlines())
    joined = "; ".join(line for line in lines if line)
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in joined)
    return cut(safe, _LONGEST_KEPT)


def cut(text: str, longest: int = _LONGEST_ERROR) -> str:
    """Return a text, or the beginning of one that is too long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
