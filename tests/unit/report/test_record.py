"""What is kept of the exchanges of a run: their form, and nothing of a person or a key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retry_contract.exchange import Exchange
from retry_contract.privacy.names import MASK
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.report.recorder import Recorder

ID = "message_00000000-0000-4000-8000-000000000001"
KEY = "key_test_0123456789abcdef"
MESSAGE = {"id": ID, "recipient": "6591234567", "values": {"name": "Tan Ah Kow"}}


def _exchange(body: bytes, status: int = 201, **headers: str) -> Exchange:
    path = "/api/v2/campaigns/c/messages/message_1/retry"
    return Exchange(
        1, "retry", "POST", path, status, {k.replace("_", "-"): v for k, v in headers.items()}, body
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "record.jsonl"


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_exchange_is_one_line_with_its_body_masked(file: Path) -> None:
    earliest = datetime.now(UTC).replace(microsecond=0)
    body = json.dumps(MESSAGE).encode()
    Recorder(file, Scrubber(KEY)).write(_exchange(body, content_type="application/json"))
    (line,) = _lines(file)
    assert earliest <= datetime.fromisoformat(line.pop("time")) <= datetime.now(UTC)
    assert line == {
        "format": 1,
        "call": "retry",
        "method": "POST",
        "path": "/api/v2/campaigns/c/messages/message_1/retry",
        "status": 201,
        "headers": {"content-type": "application/json"},
        "body": {"id": ID, "recipient": "6500000000", "values": {"name": "*" * 10}},
    }


def test_headers_are_those_that_say_how_to_read_and_when_to_try_again(file: Path) -> None:
    shown = {"content_type": "text/plain", "retry_after": "3", "allow": "POST"}
    exchange = _exchange(b"{}", 429, **shown, set_cookie="session=1", x_trace="t")
    Recorder(file, Scrubber()).write(exchange)
    (line,) = _lines(file)
    assert line["headers"] == {"content-type": "text/plain", "retry-after": "3", "allow": "POST"}


def test_body_that_is_not_json_is_described_and_left_out(file: Path) -> None:
    Recorder(file, Scrubber()).write(_exchange(b"<html>Tan Ah Kow</html>", 502))
    (line,) = _lines(file)
    assert line["problem"] == "HTML or XML"
    assert "body" not in line
    assert "Tan" not in file.read_text(encoding="utf-8")


def test_secret_that_a_service_echoes_is_not_kept(file: Path) -> None:
    scrubber = Scrubber(KEY)
    scrubber.learn(MESSAGE)
    body = json.dumps({"id": KEY, "Tan Ah Kow": 1, "code": f"no {KEY}"}).encode()
    Recorder(file, scrubber).write(_exchange(body, allow=KEY))
    (line,) = _lines(file)
    described = {"id": "a string of 25 characters", "code": "a string of 28 characters"}
    assert line["body"] == {**described, MASK: 1}
    assert line["headers"] == {"allow": "a string of 25 characters"}
    assert KEY not in file.read_text(encoding="utf-8")


def test_each_exchange_is_on_file_as_soon_as_it_was_had(file: Path) -> None:
    recorder = Recorder(file, Scrubber())
    for number in (1, 2, 3):
        recorder.write(_exchange(b"{}", 200 + number))
        assert [line["status"] for line in _lines(file)] == [201, 202, 203][:number]


def test_path_names_no_person(file: Path) -> None:
    path = "/api/v2/campaigns/6590001234/messages/S7654321B/retry"
    Recorder(file, Scrubber()).write(Exchange(1, "retry", "POST", path, 201, {}, b"{}"))
    (line,) = _lines(file)
    assert line["path"] == f"/api/v2/campaigns/{MASK}/messages/{MASK}/retry"


def test_large_body_is_described(file: Path) -> None:
    for size in (16_384, 16_385):
        body = b'{"a": "' + b"x" * (size - 9) + b'"}'
        Recorder(file, Scrubber()).write(_exchange(body))
    first, second = _lines(file)
    assert set(first["body"]) == {"a"}
    assert second["problem"] == "an object of 1 member, over 16 KiB and so left out"
