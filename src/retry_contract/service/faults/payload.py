"""Faults in the response to an accepted retry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from retry_contract.service.faults.model import Fault, Payload, is_send, payloads, responses

_CREATOR = "creator-id-as-contracted"
_SCHEMA = "response-matches-schema"
_OTHER_ID = "_00000000-0000-4000-8000-00000000dead"


def _set(name: str, value: Any) -> Any:
    def change(payload: Payload) -> None:
        if name in payload:
            payload[name] = value

    return change


def _rename(name: str, other: str) -> Any:
    def change(payload: Payload) -> None:
        if name in payload:
            payload[other] = payload.pop(name)

    return change


def _drop(name: str) -> Any:
    return lambda payload: payload.pop(name, None)


def _nest_creator(payload: Payload) -> None:
    if "creatorId" in payload:
        payload["templateBody"] = {"creatorId": payload.pop("creatorId")}


def _mangle(payload: Payload) -> None:
    payload["values"] = {
        k: v.encode("ascii", "replace").decode() for k, v in payload["values"].items()
    }


def _reverse(payload: Payload) -> None:
    payload["updatedAt"] = payload["createdAt"].replace("20", "19", 1)


def _year_earlier(name: str) -> Any:
    def change(payload: Payload) -> None:
        payload[name] = f"{int(payload[name][:4]) - 1}{payload[name][4:]}".replace(
            "-02-29", "-02-28"
        )

    return change


def _payload(name: str, sentence: str, rule: str | None, change: Any) -> Fault:
    return Fault(name, sentence, rule, payloads(change))


FAULTS = (
    _payload("creator-id-missing", "creatorId is left out.", _CREATOR, _drop("creatorId")),
    _payload("creator-id-null", "creatorId is null.", _CREATOR, _set("creatorId", None)),
    _payload("creator-id-number", "creatorId is a number.", _CREATOR, _set("creatorId", 42)),
    _payload("creator-id-empty", "creatorId is an empty string.", _CREATOR, _set("creatorId", "")),
    _payload(
        "creator-id-wrong-case",
        "creatorId is called creatorID.",
        _CREATOR,
        _rename("creatorId", "creatorID"),
    ),
    _payload(
        "creator-id-nested",
        "creatorId is inside templateBody instead of at the top.",
        _CREATOR,
        _nest_creator,
    ),
    _payload(
        "creator-id-changed",
        "creatorId is that of somebody else.",
        "creator-id-kept",
        _set("creatorId", "user" + _OTHER_ID),
    ),
    _payload("field-dropped", "templateBodyId is left out.", _SCHEMA, _drop("templateBodyId")),
    _payload("field-renamed", "recipient is called to.", _SCHEMA, _rename("recipient", "to")),
    _payload("field-retyped", "campaignId is a number.", _SCHEMA, _set("campaignId", 7)),
    _payload("field-null", "fullMessage is null.", _SCHEMA, _set("fullMessage", None)),
    _payload(
        "recipient-with-plus",
        "The recipient is written with a plus sign.",
        _SCHEMA,
        lambda p: p.update(recipient="+" + p["recipient"]),
    ),
    _payload(
        "timestamp-without-offset",
        "createdAt has no offset.",
        _SCHEMA,
        lambda p: p.update(createdAt=p["createdAt"][:-6]),
    ),
    _payload(
        "timestamp-as-number",
        "updatedAt is a number of milliseconds.",
        _SCHEMA,
        _set("updatedAt", 1715849339157),
    ),
    _payload(
        "values-as-text",
        "values is the JSON text of an object instead of an object.",
        _SCHEMA,
        _set("values", "{}"),
    ),
    _payload("values-lost", "values is empty.", "values-kept", _set("values", {})),
    _payload(
        "unicode-mangled",
        "Letters beyond ASCII in values are replaced by question marks.",
        "values-kept",
        _mangle,
    ),
    _payload(
        "full-message-changed",
        "fullMessage is another text.",
        "full-message-kept",
        _set("fullMessage", "Another text."),
    ),
    _payload(
        "template-changed",
        "templateBodyId is another one.",
        "template-kept",
        _set("templateBodyId", "template_body" + _OTHER_ID),
    ),
    _payload(
        "created-at-moved",
        "createdAt is the time of the retry.",
        "created-at-kept",
        lambda p: p.update(createdAt=p["updatedAt"]),
    ),
    _payload(
        "updated-at-stale",
        "updatedAt is a year behind.",
        "updated-at-moves-on",
        _year_earlier("updatedAt"),
    ),
    _payload(
        "updated-before-created",
        "updatedAt is before createdAt.",
        "updated-at-moves-on",
        _reverse,
    ),
    _payload(
        "id-changed",
        "The retry gets a message id of its own.",
        "message-id-kept",
        _set("id", "message" + _OTHER_ID),
    ),
    _payload(
        "campaign-changed",
        "campaignId is another one.",
        "campaign-id-kept",
        _set("campaignId", "campaign" + _OTHER_ID),
    ),
    _payload(
        "recipient-changed",
        "The recipient is another one.",
        "recipient-kept",
        _set("recipient", "6511111111"),
    ),
    _payload(
        "status-not-reset",
        "latestStatus is still failure in the response.",
        "status-reset-to-created",
        _set("latestStatus", "failure"),
    ),
    _payload(
        "status-enqueued",
        "latestStatus is enqueued in the response.",
        "status-reset-to-created",
        _set("latestStatus", "enqueued"),
    ),
    _payload(
        "undocumented-field",
        "The response has one more field.",
        None,
        lambda p: p.update(providerReference="none"),
    ),
    Fault(
        "single-send-differs",
        "The Single Send returned another templateBodyId than the message has.",
        "same-shape-as-single-send",
        payloads(_set("templateBodyId", "template_body" + _OTHER_ID), to=is_send),
    ),
    Fault(
        "body-cut-off",
        "The body of an accepted retry ends in the middle.",
        "body-is-json",
        responses(lambda response: replace(response, body=response.body[:40])),
    ),
    Fault(
        "body-empty",
        "An accepted retry has no body.",
        "body-is-json",
        responses(lambda response: replace(response, body=b"")),
    ),
    Fault(
        "body-in-array",
        "The message comes wrapped in an array.",
        _SCHEMA,
        responses(lambda response: response.with_json([response.json()])),
    ),
)
