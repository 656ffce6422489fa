"""Edits of single values that a field's type does not show, by the name of the definition."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from retry_contract.fuzz.field_values import SIMULATORS

Change = Callable[[Any], Any]

_FULL_WIDTH = {ord("0") + n: 0xFF10 + n for n in range(10)}
_DATE, _HOUR, _MINUTE, _SECOND = (0, 10), (11, 13), (14, 16), (17, 19)
_OFFSET = re.compile(r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$")


def _slice(place: tuple[int, int], text: str) -> Change:
    return lambda old: old[: place[0]] + text + old[place[1] :]


def _offset(text: str) -> Change:
    return lambda old: _OFFSET.sub(text, old)


def _fraction(text: str) -> Change:
    return lambda old: old[:19] + text + "".join(_OFFSET.findall(old))


def _number(change: Callable[[str], str]) -> Change:
    return lambda old: change(old if isinstance(old, str) and old.isdigit() else SIMULATORS[0])


TIMESTAMP: dict[str, Change] = {
    "no offset": _offset(""),
    "a space instead of T": _slice((10, 11), " "),
    "the date alone": lambda old: old[:10],
    "30 February": _slice(_DATE, "2024-02-30"),
    "29 February of no leap year": _slice(_DATE, "2023-02-29"),
    "31 April": _slice(_DATE, "2024-04-31"),
    "the month 13": _slice(_DATE, "2024-13-01"),
    "the day 0": _slice(_DATE, "2024-05-00"),
    "the hour 24": _slice(_HOUR, "24"),
    "the minute 60": _slice(_MINUTE, "60"),
    "a leap second": _slice(_SECOND, "60"),
    "an offset without its colon": _offset("+0800"),
    "an offset of 24 hours": _offset("+24:00"),
    "an offset with seconds": _offset("+08:00:00"),
    "a year of five digits": lambda old: "1" + old,
    "a fraction without digits": _fraction("."),
    "a comma before the fraction": _fraction(",5"),
    "full-width digits": lambda old: old.translate(_FULL_WIDTH),
    "a space before": lambda old: " " + old,
    "a newline at the end": lambda old: old + "\n",
    "an empty string": lambda _: "",
    "milliseconds since 1970": lambda _: "1715849322247",
}
PHONE_NUMBER: dict[str, Change] = {
    "a plus sign": _number(lambda old: "+" + old),
    "a letter": _number(lambda old: old[:-1] + "x"),
    "six digits": _number(lambda old: old[:6]),
    "sixteen digits": _number(lambda old: (old * 3)[:16]),
    "a leading zero": _number(lambda old: "0" + old[:14]),
    "a space": _number(lambda old: old[:2] + " " + old[2:]),
    "a hyphen": _number(lambda old: old[:2] + "-" + old[2:]),
    "full-width digits": _number(lambda old: old.translate(_FULL_WIDTH)),
    "a newline at the end": _number(lambda old: old + "\n"),
    "an empty string": lambda _: "",
}
NRIC: dict[str, Change] = {
    "an NRIC of another letter": lambda _: "A0000000X",
    "an NRIC of six digits": lambda _: "S000000X",
    "an NRIC without its last letter": lambda _: "S0000000",
    "an NRIC and a newline": lambda _: "S0000000X\n",
}
RECIPIENT: dict[str, Change] = {
    **PHONE_NUMBER,
    **NRIC,
    "an object without value": lambda _: {"nric": "S0000000X"},
    "an object with a phone number": lambda _: {"value": SIMULATORS[0]},
    "an object with null": lambda _: {"value": None},
}
BY_DEFINITION: dict[str, dict[str, Change]] = {
    "timestamp": TIMESTAMP,
    "phoneNumber": PHONE_NUMBER,
    "nric": NRIC,
    "recipient": RECIPIENT,
}
"""What to do to a value that is valid, by the name of its definition."""
