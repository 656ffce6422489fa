"""Masks what may be personal or secret in a payload, and keeps its form."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from retry_contract.privacy.descriptions import KNOWN_STATUSES

MASK = "[masked]"
PERSONAL = frozenset({"recipient", "values", "fullMessage", "creatorEmail", "body"})
"""Members that hold something of a person."""

_PUBLIC = frozenset[str]().union(
    ("createdAt", "updatedAt", "sentAt", "deliveredAt", "id", "latestStatus", "status"),
    ("templateBodyId", "templateId", "campaignId", "creatorId", "language", "code", "type"),
)
"""Members whose strings hold nothing of a person, so they are shown."""

_PUBLIC_WITHIN = {"values": frozenset[str](), "error": frozenset({"code", "type"})}
"""The same inside these members: `values` may have any names, and the id of an error is secret."""

DOCUMENTED = _PUBLIC | PERSONAL | {"error", "message", "statusCode", "batches", "attempts"}
"""Documented names. They are shown even if a secret is the same word."""

SIMULATOR = re.compile(r"65(11111111|11112222|11113333|11114444|11115555|11119999|22222222)")
"""The documented simulator numbers, which belong to nobody."""

_DIGITS = re.compile(r"(?=\+?[0-9]{5})(\+?0?)[0-9]+")
_LONG_NUMBER = re.compile(r"(?<![\w-])\+?[A-Za-z]?[0-9]{5,}[A-Za-z]?(?![\w-])")
_NRIC = re.compile(r"[A-Za-z][0-9]{7}[A-Za-z]")
_PLAIN_NAME = re.compile(r"[0-9]{1,4}|(?!.*[0-9]{5})[A-Za-z_][A-Za-z0-9_-]*", re.DOTALL)


def mask(payload: Any, name: str = "", public: frozenset[str] = _PUBLIC) -> Any:
    """Return a payload with every string and number masked that may be of a person.

    A masked response keeps or breaks the same schema. `name` is the member that holds the payload,
    `public` the members at this level whose strings are shown.
    """
    match payload:
        case dict():
            within = _PUBLIC_WITHIN.get(name, public)
            return rename({k: mask(v, k, within) for k, v in payload.items()}, mask_name)
        case list():
            return [mask(item, name, public) for item in payload]
        case str() if name not in public and payload not in KNOWN_STATUSES:
            return _mask_text(payload)
        case int() | float() if abs(payload) > 9999:
            return type(payload)(10_000)
    return payload


def _mask_text(text: str) -> str:
    if SIMULATOR.fullmatch(text):
        return text
    if digits := _DIGITS.fullmatch(text):
        return digits[1] + "65" + "0" * (len(text) - len(digits[1]) - 2)
    if _NRIC.fullmatch(text):
        return (text[0] if text[0] not in "STFGMstfgm" else "S") + "0000000A"
    return "*" * len(text)


def is_plain_name(name: str) -> bool:
    """Return whether the name of a member may be shown, though a service may put a person there.

    These may be: a documented name; an index of at most 4 digits; ASCII letters, digits, `_` and
    `-`, a letter or `_` first, without 5 digits in a row, as an NRIC or a phone number has.
    """
    return name in DOCUMENTED or _PLAIN_NAME.fullmatch(name) is not None


def mask_name(name: str) -> str:
    """Return the name of a member if it may be shown, else the mask."""
    return name if is_plain_name(name) else MASK


def mask_numbers(text: str) -> str:
    """Return a text of somebody else's with each number masked that may be of a person."""
    return _LONG_NUMBER.sub(MASK, text)


def rename(members: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return members with changed names. Equal names get a number, so that none is lost."""
    counts, result = Counter[str](), dict[str, Any]()
    for name, value in members.items():
        new = change(name)
        counts[new] += 1
        result[new if counts[new] == 1 else f"{new} {counts[new]}"] = value
    return result
