"""Masks what may be personal or secret in a payload, and keeps its form."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from retry_contract.privacy import published
from retry_contract.privacy.descriptions import describe
from retry_contract.privacy.names import mask_name, rename
from retry_contract.privacy.words import SIMULATOR

Shown = Callable[[str], str | None]
"""Returns a text as it may be shown, or None if it has not the documented form."""

_MOST_DECIMALS = 6
_TIMESTAMP = re.compile(
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(\.[0-9]+)?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_ID = re.compile(
    r"(message|campaign|user|template|template_body|batch|attempt|trace)_"
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{1,4}"
)
_CODE = re.compile(r"[a-z0-9_]+")
_DIGITS = re.compile(r"(?=\+?[0-9]{5})(\+?0?)[0-9]+")
_NRIC = re.compile(r"[A-Za-z][0-9]{7}[A-Za-z]")


def _timestamp(text: str) -> str | None:
    found = _TIMESTAMP.fullmatch(text)
    return found and found[1] + (found[2] or "")[: 1 + _MOST_DECIMALS] + found[3]


def _id(text: str) -> str | None:
    return text if _ID.fullmatch(text) else None


def _one_of(*words: str) -> Shown:
    known = frozenset(words)
    return lambda text: text if text in known else None


def _code(text: str) -> str | None:
    if text in published.ERROR_CODES or text in published.DELIVERY_CODES:
        return text
    return "unpublished_code" if _CODE.fullmatch(text) else None


_STATUS = _one_of(*published.MESSAGE_STATUSES, *published.BATCH_STATUSES)
_FORMS: Mapping[str, Shown] = {
    **dict.fromkeys(("createdAt", "updatedAt", "sentAt", "deliveredAt"), _timestamp),
    **dict.fromkeys(("id", "templateBodyId", "templateId", "campaignId", "creatorId"), _id),
    **dict.fromkeys(("latestStatus", "status"), _STATUS),
    "language": _one_of(*published.LANGUAGES, *map(str.upper, published.LANGUAGES)),
    "code": _code,
    "type": _one_of(*published.ERROR_TYPES),
}
"""Members whose strings hold nothing of a person in their documented form, so it is shown."""

_FORMS_WITHIN: Mapping[str, Mapping[str, Shown]] = {
    "values": {},
    "error": {name: _FORMS[name] for name in ("code", "type")},
}
"""The same inside these members: `values` may have any names, and the id of an error is secret."""


def mask(payload: Any, name: str = "", forms: Mapping[str, Shown] = _FORMS) -> Any:
    """Return a payload with every string and number masked that may be of a person.

    A masked response keeps or breaks the same schema. `name` is the member that holds the payload,
    `forms` the members at this level that are shown in their documented form; in another one they
    are described.
    """
    match payload:
        case dict():
            within = _FORMS_WITHIN.get(name, forms)
            return rename({k: mask(v, k, within) for k, v in payload.items()}, mask_name)
        case list():
            return [mask(item, name, forms) for item in payload]
        case str() if payload and name in forms:
            shown = forms[name](payload)
            return describe(payload) if shown is None else shown
        case str() if _STATUS(payload) is None:
            return _mask_text(payload)
        case int() | float() if not isinstance(payload, bool):
            return _mask_number(payload)
    return payload


def _mask_text(text: str) -> str:
    if SIMULATOR.fullmatch(text):
        return text
    if digits := _DIGITS.fullmatch(text):
        return digits[1] + "65" + "0" * (len(text) - len(digits[1]) - 2)
    if _NRIC.fullmatch(text):
        return (text[0] if text[0] not in "STFGMstfgm" else "S") + "0000000A"
    return "*" * len(text)


def _mask_number(number: float) -> float:
    """Return a number of at most 4 digits; it is an integer if the given one is."""
    if number % 1:
        return 0.5
    return number if abs(number) <= 9999 else type(number)(10_000)
