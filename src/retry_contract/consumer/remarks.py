"""What is worth a remark about a call of a client that did nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from retry_contract.consumer.compare import decoded
from retry_contract.consumer.made import Known, Made
from retry_contract.contract.document import read_document

_LOOK = "its caller must look"
_BODY, _NOTHING, _OTHER = "the error's body, or part of it", "null", "another value"
_AGAIN = "asked again after a 201, though Retrieve tells what became of it"


def remark(made: Made, known: Known) -> str:
    """Return how a refusal was told, and whether the client asked for what it had."""
    parts = (_told(made, known), _AGAIN if _asked_again(made) else "")
    return ", ".join(part for part in parts if part)


def notes(calls: Sequence[Made], known: Known) -> Iterator[str]:
    """Yield what the caller of a client must know of how a refusal is told."""
    returned = [_returned(made, known) for made in calls if _is_told_by_value(made)]
    for what in (_BODY, _NOTHING):
        if what in returned:
            yield f"On a refusal it may return {what}, and raise nothing: {_LOOK} at what it gets."


def _told(made: Made, known: Known) -> str:
    if made.call.expects == "accepted":
        return ""
    if _is_told_by_value(made):
        return f"returned {_returned(made, known)}: {_LOOK}"
    error = made.answer.error if made.answer else ""
    return "returned" if made.returned else f"raised {error.partition(':')[0]}"


def _is_told_by_value(made: Made) -> bool:
    accepted = made.call.expects == "accepted" or made.visit.accepted()
    return made.returned and not accepted


def _returned(made: Made, known: Known) -> str:
    value = decoded(made.reading)
    if value is None and known.accepted and None not in known.accepted:
        return _NOTHING
    return _BODY if any(value == part for part in _bodies(made)) else _OTHER


def _bodies(made: Made) -> Iterator[Any]:
    """Yield the bodies of the errors that a call met, and what they hold but for numbers."""
    for seen in made.visit.seen:
        if seen.reply.status >= 400:
            yield seen.reply.body.decode("utf-8", "replace")
            document = read_document(seen.reply.body)
            yield from _parts(made.without_id(document.payload))


def _parts(value: Any) -> Iterator[Any]:
    if value and isinstance(value, str | dict | list):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts(item)


def _asked_again(made: Made) -> bool:
    statuses = made.visit.statuses()
    return 201 in statuses[:-1]
