"""Seeded values of single fields in the forms that the public pages show.

Narrower than the strategies of `fuzz`, which reach all that the schemas permit: code that never
meets a timestamp of the year 0000 is not called broken for it. Plain `random`, since Hypothesis
takes longer to start than a thousand payloads take here.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from retry_contract.contract.catalogue import Contract
from retry_contract.contract.timeline import SINGAPORE

DECOY = "user_00000000-0000-4000-8000-0000000decoy"
"""The value of every member that is called like the new field but is not it."""

_SIMULATORS = (
    *("6522222222", "6511111111", "6511112222", "6511113333", "6511114444", "6511115555"),
    "6511119999",
)
_TEXTS = (
    *("O'Neil", "'", 'said "hi"', "Tan & Sons", "<b>bold</b>", "50% off", "a, b; c"),
    *("测试收件人", "சோதனை பெறுநர்", "Penerima Ujian", "José Núñez", "1", "true", "null", "x" * 80),
    *("C:/temp", "http://a.example/?q=1&r=2", "two\nlines", "=1+1", "#", "-", "0"),
)
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-",
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
    "àâçéèêëîïôùûüñÅåØøßÆæ ¡¿£¥§",
    "的一是不了在人有我他这中大来上 。",
    "அஆஇஈஉஊஎஏஐஒஓகசடதபற ",
)
_UNUSUAL = re.compile(r"[|^€{}\[\]~\\`\U00010000-\U0010ffff]|^\s|\s$|^$")
"""What the guide does not let a value hold, or begin and end with."""

_FEW = 5
_TIMESTAMP = re.compile(r"(?!0000)[0-9]{4}-[0-9-]{5}T[0-9:]{8}\.[0-9]{3}\+08:00")
_PAST, _RECENT = datetime(2023, 11, 1, tzinfo=SINGAPORE), datetime(2024, 5, 17, tzinfo=SINGAPORE)


@dataclass(frozen=True)
class Form:
    """The forms in which one field is documented.

    `odd` are values worth meeting for certain, the likeliest to matter first; `draw` gives any
    other. `documented` says of a value whether the public pages show it in this form. `text` says
    that it may be cut to any shorter text. `rare` are values in forms that a user need not meet.

    If it is `filled`, the value is an object with the members of the user's template, and those are
    texts for each of them.
    """

    odd: tuple[Any, ...]
    draw: Callable[[random.Random], Any]
    documented: Callable[[Any], bool] = lambda _: True
    text: bool = False
    rare: tuple[Any, ...] = ()
    filled: bool = False


def usual_text(text: str) -> bool:
    """Say whether a text holds only what the guide lets a template's value hold."""
    return not _UNUSUAL.search(text)


def form_of(contract: Contract, field: str) -> Form:
    """Return the form of a field, by the name of its definition or else by its schema."""
    schema = contract.schema_of("retry")["properties"][field]
    name = Path(schema.get("$ref", "")).name if isinstance(schema, dict) else ""
    return _FORMS[name] if name in _FORMS else _generated(contract, field)


def is_timestamp(form: Form) -> bool:
    """Say whether a form is that of the documented timestamps."""
    return form.documented is _is_timestamp


@functools.cache
def _generated(contract: Contract, field: str) -> Form:
    """Return the form of a field that no table here knows: whatever its schema permits."""
    resolved = contract.resolve(contract.schema["properties"][field])
    words = resolved.get("enum", [resolved["const"]] if "const" in resolved else None)
    found = tuple(words) if words else _drawn_from_schema(contract, field)
    return Form(found[:_FEW], lambda rng: rng.choice(found))


def _drawn_from_schema(contract: Contract, field: str) -> tuple[Any, ...]:
    # Here, since Hypothesis is slow to import, and no contract so far needs it.
    from hypothesis import HealthCheck, Phase, given, settings

    from retry_contract.fuzz.payloads import field_strategy

    found: list[Any] = []

    @settings(
        max_examples=30, database=None, derandomize=True, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(field_strategy(contract.schema["properties"][field], contract))
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return tuple(found)


def _text(rng: random.Random, longest: int = 30) -> str:
    if rng.random() < 0.5:
        return rng.choice(_TEXTS)
    alphabet = rng.choice(_ALPHABETS)
    drawn = "".join(rng.choices(alphabet, k=rng.randint(1, longest))).strip()
    return drawn or "x"


def _message(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return ("A line of a long test message. " * 60)[: rng.randint(1, 1500)].strip()
    return "\n\n---\n\n".join(_text(rng, 60) for _ in range(rng.randint(1, 3)))


def _timestamp(begin: datetime, days: int) -> Callable[[random.Random], str]:
    def draw(rng: random.Random) -> str:
        moment = begin + timedelta(milliseconds=rng.randrange(days * 86_400_000))
        return moment.isoformat(timespec="milliseconds")

    return draw


def _id(prefix: str, *odd: str) -> Form:
    form = re.compile(rf"{prefix}_\w+(-\w+)*")
    return Form(
        odd,
        lambda rng: f"{prefix}_00000000-0000-4000-8000-{rng.randrange(16**12):012x}",
        lambda value: isinstance(value, str) and form.fullmatch(value) is not None,
    )


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, str) and _TIMESTAMP.fullmatch(value) is not None


def _are_usual_values(value: Any) -> bool:
    texts = [*value, *value.values()] if isinstance(value, dict) else [""]
    return all(isinstance(text, str) and usual_text(text) for text in texts)


_FORMS = {
    "createdAt": Form(
        ("2024-05-16T16:48:42.000+08:00", "2024-02-29T23:59:59.999+08:00",
         "2024-01-01T00:00:00.000+08:00"),
        _timestamp(_PAST, 190),
        _is_timestamp,
    ),
    "updatedAt": Form(
        ("2024-05-16T16:49:00.000+08:00", "2024-12-31T23:59:59.999+08:00",
         "2025-02-24T00:00:00.000+08:00", "2028-02-29T12:00:00.010+08:00"),
        _timestamp(_RECENT, 1200),
        _is_timestamp,
    ),
    "id": _id("message", "message_886313e1-3b8a-5372-9b90-0c9aee199e5d"),
    "campaignId": _id("campaign"),
    "creatorId": _id("user"),
    "templateBodyId": _id("template_body"),
    "recipient": Form(
        _SIMULATORS[1:],
        lambda rng: rng.choice(_SIMULATORS),
        lambda value: value in _SIMULATORS,
        rare=("1000000", "999999999999999"),
    ),
    "values": Form(
        _TEXTS,
        _text,
        _are_usual_values,
        rare=({}, {"name": "Test Recipient", "creatorId": DECOY},
              {"name": "Test Recipient", "date": "24 Feb 2025"}, {"名字": "Test Recipient"}),
        filled=True,
    ),
    "fullMessage": Form(
        ("A message to O'Neil.", "A message\n\n---\n\nwith a footer.", *_TEXTS, "x" * 1000),
        _message,
        lambda value: not _UNUSUAL.search(value),
        text=True,
    ),
}  # fmt: skip
"""By the name of the definition in `schemas/common/fields.schema.json`."""
