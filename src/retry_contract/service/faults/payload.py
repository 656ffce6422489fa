"""Faults in the response to an accepted retry, and in how it is delivered."""

import html
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from retry_contract.contract.timeline import SINGAPORE
from retry_contract.service.faults import model
from retry_contract.service.faults.model import RULE, Payload, Table, Wrap, payloads, responses
from retry_contract.service.http import Handler, Pace, Request, Response
from retry_contract.service.model import Service
from retry_contract.service.records import Message

_OTHER_ID = "_00000000-0000-4000-8000-00000000dead"
_CUTOVER = datetime(2025, 2, 24, tzinfo=SINGAPORE)
_OTHER_USER, _OTHER_TEMPLATE = "user" + _OTHER_ID, "template_body" + _OTHER_ID


def _put(to: Callable[[Request], bool] = model.is_retry, /, **values: Any) -> Wrap:
    """Return a wrapper that gives members that are there other values, or ones made of theirs."""

    def change(payload: Payload) -> None:
        for name in values.keys() & payload:
            value = values[name]
            payload[name] = value(payload[name]) if callable(value) else value

    return payloads(change, to=to)


def _rename(name: str, other: str) -> Wrap:
    return payloads(lambda p: p.update({other: p.pop(name)} if name in p else {}))


def _drop(name: str) -> Wrap:
    return payloads(lambda payload: payload.pop(name, None))


@payloads
def _nest_creator(payload: Payload) -> None:
    if "creatorId" in payload:
        payload["templateBody"] = {"creatorId": payload.pop("creatorId")}


def _mangle(values: dict[str, str]) -> dict[str, str]:
    return {k: v.encode("ascii", "replace").decode() for k, v in values.items()}


def _escape(values: dict[str, str]) -> dict[str, str]:
    return {name: html.escape(value) for name, value in values.items()}


def _is_old(message: Message | None) -> bool:
    return message is not None and message.created_at < _CUTOVER


@model.wrapper
def _show_caller(service: Service, handle: Handler, request: Request) -> Response:
    response, message = handle(request), model.message_of(service, request)
    if message is None or not model.is_retry(request) or response.status != 201:
        return response
    payload = response.json()
    if "creatorId" in payload:
        payload["creatorId"] = service.campaigns[message.campaign].creator
    return response.with_json(payload)


def _a_year_before(instant: str) -> str:
    return f"{int(instant[:4]) - 1}{instant[4:]}".replace("-02-29", "-02-28")


def _in_utc(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(UTC).isoformat(timespec="milliseconds")


def _deliver(pace: Pace) -> Wrap:
    return responses(lambda response: replace(response, pace=pace))


# What changes one member comes before what changes the form of a member, or of the whole body.
FAULTS: Table = {
    "creator-id-as-contracted": RULE,
    "creator-id-missing: creatorId is left out.": _drop("creatorId"),
    "creator-id-null: creatorId is null.": _put(creatorId=None),
    "creator-id-number: creatorId is a number.": _put(creatorId=42),
    "creator-id-empty: creatorId is an empty string.": _put(creatorId=""),
    "creator-id-wrong-case: creatorId is called creatorID.": _rename("creatorId", "creatorID"),
    "creator-id-nested: creatorId is inside templateBody instead of at the top.": _nest_creator,
    "creator-id-missing-of-old: "
    "creatorId is left out of a message that was created before 24 February 2025.": payloads(
        lambda p: p.pop("creatorId", None), about=_is_old
    ),
    "creator-id-kept": RULE,
    "creator-id-changed: creatorId is that of somebody else.": _put(creatorId=_OTHER_USER),
    "creator-id-of-caller: creatorId becomes the user of the key.": _show_caller,
    "values-kept": RULE,
    "values-lost: values is empty.": _put(values={}),
    "unicode-mangled: Letters beyond ASCII in values are replaced by question marks.": _put(
        values=_mangle
    ),
    "values-escaped: Quotes in values are written as HTML does.": _put(values=_escape),
    "full-message-kept": RULE,
    "full-message-changed: fullMessage is another text.": _put(fullMessage="Another text."),
    "template-kept": RULE,
    "template-changed: templateBodyId is another one.": _put(templateBodyId=_OTHER_TEMPLATE),
    "created-at-kept": RULE,
    "created-at-moved: createdAt is the time of the retry.": payloads(
        lambda p: p.update(createdAt=p["updatedAt"])
    ),
    "updated-at-moves-on": RULE,
    "updated-at-stale: updatedAt is a year behind.": _put(updatedAt=_a_year_before),
    "updated-before-created: updatedAt is before createdAt.": payloads(
        lambda p: p.update(updatedAt=p["createdAt"].replace("20", "19", 1))
    ),
    "message-id-kept": RULE,
    "id-changed: The retry gets a message id of its own.": _put(id="message" + _OTHER_ID),
    "campaign-id-kept": RULE,
    "campaign-changed: campaignId is another one.": _put(campaignId="campaign" + _OTHER_ID),
    "recipient-kept": RULE,
    "recipient-changed: The recipient is another one.": _put(recipient="6511111111"),
    "status-reset-to-created": RULE,
    "status-not-reset: latestStatus is still failure in the response.": _put(
        latestStatus="failure"
    ),
    "status-enqueued: latestStatus is enqueued in the response.": _put(latestStatus="enqueued"),
    "": RULE,  # drift breaks none
    "undocumented-field: The response has one more field.": payloads(
        lambda p: p.update(providerReference="none")
    ),
    "timestamp-in-utc: createdAt is written in UTC.": _put(createdAt=_in_utc),
    "same-shape-as-single-send": RULE,
    "single-send-differs: "
    "The Single Send returned another templateBodyId than the message has.": _put(
        model.is_send, templateBodyId=_OTHER_TEMPLATE
    ),
    "response-matches-schema": RULE,
    "field-dropped: templateBodyId is left out.": _drop("templateBodyId"),
    "recipient-with-plus: The recipient is written with a plus sign.": _put(recipient="+{}".format),
    "field-renamed: recipient is called to.": _rename("recipient", "to"),
    "field-retyped: campaignId is a number.": _put(campaignId=7),
    "field-null: fullMessage is null.": _put(fullMessage=None),
    "timestamp-without-offset: createdAt has no offset.": _put(createdAt=lambda c: c[:-6]),
    "timestamp-as-number: updatedAt is a number of milliseconds.": _put(updatedAt=1715849339157),
    "values-as-text: values is the JSON text of an object instead of an object.": _put(values="{}"),
    "body-in-array: The message comes wrapped in an array.": responses(
        lambda r: r.with_json([r.json()])
    ),
    "neighbours-match-schema": RULE,
    "retrieve-field-retyped: attempts is an object in Retrieve.": payloads(
        lambda p: p.update(attempts={}), to=model.is_retrieve, status=200
    ),
    "send-field-dropped: The response to a Single Send leaves out language.": payloads(
        lambda p: p.pop("language"), to=model.is_send
    ),
    "body-is-json": RULE,
    "body-cut-off: The body of an accepted retry ends in the middle.": responses(
        lambda r: replace(r, body=r.body[:40])
    ),
    "body-empty: An accepted retry has no body.": responses(lambda r: replace(r, body=b"")),
}
PACES: Table = {
    "response-drips: "
    "An accepted retry is answered a byte at a time, slower than anyone waits.": _deliver("drip"),
    "response-stalls: An accepted retry is answered with headers, and then nothing.": _deliver(
        "stall"
    ),
    "no-response: "
    "An accepted retry is answered by nothing at all, and the connection stays open.": _deliver(
        "silent"
    ),
    "connection-reset: The connection is reset once a retry was accepted.": _deliver("reset"),
}
"""Faults that break no rule: they leave nothing to test."""
