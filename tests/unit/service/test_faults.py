"""Each fault does what its sentence says, and nothing else.

A faulty sandbox and a documented one get the same request; what differs is the fault's effect.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.controls import STATES, Sandbox, Start
from retry_contract.service.faults import FAULTS
from retry_contract.service.faults.model import is_retrieve, is_retry, is_send
from retry_contract.service.http import Request
from retry_contract.service.model import Settings
from retry_contract.service.records import RETRYABLE_BATCHES

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
CONTRACTS = catalogue()
SEND = json.dumps({"recipient": "6522222222", "language": "english", "values": {"name": "Tan"}})
GONE = "gone"
ABSENT = "absent"
BODY = "body"
"""In place of a value: a message that is no more, a member that is not there, a whole body."""
SOMEBODY = "_00000000-0000-4000-8000-00000000dead"

Effect = dict[str, Any]


def _sandbox(*faults: str, contract: str = "after", now: datetime = NOON) -> Sandbox:
    return Sandbox(CONTRACTS, Start(contract, now, faults), lambda: NOON)


def _request(sandbox: Sandbox, message: str, method: str, key: str | None) -> Request:
    tail = {"POST": f"/{message}/retry", "GET": f"/{message}", "SEND": ""}
    campaign = {"ABROAD": sandbox.foreign.id, "NOWHERE": "campaign_0"}.get(method, sandbox.own.id)
    path = f"/api/v2/campaigns/{campaign}/messages" + tail.get(method, tail["POST"])
    headers = {} if key is None else {"authorization": key}
    method = "POST" if method in ("ABROAD", "NOWHERE") else method
    if method == "SEND":
        return Request("POST", path, headers, SEND.encode())
    return Request(method, path, headers)


def own_key(sandbox: Sandbox) -> str | None:
    return f"Bearer {sandbox.own.key}"


ODD = ("before-cutover", "other-creator", "special-values")
"""States of failed messages that differ from others in a member; few faults are about them."""


# What a request is about: a message's state, a method, and what is sent for a key.
ASKED: dict[str, tuple[str, str, Callable[[Sandbox], str | None]]] = {
    **{state: (state, "POST", own_key) for state in STATES if state not in ODD},
    "unknown": ("unknown", "POST", own_key),
    "retried twice": ("failure", "POST", own_key),
    "no key": ("failure", "POST", lambda _: None),
    "wrong key": ("failure", "POST", lambda _: "Bearer key_test_0"),
    "other scheme": ("failure", "POST", lambda sandbox: f"Basic {sandbox.own.key}"),
    "bare key": ("failure", "POST", lambda sandbox: sandbox.own.key),
    "revoked key": ("failure", "POST", lambda sandbox: f"Bearer {sandbox.own.revoked_key}"),
    "foreign key": ("failure", "POST", lambda sandbox: f"Bearer {sandbox.foreign.key}"),
    "foreign campaign": ("failure", "ABROAD", own_key),
    "unknown campaign": ("failure", "NOWHERE", own_key),
    "PUT": ("failure", "PUT", own_key),
    "HEAD": ("failure", "HEAD", own_key),
    "DELETE": ("failure", "DELETE", own_key),
    "Retrieve": ("failure", "GET", own_key),
    "Single Send": ("failure", "SEND", own_key),
}
ACCEPTED = ("failure", *(f"batch:{status}" for status in RETRYABLE_BATCHES))
UNFAILED = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success")
CLOSED = ("batch:other", "batch:success")
KNOWN = (*UNFAILED, "attempts-spent", *CLOSED, "retried twice")
REFUSED = (*KNOWN, "unknown")
ENVELOPE = ("/error/code", "/error/message", "/error/type", "/error/id")
UNAUTHORISED = ("no key", "wrong key", "other scheme", "bare key", "revoked key")


def _observed(sandbox: Sandbox, name: str) -> Effect:
    """Return what a request shows: the response by members, and the message afterwards."""
    state, method, key = ASKED[name]
    message = sandbox.messages.get(state, "message_0")
    for _ in range(2 if name == "retried twice" else 1):
        response = sandbox.handle(_request(sandbox, message, method, key(sandbox)))
    after = sandbox.service.messages.get(message)
    shown: Effect = {"status": response.status, "pace": response.pace, **response.headers}
    try:
        payload = response.json()
    except ValueError:
        payload = response.body
    members = payload if isinstance(payload, dict) else {BODY: payload}
    shown |= {f"/{name}": value for name, value in members.items() if name != "error"}
    shown |= {f"/error/{name}": value for name, value in members.get("error", {}).items()}
    if after is not None:
        shown |= {"then": after.status, "then updated": after.updated_at}
        shown |= {"then tried": len(after.attempts)}
    elif state in sandbox.messages:
        shown["then"] = GONE
    return shown


@functools.cache
def _documented(name: str) -> Effect:
    return _observed(_sandbox(), name)


def _effect(fault: str, name: str) -> Effect:
    """Return what a fault makes different; of a response of another kind, its status or body."""
    was, now = _documented(name), _observed(_sandbox(fault), name)
    if (was["status"] < 300) != (now["status"] < 300):
        return {"status": now["status"]}
    if f"/{BODY}" in now:
        return {BODY: now[f"/{BODY}"]}
    both = [(k, was.get(k, ABSENT), now.get(k, ABSENT)) for k in {**was, **now}]
    return {key: after for key, before, after in both if before != after}


def _payload(name: str) -> Effect:
    return {key[1:]: value for key, value in _documented(name).items() if key.startswith("/")}


def _accepted(**changes: Any) -> dict[str, Effect]:
    members = {f"/{name}": value for name, value in changes.items()}
    return dict.fromkeys(ACCEPTED, members)


def _all(names: tuple[str, ...], **changes: Any) -> dict[str, Effect]:
    return {name: {key.replace("_", " "): v for key, v in changes.items()} for name in names}


def _creator() -> Any:
    return _payload("failure")["creatorId"]


def _refused(**changes: Any) -> dict[str, Effect]:
    changed = {f"/{name}": value for name, value in changes.items()}
    return dict.fromkeys(REFUSED, dict.fromkeys(ENVELOPE, ABSENT) | changed)


def _recoded(code: str) -> dict[str, Effect]:
    changes = {"/error/code": code, "/error/message": "No.", "/error/id": "1"}
    return dict.fromkeys(REFUSED, changes)


NOTHING: dict[str, Effect] = {}
HTML = b"<!DOCTYPE html><html><title>Bad Request</title><h1>Bad Request</h1></html>"
TRACE = "Error: no\n    at retryMessage (/app/node_modules/server/retry.js:10:5)"
MOMENT = timedelta(milliseconds=1)
KEY = _sandbox().own.key
UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
EFFECTS: dict[str, dict[str, Effect]] = {
    "creator-id-missing": _accepted(creatorId=ABSENT),
    "creator-id-number": _accepted(creatorId=42),
    "creator-id-empty": _accepted(creatorId=""),
    "creator-id-wrong-case": _accepted(creatorId=ABSENT, creatorID=_creator()),
    "creator-id-nested": _accepted(creatorId=ABSENT, templateBody={"creatorId": _creator()}),
    "creator-id-null": _accepted(creatorId=None),
    "creator-id-changed": _accepted(creatorId="user" + SOMEBODY),
    "field-dropped": _accepted(templateBodyId=ABSENT),
    "field-renamed": _accepted(recipient=ABSENT, to="6522222222"),
    "field-retyped": _accepted(campaignId=7),
    "field-null": _accepted(fullMessage=None),
    "recipient-with-plus": _accepted(recipient="+6522222222"),
    "timestamp-without-offset": _accepted(createdAt="2026-03-02T11:59:43.000"),
    "timestamp-as-number": _accepted(updatedAt=1715849339157),
    "values-as-text": _accepted(values="{}"),
    "values-lost": _accepted(values={}),
    "unicode-mangled": _accepted(values={"name": "T?st ??"}),
    "full-message-changed": _accepted(fullMessage="Another text."),
    "template-changed": _accepted(templateBodyId="template_body" + SOMEBODY),
    "created-at-moved": _accepted(createdAt="2026-03-02T12:00:00.000+08:00"),
    "updated-at-stale": _accepted(updatedAt="2025-03-02T12:00:00.000+08:00"),
    "updated-before-created": _accepted(updatedAt="1926-03-02T11:59:43.000+08:00"),
    "id-changed": _accepted(id="message" + SOMEBODY),
    "campaign-changed": _accepted(campaignId="campaign" + SOMEBODY),
    "recipient-changed": _accepted(recipient="6511111111"),
    "status-not-reset": _accepted(latestStatus="failure"),
    "status-enqueued": _accepted(latestStatus="enqueued"),
    "undocumented-field": _accepted(providerReference="none"),
    "timestamp-in-utc": _accepted(createdAt="2026-03-02T03:59:43.000+00:00"),
    "single-send-differs": {"Single Send": {"/templateBodyId": "template_body" + SOMEBODY}},
    "retrieve-field-retyped": {"Retrieve": {"/attempts": {}}},
    "send-field-dropped": {"Single Send": {"/language": ABSENT}},
    "body-cut-off": _all(ACCEPTED, body=b'{"createdAt":"2026-03-02T11:59:43.000+08'),
    "body-empty": _all(ACCEPTED, body=b""),
    "body-in-array": {name: {BODY: [_payload(name)]} for name in ACCEPTED},
    "unfailed-accepted": _all(UNFAILED, status=201),
    "success-accepted": _all(("success",), status=201),
    "second-retry-accepted": _all(("retried twice",), status=201),
    "second-retry-repeated": _all(("retried twice",), status=201),
    "cap-too-early": {
        "attempts-spent": {
            "/error/code": UNRETRYABLE,
            "/error/message": "The message was not found, or is not in failure status.",
        }
    },
    "cap-ignored": _all(("attempts-spent",), status=201),
    "batch-status-ignored": _all(CLOSED, status=201),
    "batch-refused": _all(("batch:messages_enqueuing_failed",), status=400),
    "state-not-changed": {
        **_all(ACCEPTED, then="failure", then_updated=NOON - timedelta(seconds=8.5), then_tried=1),
        **_all(("retried twice",), status=201),
    },
    "message-lost": _all(
        (*ACCEPTED, "retried twice"), then=GONE, then_updated=ABSENT, then_tried=ABSENT
    ),
    "refusal-loses-message": _all(KNOWN, then=GONE, then_updated=ABSENT, then_tried=ABSENT),
    "refusal-touches-message": {
        **_all(KNOWN, then_updated=NOON - timedelta(seconds=8.5) + MOMENT),
        **_all(("retried twice",), then_updated=NOON + MOMENT),
    },
    "refusal-sends-message": _all(
        tuple(n for n in (*KNOWN, *UNAUTHORISED) if n != "enqueued"), then="enqueued"
    ),
    "answers-200": _all(ACCEPTED, status=200),
    "answers-202": _all(ACCEPTED, status=202),
    "no-key-accepted": _all(("no key",), status=201),
    "concurrent-accepted": _all(("retried twice",), status=201),
    "attempt-lost": _all((*ACCEPTED, "retried twice"), then_tried=1),
    "delete-refused-and-done": _all(("DELETE",), then=GONE, then_updated=ABSENT, then_tried=ABSENT),
    "bare-key-accepted": _all(("bare key",), status=201),
    "revoked-key-accepted": _all(("revoked key",), status=201),
    "malformed-id-is-500": _all(("unknown",), status=500),
    "head-accepted": _all(("HEAD",), status=201),
    "no-key-forbidden": _all(UNAUTHORISED, status=403),
    "wrong-key-accepted": _all(("wrong key", "revoked key"), status=201),
    "wrong-scheme-accepted": _all(("other scheme",), status=201),
    "foreign-campaign-accepted": {
        **_all(("foreign key",), status=201),
        "foreign campaign": {
            "status": 400,
            "/error/code": UNRETRYABLE,
            "/error/message": "The message was not found, or is not in failure status.",
        },
    },
    "campaign-not-checked": _all(
        ("foreign key", "foreign campaign", "unknown campaign"), status=201
    ),
    "unknown-campaign-is-500": _all(("unknown campaign",), status=500),
    "key-echoed": _refused(message=f"refused: Bearer {KEY}", statusCode=400),
    "unknown-is-404": _all(("unknown",), status=404),
    "unknown-is-500": _all(("unknown",), status=500),
    "unfailed-is-409": _all((*UNFAILED, "retried twice"), status=409),
    "spent-is-409": _all(("attempts-spent",), status=409),
    "error-is-html": _all(REFUSED, body=HTML),
    "stack-trace-shown": _refused(message=TRACE, statusCode=400),
    "error-envelope-unknown": _refused(errors=["No."]),
    "error-status-differs": _refused(message="No.", statusCode=422),
    "error-code-unknown": _recoded("retry_failed"),
    "error-code-of-another-cause": _recoded("parameter_invalid"),
    "content-type-is-html": _all(ACCEPTED, **{"content-type": "text/html; charset=utf-8"}),
    "error-content-type-is-text": _all(REFUSED, **{"content-type": "text/plain"}),
    "wrong-method-accepted": _all(("PUT",), status=201),
    "delete-is-500": _all(("DELETE",), status=500),
    "wrong-method-is-500": _all(("PUT", "HEAD", "DELETE"), status=500),
    "cutover-early": NOTHING,
    "cutover-late": NOTHING,
    "cutover-flaps-by-request": NOTHING,
    "cutover-of-retry-only": _accepted(creatorId=ABSENT),
    "cutover-not-of-retrieve": {"Retrieve": {"/creatorId": ABSENT}},
    "response-drips": _all(ACCEPTED, pace="drip"),
    "response-stalls": _all(ACCEPTED, pace="stall"),
    "no-response": _all(ACCEPTED, pace="silent"),
    "connection-reset": _all(ACCEPTED, pace="reset"),
}
"""What each fault makes different, request by request, None for what is no longer there."""


@pytest.mark.parametrize("fault", EFFECTS)
def test_fault_does_what_it_says_and_nothing_else(fault: str) -> None:
    found = {name: _effect(fault, name) for name in ASKED}
    assert {name: effect for name, effect in found.items() if effect} == EFFECTS[fault]


def test_failed_message_is_refused_whatever_else_is_asked() -> None:
    effects = {name: _effect("failed-refused", name) for name in ASKED}
    of_status = {name for name, effect in effects.items() if effect.get("status") == 400}
    assert of_status == {"failure"}
    assert effects["retried twice"]["then"] == "failure"
    nothing_else = (*UNFAILED, *CLOSED, *ACCEPTED[1:], "unknown", *UNAUTHORISED, "foreign key")
    assert not any(effects[name] for name in nothing_else)


def test_every_fault_is_in_the_table_or_has_a_test_of_its_own() -> None:
    own = {"failed-refused", "cutover-flaps-by-message", *OF_ODD_MESSAGES}
    assert FAULTS.keys() - EFFECTS.keys() == own


OF_ODD_MESSAGES: dict[str, tuple[str, Callable[[Sandbox, dict[str, Any]], Effect]]] = {
    "creator-id-missing-of-old": ("before-cutover", lambda _, __: {"creatorId": ABSENT}),
    "creator-id-of-caller": ("other-creator", lambda box, _: {"creatorId": box.own.creator}),
    "values-escaped": (
        "special-values",
        lambda _, was: {"values": {"name": was["values"]["name"].replace('"', "&quot;")}},
    ),
}


@pytest.mark.parametrize("fault", OF_ODD_MESSAGES)
@pytest.mark.parametrize("state", ["failure", *ODD])
def test_fault_is_about_odd_messages_alone(fault: str, state: str) -> None:
    own, expected = OF_ODD_MESSAGES[fault]
    right, wrong = _sandbox(), _sandbox(fault)
    was, now = (
        box.handle(_request(box, box.messages[state], "POST", own_key(box))).json()
        for box in (right, wrong)
    )
    differs = {k: now.get(k, ABSENT) for k in was if was[k] != now.get(k, ABSENT)}
    if "values" in differs:
        differs["values"] = {"name": differs["values"]["name"].replace("&#x27;", "'")}
    assert differs == (expected(wrong, was) if state == own else {})


# The cutover


CUTOVER = datetime(2025, 2, 23, 16, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def _creators(sandbox: Sandbox, *messages: str, method: str = "POST") -> list[bool]:
    responses = [sandbox.handle(_request(sandbox, m, method, own_key(sandbox))) for m in messages]
    return ["creatorId" in response.json() for response in responses]


@pytest.mark.parametrize(
    ("fault", "instant"), [("cutover-early", CUTOVER - HOUR), ("cutover-late", CUTOVER + HOUR)]
)
@pytest.mark.parametrize(("shift", "there"), [(-SECOND, False), (timedelta(), True)])
def test_cutover_comes_an_hour_early_or_late(
    fault: str, instant: datetime, shift: timedelta, there: bool
) -> None:
    sandbox = _sandbox(fault, contract="auto", now=instant + shift)
    message = sandbox.messages["failure"]
    assert _creators(sandbox, message, method="GET") == [there]
    assert _creators(sandbox, message) == [there]


@pytest.mark.parametrize("contract", ["before", "after"])
def test_every_other_retry_is_answered_by_the_other_contract(contract: str) -> None:
    sandbox = _sandbox("cutover-flaps-by-request", contract=contract)
    there = contract == "after"
    shown = []
    for message in sandbox.make("failure", 4):
        assert _creators(sandbox, message, method="GET") == [there]
        shown += _creators(sandbox, message)
    assert shown == [there, not there] * 2


@pytest.mark.parametrize("contract", ["before", "after"])
def test_some_messages_are_answered_for_by_the_other_contract(contract: str) -> None:
    sandbox = _sandbox("cutover-flaps-by-message", contract=contract)
    messages = sandbox.make("failure", 40)
    even = [message[-1] in "02468ace" for message in messages]
    assert 0 < even.count(True) < 40
    expected = [(contract == "after") is not flapping for flapping in even]
    for method in ("GET", "POST", "GET"):
        assert _creators(sandbox, *messages, method=method) == expected


@pytest.mark.parametrize(
    ("fault", "other"),
    [("cutover-of-retry-only", {"POST"}), ("cutover-not-of-retrieve", {"GET"})],
)
@pytest.mark.parametrize("contract", ["before", "after"])
def test_retry_and_retrieve_disagree(fault: str, other: set[str], contract: str) -> None:
    sandbox = _sandbox(fault, contract=contract)
    for method in ("SEND", "GET", "POST", "GET"):
        expected = (contract == "after") is not (method in other)
        assert _creators(sandbox, sandbox.messages["failure"], method=method) == [expected]


def test_leap_day_a_year_earlier_is_a_day_that_there_was() -> None:
    sandbox = _sandbox("updated-at-stale", now=datetime(2028, 2, 29, 4, tzinfo=UTC))
    response = sandbox.handle(
        _request(sandbox, sandbox.messages["failure"], "POST", own_key(sandbox))
    )
    assert response.json()["updatedAt"] == "2027-02-28T12:00:00.000+08:00"


@pytest.mark.parametrize("fault", sorted(f for f in FAULTS if f.startswith("creator-id-")))
def test_fault_in_creator_id_leaves_a_response_without_one_alone(fault: str) -> None:
    faulty, documented = _sandbox(fault, contract="before"), _sandbox(contract="before")
    assert _observed(faulty, "failure") == _observed(documented, "failure")


def test_flat_error_is_recoded_into_one_envelope() -> None:
    start = Start("after", NOON, ("error-code-unknown",), Settings(errors="flat"))
    sandbox = Sandbox(CONTRACTS, start, lambda: NOON)
    shown = _observed(sandbox, "unknown")
    assert {name for name in shown if name.startswith("/")} == set(ENVELOPE)
    assert shown["/error/code"] == "retry_failed"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("key", [None, "Bearer key_test_0", f"Bearer {KEY}"])
def test_fault_answers_at_any_path(fault: str, key: str | None) -> None:
    sandbox = _sandbox(fault)
    headers = {} if key is None else {"authorization": key}
    for path in ("/", "/retry", "/messages/retry"):
        assert sandbox.handle(Request("POST", path, headers)).status == 404
    path = "/api/v2/campaigns/campaign_0/messages/message_0/retry"
    stumbles = (500,) if fault == "unknown-campaign-is-500" else ()
    assert sandbox.handle(Request("POST", path, headers)).status in (401, 403, *stumbles)


@pytest.mark.parametrize("fault", one_in(4, FAULTS))
def test_fault_answers_together_with_any_other(fault: str) -> None:
    sandbox = _sandbox()
    for other in FAULTS:
        sandbox.switch((fault, other))
        for name in ("failure", "sent", "unknown", "no key", "PUT", "Retrieve", "Single Send"):
            state, method, key = ASKED[name]
            message = sandbox.make(state)[0] if state in STATES else "message_0"
            response = sandbox.handle(_request(sandbox, message, method, key(sandbox)))
            assert 200 <= response.status <= 500


# What faults are made of


@pytest.mark.parametrize(
    ("method", "tail", "retrieve", "retry", "send"),
    [
        ("GET", "/messages/message_1", True, False, False),
        ("GET", "/messages/message_1/retry", False, False, False),
        ("GET", "/messages", False, False, False),
        ("POST", "/messages/message_1", False, False, False),
        ("POST", "/messages/message_1/retry", False, True, False),
        ("POST", "/messages", False, False, True),
        ("PUT", "/messages/message_1/retry", False, False, False),
    ],
)
def test_request_is_known_by_its_method_and_its_path(
    method: str, tail: str, retrieve: bool, retry: bool, send: bool
) -> None:
    request = Request(method, f"/api/v2/campaigns/campaign_1{tail}")
    assert (is_retrieve(request), is_retry(request), is_send(request)) == (retrieve, retry, send)


def test_cap_is_forgotten_with_all_attempts_but_the_last() -> None:
    sandbox = _sandbox("cap-ignored")
    message = sandbox.messages["attempts-spent"]
    sandbox.handle(_request(sandbox, message, "POST", own_key(sandbox)))
    assert len(sandbox.service.messages[message].attempts) == 2
