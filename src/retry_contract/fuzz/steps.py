"""The steps of a sequence: their names, and what each takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retry_contract.rules.delivery import FAILURE
from retry_contract.service.seeds import BATCH

WHICH = range(3)
NUMBERS = range(2**32)
BATCHES = ("messages_enqueued", "messages_enqueuing_failed", "success", "messages_sent")
DELIVERY = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success", FAILURE)
STATES = (*DELIVERY, *(BATCH + status for status in BATCHES))
METHODS = ("GET", "PUT", "PATCH", "DELETE")
KEYS = ("no key", "wrong key", "no scheme")

_STEPS: dict[str, tuple[Sequence[Any] | None, ...]] = {
    "send": (None,),
    "seed": (STATES,),
    "fail": (WHICH,),
    "retry": (WHICH,),
    "batch": (WHICH, BATCHES),
    "unauthorised": (WHICH, KEYS),
    "elsewhere": (),
    "unknown": (NUMBERS,),
    "method": (WHICH, METHODS),
    "cutover": (),
}
"""The steps, and what each takes: one of some values, or any text."""


def is_step(*step: Any) -> bool:
    """Whether these are the name of a step and its values."""
    name, *values = step or (None,)
    wanted = _STEPS.get(name) if isinstance(name, str) else None
    return (
        wanted is not None
        and len(wanted) == len(values)
        and all(
            is_text(value) if among is None else type(value) in (int, str) and value in among
            for value, among in zip(values, wanted, strict=True)
        )
    )


def is_text(value: Any) -> bool:
    """Whether this is a string that UTF-8 can carry."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
