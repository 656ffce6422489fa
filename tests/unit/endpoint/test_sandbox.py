"""The sandbox's server, over real HTTP on loopback: how it answers, and what it withstands."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint import connection as module
from retry_contract.endpoint.sandbox_client import VARIABLE, _add_message, states_of
from retry_contract.endpoint.server import serve
from retry_contract.outcome import UsageError
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import PREFIX, Settings

SLOW = Settings(delivery=timedelta(minutes=1))


@dataclass(frozen=True)
class Here:
    """A sandbox that is being served."""

    url: str
    sandbox: Sandbox

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.sandbox.own.key}"}

    def retry(self, message: str | None = None, timeout: float = 10) -> httpx.Response:
        message = message or self.sandbox.make("failure")[0]
        path = f"{PREFIX}/campaigns/{self.sandbox.own.id}/messages/{message}/retry"
        with httpx.Client(trust_env=False, verify=False, timeout=timeout) as client:
            return client.post(self.url + path, headers=self.headers)

    def connect(self) -> socket.socket:
        place = urlsplit(self.url)
        return socket.create_connection((place.hostname, place.port), timeout=10)


@pytest.fixture(scope="module")
def here() -> Iterator[Here]:
    sandbox = Sandbox(catalogue(), Start("after", settings=SLOW), lambda: datetime.now(UTC))
    with serve(sandbox.handle) as (url,):
        yield Here(url, sandbox)


@pytest.fixture(autouse=True)
def documented(here: Here) -> Iterator[None]:
    yield
    here.sandbox.reset()


def test_response_is_that_of_the_model(here: Here) -> None:
    response = here.retry()
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert "server" not in response.headers
    assert here.retry("message_of_nobody").status_code == 400
    controls = httpx.get(here.url + CONTROL + "/requests", trust_env=False).json()
    assert [request["status"] for request in controls["requests"]] == [201, 400]


def test_many_clients_that_retry_one_message_see_one_201(here: Here) -> None:
    (message,) = here.sandbox.make("failure")
    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(lambda _: here.retry(message).status_code, range(64)))
    assert sorted(statuses) == [201] + [400] * 63


def test_connection_is_reset(here: Here) -> None:
    here.sandbox.switch(("connection-reset",))
    with pytest.raises(httpx.ReadError, match="reset"):
        here.retry()
    here.sandbox.switch(())
    assert here.retry().status_code == 201


@pytest.mark.parametrize("fault", ["response-stalls", "response-drips", "no-response"])
def test_response_is_slower_than_anyone_waits(
    fault: str, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DRIP", 5)
    here.sandbox.switch((fault,))
    with pytest.raises(httpx.ReadTimeout):
        here.retry(timeout=0.1)
    here.sandbox.switch(())
    assert here.retry().status_code == 201


@pytest.mark.slow
def test_dripped_response_arrives_in_the_end(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DRIP", 0.0001)
    here.sandbox.switch(("response-drips",))
    assert here.retry().json()["latestStatus"] == "created"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 2_000_000, 431),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 2_000_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 400_000, 431),
        (b"POST / HTTP/1.1\r\ncontent-length: 3000000\r\n\r\n" + b"a" * 3_000_000, 413),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"\r\n\r\n\x00\x00\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_of_a_sensible_size_is_refused(
    head: bytes, status: int, here: Here
) -> None:
    with here.connect() as client:
        client.sendall(head)
        client.shutdown(socket.SHUT_WR)
        assert read_refusal(client) == status
    assert here.retry().status_code == 201


def read_refusal(client: socket.socket) -> int:
    """Return the status of a response, which says why, and ends the connection."""
    head, _, body = b"".join(iter(lambda: client.recv(4096), b"")).partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert json.loads(body)["error"]
    return int(head.split()[1])


def test_random_bytes_leave_it_serving(here: Here) -> None:
    source = random.Random(20250224)
    for _ in range(100):
        with here.connect() as client:
            client.sendall(source.randbytes(source.randrange(1, 400)))
    assert here.retry().status_code == 201


@pytest.mark.slow
def test_ten_thousand_abandoned_connections_leave_it_serving(here: Here) -> None:
    for number in range(10_000):
        with here.connect() as client:
            client.sendall(b"POST /api" * (number % 2))
    assert here.retry().status_code == 201


def test_connections_that_are_held_open_leave_it_serving(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 20)
    with contextlib.ExitStack() as held:
        clients = [held.enter_context(here.connect()) for _ in range(60)]
        clients[-1].sendall(b"POST /api")
        assert here.retry().status_code == 201
        for client in clients[:30]:
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b"", "the oldest are dropped"


def test_request_that_never_comes_is_given_up(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    with here.connect() as client:
        assert client.recv(1) == b""
    with here.connect() as client:
        client.sendall(b"POST /api")
        assert read_refusal(client) == 408


def test_port_that_is_taken_is_a_usage_error(here: Here) -> None:
    port = urlsplit(here.url).port
    assert port is not None
    with pytest.raises(UsageError, match=f"--port {port}: .*--port 0 takes any that is free"):
        serve(here.sandbox.handle, port=port).__enter__()


def test_controls_provide_messages_for_a_verification(here: Here) -> None:
    state_of = states_of(here.url + PREFIX, {VARIABLE: here.url + CONTROL})
    assert state_of is not None
    messages = here.sandbox.service.messages
    spent, foreign = state_of("attempts-spent"), state_of("foreign")
    assert spent is not None
    assert foreign is not None
    assert len(messages[spent].attempts) == 3
    assert messages[foreign].campaign == here.sandbox.foreign.id
    assert state_of("no such state") is None


@pytest.mark.parametrize(
    "control", ["", "http://127.0.0.1:1/_sandbox", "https://example.invalid/_sandbox", "http://[x"]
)
def test_controls_of_another_service_are_not_used(control: str, here: Here) -> None:
    assert states_of(here.url + PREFIX, {VARIABLE: control}) is None
    assert states_of("https://test.postman.gov.sg/api/v2", {VARIABLE: control}) is None


def test_controls_are_never_looked_for_on_another_machine(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _add_message(here.url + CONTROL, "failure") is not None
    lead = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: lead)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    for control in (
        "http://elsewhere.example/_sandbox",
        here.url.replace("127.0.0.1", "localhost"),
    ):
        assert _add_message(control, "failure") is None


def test_controls_that_are_gone_provide_nothing(here: Here) -> None:
    gone = "http://127.0.0.1:1"
    state_of = states_of(gone + PREFIX, {VARIABLE: gone + CONTROL})
    assert state_of is not None
    assert state_of("failure") is None


def _gzip(text: bytes) -> tuple[bytes, dict[str, str]]:
    return gzip.compress(text), {"content-encoding": "gzip"}


def _twice(text: bytes) -> tuple[bytes, dict[str, str]]:
    return gzip.compress(gzip.compress(text)), {"content-encoding": "gzip, gzip"}


GRANTED = b'{"messages": ["message_1"]}'
NOTHING = {
    "compressed": (201, *_gzip(GRANTED)),
    "compressed twice, and larger than memory": (201, *_twice(GRANTED + b" " * 100_000_000)),
    "larger than 64 KiB": (201, GRANTED + b" " * 65_536, {}),
    "deep": (201, b"[" * 60_000, {}),
    "a number": (201, b'{"messages": [1]}', {}),
    "no message": (201, b'{"messages": []}', {}),
    "another status": (200, GRANTED, {}),
    "elsewhere": (307, b"", {"location": "/_sandbox/other"}),
}


@pytest.mark.parametrize("name", NOTHING)
def test_controls_that_misbehave_provide_nothing(name: str) -> None:
    status, body, headers = NOTHING[name]
    asked: list[Request] = []

    def handle(request: Request) -> Response:
        asked.append(request)
        return Response(status, body, headers)

    with serve(handle) as (url,):
        assert _add_message(url + CONTROL, "failure") is None
    assert [request.headers["accept-encoding"] for request in asked] == ["identity"]


def test_controls_are_read_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serve(lambda _: Response(201, GRANTED)) as (url,):
        assert _add_message(url + CONTROL, "failure") == "message_1"


def test_each_handler_is_served_at_a_port_of_its_own() -> None:
    def answering(status: int) -> Handler:
        def handle(_: Request) -> Response:
            return Response(status)

        return handle

    with (
        serve(*(answering(status) for status in (200, 201, 202))) as urls,
        httpx.Client(trust_env=False, verify=False) as client,
    ):
        assert [client.get(url).status_code for url in urls] == [200, 201, 202]
