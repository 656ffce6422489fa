"""Descriptions instead of content, so that a report cannot leak what a response holds."""

import re
from collections.abc import Iterable, Sized

from retry_contract.privacy.published import MESSAGE_STATUSES

_LONGEST_NAME, _LONGEST_ERROR, _LONGEST_LINE = 60, 300, 10_000
"""In characters. A line is cut to `_LONGEST_ERROR` only after secrets are taken out of it."""

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
        case str() if value in MESSAGE_STATUSES:
            return f'"{value}"'
        case str():
            shape = next((name for pattern, name in _SHAPES if re.fullmatch(pattern, value)), None)
            return shape or _size("a string", "character", value)
        case list():
            return _size("an array", "item", value)
        case dict():
            return _size("an object", "member", value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def _size(name: str, unit: str, value: Sized) -> str:
    return f"{name} of {len(value)} {unit}{'' if len(value) == 1 else 's'}"


def describe_other(value: object) -> str:
    """Describe a JSON value that differs from the expected one: `another string …`."""
    return re.sub(r"^an? (string|array|object|number|boolean)\b", r"another \1", describe(value))


def escape(text: str) -> str:
    """Escape each character that steers a terminal or breaks the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cut(text: str, longest: int = _LONGEST_ERROR) -> str:
    """Return a text, cut to at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escape_name(name: str) -> str:
    """Return the name of a member, escaped and cut for a terminal."""
    return cut(escape(name), _LONGEST_NAME)


def one_line(text: str) -> str:
    """Return a text as one escaped line, cut to a length far above what is shown."""
    lines = (line.strip() for line in text[: 2 * _LONGEST_LINE].splitlines())
    return cut(escape("; ".join(line for line in lines if line)), _LONGEST_LINE)


def pointer(parts: Iterable[str | int]) -> str:
    """Join the parts of a path to a JSON Pointer (RFC 6901), each escaped and cut."""
    return "".join("/" + escape_name(token(part)) for part in parts)


def token(part: object) -> str:
    """Return one part of a path as JSON Pointer writes it."""
    return str(part).replace("~", "~0").replace("/", "~1")
