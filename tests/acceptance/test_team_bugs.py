"""Each bug of the team's service shows, and only while it is switched on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support.team import BUGS, serve
from support.team.refusals import NOT_FAILED
from support.team_client import LONG, UNKNOWN, Client

# Retries that come together


def accepted_together(clients: list[Client], message: str) -> int:
    """Return how many retries of a message are accepted that are sent at once."""
    begin = threading.Barrier(len(clients))

    def retry(client: Client) -> int:
        begin.wait()
        return client.retry(message).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(retry, clients))
    assert set(statuses) <= {201, 400}
    return statuses.count(201)


@pytest.mark.parametrize("instances", [1, 2])
def test_one_of_eight_retries_at_once_is_accepted(instances: int) -> None:
    served = serve(instances=instances, balancer="connection", delivery=LONG)
    with served as team, contextlib.ExitStack() as stack:
        clients = [Client(team, keeps=1) for _ in range(8)]
        for client in clients:
            stack.callback(client.http.close)
        for _ in range(5):
            message = clients[0].new()
            assert accepted_together(clients, message) == 1
            assert len(clients[0].retrieve(message)["attempts"]) == 2
        team.bugs.add("concurrent-accepted")
        for _ in range(10):
            assert accepted_together(clients, clients[0].new()) > 1
        assert clients[0].retry_twice().status_code == 400


# Bugs


def retried(state: str, name: str) -> Callable[[Client], Any]:
    """Return a probe that tells whether a member of an accepted retry is as Retrieve showed it."""

    def probe(client: Client) -> bool:
        message = client.new(state)
        before = client.retrieve(message)
        return bool(client.retry(message).json().get(name) == before[name])

    return probe


def stored(state: str, ask: Callable[[Client, str], Any], name: str) -> Callable[[Client], Any]:
    """Return a probe that tells whether Retrieve shows a member as it did before a request."""

    def probe(client: Client) -> bool:
        message = client.new(state)
        before = client.retrieve(message)
        ask(client, message)
        return bool(client.retrieve(message).get(name) == before[name])

    return probe


def status(state: str, **how: Any) -> Callable[[Client], Any]:
    """Return a probe that tells the status of a retry's response."""
    return lambda client: client.retry(client.new(state), **how).status_code


def says(what: Callable[[httpx.Response], Any], message: str = UNKNOWN) -> Callable[[Client], Any]:
    """Return a probe that tells something of the response to a refused retry."""
    return lambda client: what(client.retry(message))


PROBES: dict[str, tuple[Callable[[Client], Any], Any, Any]] = {
    "unfailed-accepted": (status("sent"), 400, 201),
    "second-retry-accepted": (lambda c: c.retry_twice().status_code, 400, 201),
    "cap-missing": (status("attempts-spent"), 400, 201),
    "batch-ignored": (status("batch:success"), 400, 201),
    "no-key-accepted": (status("failure", authorization=None), 401, 201),
    "any-key-accepted": (status("failure", authorization="Bearer x"), 401, 201),
    "bare-key-accepted": (
        lambda c: c.retry(c.new(), authorization=c.team.key).status_code,
        *(401, 201),
    ),
    "revoked-key-works": (
        lambda c: c.retry(c.new(), authorization=f"Bearer {c.team.revoked_key}").status_code,
        *(401, 201),
    ),
    "foreign-campaign-accepted": (lambda c: c.retry_foreign().status_code, 403, 201),
    "attempts-lost": (stored("failure", Client.retry, "attempts"), False, True),
    "retry-not-stored": (stored("failure", Client.retry, "latestStatus"), False, True),
    "updated-at-stays": (retried("failure", "updatedAt"), False, True),
    "created-at-reset": (retried("failure", "createdAt"), True, False),
    "creator-becomes-caller": (retried("other-creator", "creatorId"), True, False),
    "status-200": (status("failure"), 201, 200),
    "text-plain": (
        lambda c: c.retry(c.new()).headers["content-type"].partition(";")[0],
        *("application/json", "text/plain"),
    ),
    "id-changes": (retried("failure", "id"), True, False),
    "campaign-id-wrong": (retried("failure", "campaignId"), True, False),
    "status-stays-failure": (retried("failure", "latestStatus"), False, True),
    "creator-missing-of-old": (
        lambda c: "creatorId" in c.retry(c.new("before-cutover")).json(),
        *(True, False),
    ),
    "values-mangled": (retried("special-values", "values"), True, False),
    "full-message-lost": (retried("failure", "fullMessage"), True, False),
    "template-changes": (retried("failure", "templateBodyId"), True, False),
    "recipient-plus": (retried("failure", "recipient"), True, False),
    "null-field": (lambda c: None in c.retry(c.new()).json().values(), False, True),
    "retrieve-lacks-field": (lambda c: "fullMessage" in c.retrieve(c.new()), True, False),
    "unknown-404": (says(lambda r: r.status_code), 400, 404),
    "refusal-touches": (stored("sent", Client.retry, "updatedAt"), True, False),
    "refusal-sends": (stored("sent", Client.retry, "attempts"), True, False),
    "error-detail": (says(lambda r: [*r.json()]), ["error"], ["detail"]),
    "wrong-code": (says(lambda r: r.json()["error"]["code"]), NOT_FAILED.code, "retry_failed"),
    "key-echoed": (lambda c: c.team.key in c.retry(UNKNOWN).text, False, True),
    "head-retries": (
        stored("failure", lambda c, message: c.ask("HEAD", message), "latestStatus"),
        *(True, False),
    ),
    "delete-deletes": (
        stored("failure", lambda c, message: c.ask("DELETE", message), "id"),
        *(True, False),
    ),
    "malformed-id-500": (says(lambda r: r.status_code, "message_1"), 400, 500),
    "nul-id-500": (says(lambda r: r.status_code, f"{UNKNOWN}%00"), 400, 500),
    "unknown-500": (says(lambda r: r.status_code), 400, 500),
    "sometimes-500": (
        lambda c: [c.retry(UNKNOWN).status_code for _ in range(10)].count(500),
        *(0, 2),
    ),
}
"""A probe for each bug, and what it tells without the bug and with it."""


@pytest.mark.parametrize("bug", PROBES)
def test_bug_shows(client: Client, bug: str) -> None:
    probe, without, with_it = PROBES[bug]
    assert probe(client) == without
    client.team.bugs.add(bug)
    assert probe(client) == with_it


def test_cap_that_comes_too_early_shows(quick_client: Client) -> None:
    client = quick_client
    for bug, expected in (("", 201), ("cap-too-early", 400)):
        client.team.bugs.add(bug)
        message = client.new()
        client.retry(message).raise_for_status()
        client.await_failure(message)
        assert client.retry(message).status_code == expected


def test_lost_attempt_is_delivered_all_the_same(quick_client: Client) -> None:
    quick_client.team.bugs.add("attempts-lost")
    message = quick_client.new()
    before = quick_client.retrieve(message)
    quick_client.retry(message).raise_for_status()
    after = quick_client.await_failure(message)
    assert after["updatedAt"] > before["updatedAt"]
    assert after["attempts"] == before["attempts"]


def test_every_bug_is_probed() -> None:
    assert {*PROBES, "concurrent-accepted", "cap-too-early"} == set(BUGS)


def test_connection_is_closed_after_an_exception(client: Client) -> None:
    client.team.bugs.add("unknown-500")
    url = httpx.URL(client.team.url)
    host, port = url.host, url.port
    path = f"/api/v2/campaigns/{client.team.campaign}/messages/{UNKNOWN}/retry"
    with socket.create_connection((host, port), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {client.team.key}"
        connection.sendall(f"{head}\r\n\r\n".encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 500 ")
    assert b"content-type: text/plain" in received
    assert received.endswith(b"\r\n\r\nInternal Server Error")
    assert b"connection: close" not in received.lower()
