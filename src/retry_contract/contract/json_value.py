"""Reads a payload of Python values as JSON, and describes what JSON has no value for."""

import math
from typing import Any

from retry_contract.contract.document import DEEPEST
from retry_contract.privacy.descriptions import escape_name

Path = tuple[str | int, ...]

_NO_JSON = "which is no JSON value"


def json_value(payload: Any) -> tuple[Any, dict[Path, str]]:
    """Return a payload as a JSON reader returns it, and by its path what is no JSON value.

    There it has null. A tuple is no JSON value, since no JSON reader returns one. A value of a
    subclass of dict, list, str, int or float is.
    """
    found: dict[Path, str] = {}
    return _copy(payload, (), (), found), found


def _copy(value: Any, path: Path, around: tuple[Any, ...], found: dict[Path, str]) -> Any:
    if problem := _problem(value, around):
        found[path] = problem
        return None
    if isinstance(value, list):
        around = (*around, value)
        return [_copy(item, (*path, i), around, found) for i, item in enumerate(value)]
    if isinstance(value, dict):
        around = (*around, value)
        for name in value:
            if not isinstance(name, str):
                found[path] = f"a dict with a name that is {_named(name)}, {_NO_JSON}"
        members = {str.__str__(n): member for n, member in value.items() if isinstance(n, str)}
        return {n: _copy(member, (*path, n), around, found) for n, member in members.items()}
    # Text of a subclass, such as a StrEnum, may show itself as another.
    return str.__str__(value) if isinstance(value, str) else value


def _problem(value: Any, around: tuple[Any, ...]) -> str:
    """Describe a value that JSON does not have; `around` are the values that it lies in."""
    if isinstance(value, dict | list):
        if any(value is other for other in around):
            return f"{_named(value)} that holds itself, {_NO_JSON}"
        too_deep = f"{_named(value)} nested deeper than {DEEPEST} levels"
        return too_deep if len(around) == DEEPEST else ""
    if isinstance(value, float):
        name = "NaN" if math.isnan(value) else "Infinity"
        return "" if math.isfinite(value) else f"{name}, {_NO_JSON}"
    return "" if value is None or isinstance(value, str | int) else f"{_named(value)}, {_NO_JSON}"


def _named(value: Any) -> str:
    name = escape_name(type(value).__name__)
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"
