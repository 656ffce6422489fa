"""The services of a user's own tests while a test stops or moves the time of day."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
from freezegun import freeze_time

from retry_contract.endpoint import server
from retry_contract.endpoint.server import serve
from retry_contract.plugin.services import RetryService, mock, sandbox
from retry_contract.service.http import Request, Response

AGES_AGO, FAR_AHEAD = "1980-01-01", "2061-07-28"
LONGEST_SLEEP = 0.12
"""Longer than the server sleeps at a time, in seconds."""
SOON = 10
"""In seconds. What has not ended by then hangs."""
Open = Callable[[str], AbstractContextManager[RetryService]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server that does not end by itself be seen."""
    monkeypatch.setattr(server, "_LONGEST_END", 60.0)


def ends(function: Callable[[], None]) -> None:
    """Run a function in a thread, and fail if it does not end soon."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


def retry(service: RetryService) -> str:
    """Return the `updatedAt` of an accepted retry."""
    path = f"/campaigns/{service.campaign}/messages/{service.new_message()}/retry"
    headers = {"authorization": f"Bearer {service.key}"}
    response = httpx.post(service.base_url + path, headers=headers, timeout=SOON)
    assert response.status_code == 201
    return str(response.json()["updatedAt"])


def goes_on(service: RetryService, pause: float = 0.01) -> None:
    """Check that the time of day stands still, and the clock of a service goes on."""
    now, before = datetime.now(UTC), retry(service)
    time.sleep(pause)
    assert before < retry(service)
    assert now == datetime.now(UTC)
    assert service.contract == "before-2025-02-24"


@pytest.mark.parametrize(
    ("open_service", "instant"),
    [(mock, FAR_AHEAD), (sandbox, FAR_AHEAD), (sandbox, AGES_AGO)],
    ids=["mock", "sandbox, ahead", "sandbox, ago"],
)
def test_service_is_begun_and_ended_while_the_clock_stands_still(
    open_service: Open, instant: str
) -> None:
    def use() -> None:
        with freeze_time(instant), open_service("before") as service:
            goes_on(service)

    ends(use)


@pytest.mark.parametrize("open_service", [mock, sandbox], ids=["mock", "sandbox"])
def test_clock_stands_still_and_is_moved_while_a_service_runs(open_service: Open) -> None:
    def use() -> None:
        with open_service("before") as service:
            with freeze_time(FAR_AHEAD) as frozen:
                goes_on(service, LONGEST_SLEEP)
                frozen.move_to(AGES_AGO)
                last = retry(service)
            assert last < retry(service)

    ends(use)


def test_service_ends_while_the_clock_stands_still() -> None:
    with ExitStack() as frozen:

        def use() -> None:
            with sandbox("before") as service:
                frozen.enter_context(freeze_time(FAR_AHEAD))
                goes_on(service, LONGEST_SLEEP)

        ends(use)


def test_server_is_left_while_a_handler_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_LONGEST_END", 0.1)
    asked, go, places = threading.Event(), threading.Event(), list[tuple[str, int]]()

    def handle(_: Request) -> Response:
        asked.set()
        go.wait()
        return Response(200)

    def use() -> None:
        with serve(handle) as (url,):
            place = urlsplit(url)
            places.append((str(place.hostname), int(place.port or 0)))
            with socket.create_connection(places[0]) as client:
                client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                assert asked.wait(SOON)

    ends(use)
    go.set()
    for thread in threading.enumerate():
        if thread.name == server.THREAD:
            thread.join(SOON)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(places[0])
