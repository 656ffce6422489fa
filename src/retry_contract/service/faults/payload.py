"""Faults in the response to an accepted retry, and in how it is delivered."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from retry_contract.service.faults.model import (
    Payload,
    Table,
    Wrap,
    is_retry,
    is_send,
    payloads,
    responses,
)
from retry_contract.service.http import Pace, Request

_OTHER_ID = "_00000000-0000-4000-8000-00000000dead"
_OTHER_TEMPLATE = "template_body" + _OTHER_ID


def _put(to: Callable[[Request], bool] = is_retry, /, **values: Any) -> Wrap:
    """Return a wrapper that gives other values to members that are there."""
    return payloads(lambda p: p.update((k, values[k]) for k in values if k in p), to=to)


def _rename(name: str, other: str) -> Wrap:
    def change(payload: Payload) -> None:
        if name in payload:
            payload[other] = payload.pop(name)

    return payloads(change)


def _drop(name: str) -> Wrap:
    return payloads(lambda payload: payload.pop(name, None))


@payloads
def _nest_creator(payload: Payload) -> None:
    if "creatorId" in payload:
        payload["templateBody"] = {"creatorId": payload.pop("creatorId")}


@payloads
def _mangle(payload: Payload) -> None:
    payload["values"] = {
        k: v.encode("ascii", "replace").decode() for k, v in payload["values"].items()
    }


@payloads
def _go_back_a_year(payload: Payload) -> None:
    was = payload["updatedAt"]
    payload["updatedAt"] = f"{int(was[:4]) - 1}{was[4:]}".replace("-02-29", "-02-28")


@payloads
def _go_before_creation(payload: Payload) -> None:
    payload["updatedAt"] = payload["createdAt"].replace("20", "19", 1)


def _deliver(pace: Pace) -> Wrap:
    return responses(lambda response: replace(response, pace=pace))


# What changes one member comes before what changes the form of a member, or of the whole body.
FAULTS: Table = {
    "creator-id-as-contracted": {
        "creator-id-missing: creatorId is left out.": _drop("creatorId"),
        "creator-id-null: creatorId is null.": _put(creatorId=None),
        "creator-id-number: creatorId is a number.": _put(creatorId=42),
        "creator-id-empty: creatorId is an empty string.": _put(creatorId=""),
        "creator-id-wrong-case: creatorId is called creatorID.": _rename("creatorId", "creatorID"),
        "creator-id-nested: creatorId is inside templateBody instead of at the top.": _nest_creator,
    },
    "creator-id-kept": {
        "creator-id-changed: creatorId is that of somebody else.": _put(
            creatorId="user" + _OTHER_ID
        ),
    },
    "values-kept": {
        "values-lost: values is empty.": _put(values={}),
        "unicode-mangled: Letters beyond ASCII in values are replaced by question marks.": _mangle,
    },
    "full-message-kept": {
        "full-message-changed: fullMessage is another text.": _put(fullMessage="Another text."),
    },
    "template-kept": {
        "template-changed: templateBodyId is another one.": _put(templateBodyId=_OTHER_TEMPLATE),
    },
    "created-at-kept": {
        "created-at-moved: createdAt is the time of the retry.": payloads(
            lambda p: p.update(createdAt=p["updatedAt"])
        ),
    },
    "updated-at-moves-on": {
        "updated-at-stale: updatedAt is a year behind.": _go_back_a_year,
        "updated-before-created: updatedAt is before createdAt.": _go_before_creation,
    },
    "message-id-kept": {
        "id-changed: The retry gets a message id of its own.": _put(id="message" + _OTHER_ID),
    },
    "campaign-id-kept": {
        "campaign-changed: campaignId is another one.": _put(campaignId="campaign" + _OTHER_ID),
    },
    "recipient-kept": {
        "recipient-changed: The recipient is another one.": _put(recipient="6511111111"),
    },
    "status-reset-to-created": {
        "status-not-reset: latestStatus is still failure in the response.": _put(
            latestStatus="failure"
        ),
        "status-enqueued: latestStatus is enqueued in the response.": _put(latestStatus="enqueued"),
    },
    None: {
        "undocumented-field: The response has one more field.": payloads(
            lambda p: p.update(providerReference="none")
        ),
    },
    "same-shape-as-single-send": {
        "single-send-differs: "
        "The Single Send returned another templateBodyId than the message has.": _put(
            is_send, templateBodyId=_OTHER_TEMPLATE
        ),
    },
    "response-matches-schema": {
        "field-dropped: templateBodyId is left out.": _drop("templateBodyId"),
        "recipient-with-plus: The recipient is written with a plus sign.": payloads(
            lambda p: p.update(recipient="+" + p["recipient"])
        ),
        "field-renamed: recipient is called to.": _rename("recipient", "to"),
        "field-retyped: campaignId is a number.": _put(campaignId=7),
        "field-null: fullMessage is null.": _put(fullMessage=None),
        "timestamp-without-offset: createdAt has no offset.": payloads(
            lambda p: p.update(createdAt=p["createdAt"][:-6])
        ),
        "timestamp-as-number: updatedAt is a number of milliseconds.": _put(
            updatedAt=1715849339157
        ),
        "values-as-text: values is the JSON text of an object instead of an object.": _put(
            values="{}"
        ),
        "body-in-array: The message comes wrapped in an array.": responses(
            lambda response: response.with_json([response.json()])
        ),
    },
    "body-is-json": {
        "body-cut-off: The body of an accepted retry ends in the middle.": responses(
            lambda response: replace(response, body=response.body[:40])
        ),
        "body-empty: An accepted retry has no body.": responses(
            lambda response: replace(response, body=b"")
        ),
    },
}
PACES: Table = {
    None: {
        "response-drips: "
        "An accepted retry is answered a byte at a time, slower than anyone waits.": _deliver(
            "drip"
        ),
        "response-stalls: An accepted retry is answered with headers, and then nothing.": _deliver(
            "stall"
        ),
        "no-response: "
        "An accepted retry is answered by nothing at all, and the connection stays open.": _deliver(
            "silent"
        ),
        "connection-reset: The connection is reset once a retry was accepted.": _deliver("reset"),
    }
}
"""Faults that break no rule: they leave nothing to test."""
