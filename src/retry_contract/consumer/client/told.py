"""By what a client that returned told a refusal that it met."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from retry_contract.consumer.client.made import Known, Made
from retry_contract.consumer.client.success import resembles
from retry_contract.consumer.readings import PRIVATE, decoded, without
from retry_contract.contract.document import read_document


class Told(enum.Enum):
    """What was returned on a refusal, by what its caller makes of it."""

    LIKE_A_SUCCESS = "the same as after a success"
    IN_PRIVATE = "the same as after a success, but for what it keeps to itself"
    NOTHING = "null"
    BODY = "the error's body or part of it"
    OTHER = "another value"


EASILY_MISSED = (Told.BODY, Told.NOTHING)
"""What nothing marks as the client's own answer: its caller may take it for a result."""


def told_by(made: Made, known: Known) -> Told:
    """Return what a client returned on a refusal that it met."""
    open_to_all = [without(whole, PRIVATE) for whole in known.accepted]
    if resembles(without(made.whole, PRIVATE), open_to_all):
        alike = resembles(made.whole, known.accepted)
        return Told.LIKE_A_SUCCESS if alike else Told.IN_PRIVATE
    value = decoded(made.reading)
    if value is None and known.accepted:
        return Told.NOTHING
    return Told.BODY if any(value == part for part in _bodies(made)) else Told.OTHER


def _bodies(made: Made) -> Iterator[Any]:
    """Yield the bodies of the errors that a call met, and what they hold but for numbers."""
    for seen in made.visit.seen:
        if seen.status is not None and seen.status >= 400:
            yield seen.reply.body.decode("utf-8", "replace")
            document = read_document(seen.reply.body)
            yield from _parts(made.without_id(document.payload))


def _parts(value: Any) -> Iterator[Any]:
    if value and isinstance(value, str | dict | list):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts(item)
