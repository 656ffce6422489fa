"""What of that which a client tells varies from call to call: numbers, instants, ids."""

from __future__ import annotations

import contextlib
import email.utils
import re
from typing import Any

from retry_contract.consumer.compare import Difference

TOKEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]+(?:[.:][0-9]+)*(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|[0-9]+(?:[.:][0-9]+)+(?:[eE][+-]?[0-9]+)?"
    r"|[0-9a-fA-F-]{8,}"
    r"|[0-9]+(?:[eE][+-]?[0-9]+)?"
)
"""What may vary in a text, as one: an instant, a time or a fraction, an id, a whole number."""


def form_of(text: str) -> list[str]:
    """Return what of a text does not vary, in pieces."""
    return TOKEN.split(text)


def varies(difference: Difference) -> bool:
    """Say whether two values differ in numbers or instants only."""
    one, other = difference.one, difference.other
    if is_number(one) and is_number(other):
        return True
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    return form_of(one) == form_of(other) or (_is_date(one) and _is_date(other))


def is_number(value: Any) -> bool:
    """Say whether a reading is a number, of which one with a fraction is told as text."""
    if isinstance(value, int):
        return not isinstance(value, bool)
    with contextlib.suppress(TypeError, ValueError):
        return isinstance(value, str) and value == repr(float(value))
    return False


def _is_date(text: str) -> bool:
    """Say whether a text is a date of HTTP."""
    return email.utils.parsedate(text) is not None
