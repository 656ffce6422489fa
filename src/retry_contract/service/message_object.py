"""The message object of each response, with the fields of the contract in force."""

import functools
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from retry_contract.contract.catalogue import Contract, Kind
from retry_contract.contract.timeline import SINGAPORE
from retry_contract.service.records import Attempt, Message

_Show = Callable[[Message], Any]
_BODY = "This is a message to you."


def message_response(message: Message, contract: Contract, kind: Kind) -> dict[str, Any]:
    """Return a response with just the members that the contract has for this kind of response.

    A member that the model does not know, of a later contract, has the example of its schema.
    """
    return {name: show(message) for name, show in _members(contract, kind)}


@functools.cache
def _members(contract: Contract, kind: Kind) -> tuple[tuple[str, _Show], ...]:
    return tuple(
        (name, _MEMBERS.get(name) or (lambda _, name=name: contract.sample(kind, name)))
        for name in contract.fields(kind)
    )


@functools.lru_cache(maxsize=1024)
def _timestamp(instant: datetime) -> str:
    """Write an instant as the service does: in Singapore's offset, with milliseconds."""
    return instant.astimezone(SINGAPORE).isoformat(timespec="milliseconds")


def _full_message(message: Message) -> str:
    body = " ".join([_BODY, *message.values.values()])
    return f"This is a test message.\n\n---\n\n{body}\n\n---\n\nThis is an automated message."


def _template_body(message: Message) -> dict[str, Any]:
    created = _timestamp(datetime(2024, 1, 2, tzinfo=SINGAPORE))
    return {
        **dict.fromkeys(("createdAt", "updatedAt"), created),
        "id": message.template_body,
        "templateId": message.template_body.replace("_body", ""),
        "language": message.language,
        "body": " ".join([_BODY, *(f"{{{{{name}}}}}" for name in message.values)]),
        "creatorId": message.creator,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown = {"status": attempt.status, "createdAt": _timestamp(attempt.created_at)}
    error = attempt.error and dict(zip(("type", "code"), attempt.error, strict=True))
    return shown | ({"error": error} if error else {})


_MEMBERS: dict[str, _Show] = {
    "createdAt": lambda message: _timestamp(message.created_at),
    "updatedAt": lambda message: _timestamp(message.updated_at),
    "id": attrgetter("id"),
    "recipient": attrgetter("recipient"),
    "values": attrgetter("values"),
    "fullMessage": _full_message,
    "latestStatus": attrgetter("status"),
    "templateBodyId": attrgetter("template_body"),
    "campaignId": attrgetter("campaign"),
    "creatorId": attrgetter("creator"),
    "language": attrgetter("language"),
    "creatorEmail": lambda message: f"{message.campaign}@postman.gov.sg",
    "templateBody": _template_body,
    "batches": lambda m: [{"id": m.batch.id, "status": m.batch.status}] if m.batch else [],
    "attempts": lambda message: [_attempt(attempt) for attempt in message.attempts],
}
