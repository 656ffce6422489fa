"""What the words of a reader's own say: an objection to a field, or a remark about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from retry_contract.consumer.readings import strings

_OBJECTION = re.compile(
    r"error|fail|invalid|reject|refus|denied|forbid|not (allowed|permitted|expected)|problem|violat"
    r"|(?<![a-z])bad(?![a-z])|unexpected|exception|unrecogni|unknown field|unprocessable"
    r"|\b4\d\d [a-z]",
    re.IGNORECASE,
)
_EXIT = re.compile(r"(return|exit).?(code|status)", re.IGNORECASE)
_REMARK = re.compile(
    r"warn|note|info|unknown|extra|ignored|additional|missing|absent|without|lack|need|requir|legacy"
    r"|default|\bold\b",
    re.IGNORECASE,
)
"""In the name of a member whose value is a remark: about what is more than needed, or is not."""


def is_remark(place: str) -> bool:
    """Say whether a place of this name holds a remark about a reply, and no verdict on it."""
    return _REMARK.search(place) is not None


def objects(texts: Iterable[str]) -> bool:
    """Say whether one of some texts tells that something is wrong."""
    return any(_OBJECTION.search(text) for text in texts)


def turned_bad(place: str, one: Any, other: Any) -> bool:
    """Say whether a value at a place turned into one that tells that something is wrong."""
    if is_remark(place):
        return False
    flagged = (objects([place]) or _EXIT.search(place)) and bool(other) and not one
    if flagged or objects({*strings(other)} - {*strings(one)}):
        return True
    return _is_status(one, 200, 299) and _is_status(other, 400, 599)


def _is_status(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
