"""What the service says where it refuses, in either envelope, and what it says on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Settings

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
SEND = {"recipient": "6522222222", "language": "english", "values": {"name": "Tan"}}
UNRETRYABLE = (
    "message_not_found_or_retry_message_not_in_failure_status",
    "The message was not found, or is not in failure status.",
)


class Bench:
    """A sandbox whose clock stands still until it is moved."""

    def __init__(self, **settings: Any) -> None:
        self.time = NOON
        start = Start(settings=Settings(**settings))
        self.sandbox = Sandbox(catalogue(), start, lambda: self.time)

    def ask(self, method: str, path: str, body: Any = None) -> Response:
        headers = {"authorization": f"Bearer {self.sandbox.own.key}"}
        path = path.format(self.sandbox.own.id, foreign=self.sandbox.foreign.id)
        content = b"" if body is None else json.dumps(body).encode()
        return self.sandbox.handle(Request(method, f"/api/v2/campaigns/{path}", headers, content))

    def message(self, message: str) -> Any:
        return self.ask("GET", f"{{}}/messages/{message}").json()


def _send(**changes: Any) -> tuple[str, str, Any]:
    return "POST", "{}/messages", {**SEND, **changes}


REFUSALS: tuple[tuple[tuple[str, str, Any], int, tuple[str, str]], ...] = (
    (("POST", "{}/messages/message_0/retry", None), 400, UNRETRYABLE),
    (
        ("GET", "{}/messages/message_0", None),
        404,
        ("message_not_found", "The message was not found."),
    ),
    (("POST", "{}/other", None), 404, ("not_found", "There is nothing at this path.")),
    (("PUT", "{}/messages/message_0/retry", None), 405, ("method_not_allowed", "Use POST.")),
    (("POST", "{}/messages/message_0", None), 405, ("method_not_allowed", "Use GET.")),
    (
        ("GET", "{foreign}/messages/message_0", None),
        403,
        ("forbidden", "This key is not for this campaign."),
    ),
    (
        ("POST", "{}/messages", []),
        400,
        ("parameter_invalid", "The body must be a JSON object."),
    ),
    (
        _send(recipient="x"),
        400,
        ("parameter_invalid", "recipient must be a phone number."),
    ),
    (
        _send(language="klingon"),
        400,
        ("parameter_invalid", "language is not one of the campaign's."),
    ),
    (
        _send(values={"name": ""}),
        400,
        ("parameter_invalid", "values must be an object of non-empty strings."),
    ),
)


@pytest.mark.parametrize(("asked", "status", "said"), REFUSALS)
def test_refusal_comes_in_either_envelope(
    asked: tuple[str, str, Any], status: int, said: tuple[str, str]
) -> None:
    code, words = said
    nested, flat = (Bench(errors=errors).ask(*asked) for errors in ("nested", "flat"))
    assert (nested.status, flat.status) == (status, status)
    assert flat.json() == {"message": words, "statusCode": status}
    error = nested.json()["error"]
    assert error.pop("id").startswith("trace_")
    assert error == {"code": code, "message": words, "type": "domain_error"}


def test_message_that_was_tried_too_often_is_refused() -> None:
    bench = Bench()
    response = bench.ask("POST", f"{{}}/messages/{bench.sandbox.messages['attempts-spent']}/retry")
    error = response.json()["error"]
    assert (response.status, error["code"]) == (400, "too_many_message_attempts_error")
    assert error["message"] == "The message has been tried 3 times."


def test_rate_is_refused_for_a_second_only() -> None:
    bench = Bench(rate=1)
    assert [bench.ask(*_send()).status for _ in range(2)] == [201, 429]
    error = bench.ask(*_send()).json()["error"]
    assert error["code"] == "too_many_requests"
    assert error["message"] == "Too many requests; back off."
    bench.time += timedelta(seconds=1)
    assert bench.ask(*_send()).status == 201


def test_attempt_has_no_error_until_it_has_failed() -> None:
    bench = Bench(delivery=timedelta(seconds=4))
    sent = bench.ask(*_send()).json()
    assert (sent["language"], bench.message(sent["id"])["language"]) == ("english", "english")
    shown = []
    for _ in range(5):
        (attempt,) = bench.message(sent["id"])["attempts"]
        shown.append((attempt["status"], attempt.get("error", {}).get("code")))
        bench.time += timedelta(seconds=1)
    assert shown == [
        ("created", None),
        ("enqueued", None),
        ("sending", None),
        ("sent", None),
        ("failure", "server_unknown_error"),
    ]
