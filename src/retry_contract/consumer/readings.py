"""Readings of a reply as JSON values, and the texts in them."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Iterator
from typing import Any

ABSENT = object()
"""The value of a member that is not there."""
OWN, PRIVATE = "(its own)", "(private)"
"""Members of the reading of an object, where its whole is read; the latter within the former."""


def without(value: Any, name: str) -> Any:
    """Return JSON values without the members of a name."""
    if isinstance(value, dict):
        return {n: without(item, name) for n, item in value.items() if n != name}
    return [without(item, name) for item in value] if isinstance(value, list) else value


def strings(value: Any) -> Iterator[str]:
    """Yield the strings in JSON values, but not the names of members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def decoded(value: Any) -> Any:
    """Return the object or array that a text is, in JSON or Python; any other value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        for decode in (json.loads, _literal):
            with contextlib.suppress(ValueError, SyntaxError, TypeError, RecursionError):
                return decode(value)
    return value


def _literal(text: str) -> Any:
    """Read what `repr` wrote, as JSON values."""
    return json.loads(json.dumps(ast.literal_eval(text), default=repr))
