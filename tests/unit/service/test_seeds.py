"""Messages in a named state, as Retrieve shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.controls import STATES, Sandbox, Start
from retry_contract.service.http import Request, Response
from retry_contract.service.model import simulator_number

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
CREATED = {
    "failure": "2026-03-02T11:59:43.000+08:00",
    "before-cutover": "2016-03-04T12:00:00.000+08:00",
}
SERVER_ERROR = {"type": "server_error", "code": "server_unknown_error"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(catalogue(), Start(), lambda: NOON)


def _ask(sandbox: Sandbox, method: str, path: str, body: bytes = b"") -> Response:
    headers = {"authorization": f"Bearer {sandbox.own.key}"}
    path = f"/api/v2/campaigns/{sandbox.own.id}/messages{path}"
    return sandbox.handle(Request(method, path, headers, body))


def _shown(sandbox: Sandbox, state: str) -> dict[str, Any]:
    payload: dict[str, Any] = _ask(sandbox, "GET", f"/{sandbox.messages[state]}").json()
    return payload


@pytest.mark.parametrize("state", STATES)
def test_attempts_end_as_the_message_does(state: str, sandbox: Sandbox) -> None:
    shown = _shown(sandbox, state)
    attempts = shown["attempts"]
    assert len(attempts) == (3 if state == "attempts-spent" else 1)
    for attempt in attempts:
        assert attempt["status"] == shown["latestStatus"]
        assert attempt["createdAt"] == shown["createdAt"] == CREATED.get(state, CREATED["failure"])
        assert attempt.get("error") == (SERVER_ERROR if attempt["status"] == "failure" else None)
    assert shown["updatedAt"] == "2026-03-02T11:59:51.500+08:00"
    assert shown["recipient"] == simulator_number()


def test_odd_messages_differ_from_others_in_a_member(sandbox: Sandbox) -> None:
    plain = _shown(sandbox, "failure")
    assert _shown(sandbox, "other-creator")["creatorId"] != plain["creatorId"]
    assert _shown(sandbox, "before-cutover")["creatorId"] == plain["creatorId"]
    name = _shown(sandbox, "special-values")["values"]["name"]
    assert {"'", '"', "\N{SLIGHTLY SMILING FACE}"} <= {*name}


@pytest.mark.parametrize("status", ["messages_enqueued", "messages_enqueuing_failed", "success"])
def test_batch_is_shown_with_its_number_and_status(status: str, sandbox: Sandbox) -> None:
    (batch,) = _shown(sandbox, f"batch:{status}")["batches"]
    assert batch["status"] == status
    assert batch["id"].isdecimal()
    assert _shown(sandbox, "failure")["batches"] == []


def test_half_of_a_surrogate_pair_comes_back(sandbox: Sandbox) -> None:
    wanted = {"recipient": "6522222222", "language": "english", "values": {"name": "\ud800"}}
    response = _ask(sandbox, "POST", "", json.dumps(wanted).encode())
    assert response.status == 201
    text = response.body.decode("utf-8", "surrogatepass")
    assert json.loads(text)["values"] == {"name": "\ud800"}


def test_retrieve_shows_the_whole_message(sandbox: Sandbox) -> None:
    own, message = sandbox.own, sandbox.messages["batch:messages_enqueued"]
    made, changed = "2026-03-02T11:59:43.000+08:00", "2026-03-02T11:59:51.500+08:00"
    batch = sandbox.service.messages[message].batch
    assert batch is not None
    assert _shown(sandbox, "batch:messages_enqueued") == {
        "createdAt": made,
        "updatedAt": changed,
        "id": message,
        "recipient": "6522222222",
        "values": {"name": "Tést 测试"},
        "fullMessage": "This is a test message.\n\n---\n\n"
        "This is a message to you. Tést 测试\n\n---\n\nThis is an automated message.",
        "latestStatus": "failure",
        "templateBodyId": own.template_body,
        "campaignId": own.id,
        "creatorId": own.creator,
        "language": "english",
        "creatorEmail": f"{own.id}@postman.gov.sg",
        "templateBody": {
            "createdAt": "2024-01-02T00:00:00.000+08:00",
            "updatedAt": "2024-01-02T00:00:00.000+08:00",
            "id": own.template_body,
            "templateId": own.template_body.replace("_body", ""),
            "language": "english",
            "body": "This is a message to you. {{name}}",
            "creatorId": own.creator,
        },
        "batches": [{"id": batch.id, "status": "messages_enqueued"}],
        "attempts": [{"status": "failure", "createdAt": made, "error": SERVER_ERROR}],
    }
