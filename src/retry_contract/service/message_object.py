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


def message_response(message: Message, contract: Contract, kind: Kind) -> dict[str, Any]:
    """Return a response with just the members that the contract has for this kind of response.

    A member that the model does not know, of a later contract, has the example of its schema.
    """
    return {name: show(message) for name, show in _members(contract, kind)}


@functools.cache
def _members(contract: Contract, kind: Kind) -> tuple[tuple[str, _Show], ...]:
    names = contract.fields(kind)
    return tuple((name, _MEMBERS.get(name) or _example(contract, kind, name)) for name in names)


def _example(contract: Contract, kind: Kind, name: str) -> _Show:
    return lambda _: contract.sample(kind, name)


@functools.lru_cache(maxsize=1024)
def timestamp(instant: datetime) -> str:
    """Write an instant as the service does: in Singapore's offset, with milliseconds."""
    return instant.astimezone(SINGAPORE).isoformat(timespec="milliseconds")


def full_message(values: dict[str, str]) -> str:
    """Return the text that is sent: a notice, the agency, the body, and a footer."""
    body = " ".join(["This is a message to you.", *values.values()])
    return f"This is a test message.\n\n---\n\n{body}\n\n---\n\nThis is an automated message."


def _template_body(message: Message) -> dict[str, Any]:
    created = timestamp(datetime(2024, 1, 2, tzinfo=SINGAPORE))
    return {
        **dict.fromkeys(("createdAt", "updatedAt"), created),
        "id": message.template_body,
        "templateId": "template_" + message.template_body,
        "language": message.language,
        "body": " ".join(["This is a message to you."] + [f"{{{{{k}}}}}" for k in message.values]),
        "creatorId": message.creator,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown: dict[str, Any] = {"status": attempt.status, "createdAt": timestamp(attempt.created_at)}
    if attempt.error is not None:
        shown["error"] = {"type": attempt.error[0], "code": attempt.error[1]}
    return shown


_MEMBERS: dict[str, _Show] = {
    "createdAt": lambda message: timestamp(message.created_at),
    "updatedAt": lambda message: timestamp(message.updated_at),
    "id": attrgetter("id"),
    "recipient": attrgetter("recipient"),
    "values": attrgetter("values"),
    "fullMessage": lambda message: full_message(message.values),
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
