"""The service of the team answers as documented, and each of its bugs shows."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.team import BUGS, Team, serve
from support.team.refusals import NOT_FAILED, TOO_MANY
from support.team.states import BATCHES, STATES, STATUSES

import retry_contract
from retry_contract.contract.catalogue import Kind, catalogue
from retry_contract.contract.validator import error_response_problem, validate

LONG = 600.0
"""A delivery, in seconds, of which a test sees the beginning only."""
UNKNOWN = "message_00000000-0000-4000-8000-00000000dead"


class Client:
    """One client of the service, with a connection for each request unless it keeps them.

    One that is kept may be closed by the service, after an exception, while a request is sent.
    """

    def __init__(self, team: Team, *, keeps: int = 0) -> None:
        self.team = team
        limits = httpx.Limits(max_keepalive_connections=keeps)
        self.http = httpx.Client(trust_env=False, verify=False, timeout=20, limits=limits)
        self.own = {"Authorization": f"Bearer {team.key}"}

    def new(self, state: str = "failure") -> str:
        message = self.team.new_message(state)
        assert message is not None
        return message

    def ask(
        self,
        method: str,
        message: str,
        tail: str = "/retry",
        campaign: str | None = None,
        authorization: str | None = "own",
    ) -> httpx.Response:
        headers = self.own if authorization == "own" else {"Authorization": authorization or ""}
        where = f"{self.team.url}/campaigns/{campaign or self.team.campaign}/messages"
        sent = {} if authorization is None else headers
        return self.http.request(method, f"{where}/{message}{tail}", headers=sent)

    def retry(self, message: str, **how: Any) -> httpx.Response:
        return self.ask("POST", message, **how)

    def retrieve(self, message: str) -> dict[str, Any]:
        payload: dict[str, Any] = self.ask("GET", message, "").json()
        return payload

    def send(self, **changes: Any) -> httpx.Response:
        body = {"recipient": "6511112222", "language": "english", "values": {"name": "Test"}}
        url = f"{self.team.url}/campaigns/{self.team.campaign}/messages"
        return self.http.post(url, json=body | changes, headers=self.own)

    def await_failure(self, message: str) -> dict[str, Any]:
        while (shown := self.retrieve(message))["latestStatus"] != "failure":
            pass
        return shown


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    with serve(delivery=LONG) as team:
        yield team


@pytest.fixture(scope="module")
def quick() -> Iterator[Team]:
    with serve(delivery=0.01) as team:
        yield team


@pytest.fixture
def client(team: Team) -> Iterator[Client]:
    client = Client(team)
    yield client
    client.http.close()
    team.bugs.clear()


@pytest.fixture
def quick_client(quick: Team) -> Iterator[Client]:
    client = Client(quick)
    yield client
    client.http.close()
    quick.bugs.clear()


# Without bugs


@pytest.mark.parametrize("contract", ["before", "after"])
def test_each_response_keeps_its_schema(client: Client, contract: str) -> None:
    client.team.contracts[:] = [contract]
    message = client.new("special-values")
    retrieved, retried = client.ask("GET", message, ""), client.retry(message)
    responses: dict[Kind, httpx.Response] = {
        "retrieve": retrieved,
        "retry": retried,
        "single-send": client.send(),
    }
    client.team.contracts[:] = ["after"]
    for kind, response in responses.items():
        found = validate(response.json(), catalogue()[contract], kind)
        assert (kind, found.violations, found.drift) == (kind, (), ())
        assert response.headers["content-type"] == "application/json"
    assert [response.status_code for response in responses.values()] == [200, 201, 201]
    assert retry_contract.violations(retried.json(), contract) == ()


def test_retry_resets_the_message_and_keeps_the_rest(client: Client) -> None:
    message = client.new("other-creator")
    before = client.retrieve(message)
    retried = client.retry(message).json()
    after = client.retrieve(message)
    assert (before["latestStatus"], retried["latestStatus"]) == ("failure", "created")
    assert retried["updatedAt"] > before["updatedAt"]
    assert retried.items() <= after.items()
    assert len(after["attempts"]) == 2
    assert after["attempts"][1:] == before["attempts"]
    moved = {"latestStatus", "updatedAt", "attempts"}
    assert {name for name in before if before[name] != after[name]} == moved


REFUSED: dict[str, tuple[Callable[[Client], httpx.Response], int, str]] = {
    "unknown": (lambda c: c.retry(UNKNOWN), 400, NOT_FAILED.code),
    "malformed": (lambda c: c.retry("message_1"), 400, NOT_FAILED.code),
    "malformed with NUL": (lambda c: c.retry(f"{UNKNOWN}%00"), 400, NOT_FAILED.code),
    "retrieve unknown": (lambda c: c.ask("GET", UNKNOWN, ""), 404, "message_not_found"),
    "retrieve malformed": (lambda c: c.ask("GET", "1", ""), 404, "message_not_found"),
    "second": (lambda c: retry_twice(c), 400, NOT_FAILED.code),
    "spent": (lambda c: c.retry(c.new("attempts-spent")), 400, TOO_MANY.code),
    "batch": (lambda c: c.retry(c.new("batch:other")), 400, NOT_FAILED.code),
    "no key": (lambda c: c.retry(c.new(), authorization=None), 401, ""),
    "other key": (lambda c: c.retry(c.new(), authorization="Bearer x"), 401, ""),
    "no scheme": (lambda c: c.retry(c.new(), authorization=c.team.key), 401, ""),
    "revoked": (lambda c: c.retry(c.new(), authorization=f"Bearer {c.team.revoked_key}"), 401, ""),
    "foreign": (lambda c: retry_foreign(c), 403, "forbidden"),
    "no campaign": (lambda c: c.retry(UNKNOWN, campaign="campaign_1"), 403, "forbidden"),
    "elsewhere": (lambda c: c.retry(c.new("foreign")), 400, NOT_FAILED.code),
    "PUT": (lambda c: c.ask("PUT", c.new()), 405, "method_not_allowed"),
    "DELETE": (lambda c: c.ask("DELETE", c.new()), 405, "method_not_allowed"),
    "GET": (lambda c: c.ask("GET", c.new()), 405, "method_not_allowed"),
    "slash": (lambda c: c.retry(c.new(), tail="/retry/"), 404, "not_found"),
    "send to a person": (lambda c: c.send(recipient="6590001234"), 400, "parameter_invalid"),
    "send to letters": (lambda c: c.send(recipient="+6511112222"), 400, "parameter_invalid"),
    "send no values": (lambda c: c.send(values={}), 400, "parameter_invalid"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_is_answered_as_documented(client: Client, case: str) -> None:
    ask, status, code = REFUSED[case]
    response = ask(client)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert error_response_problem(response.json(), catalogue()["after"]) is None
    if status == 401:
        assert response.json() == {"message": "Unauthorized", "statusCode": 401}
    else:
        assert response.json()["error"]["code"] == code


def test_head_is_refused(client: Client) -> None:
    message = client.new()
    before = client.retrieve(message)
    response = client.ask("HEAD", message)
    assert (response.status_code, response.content) == (405, b"")
    assert client.ask("HEAD", message, "").status_code == 405
    assert client.retrieve(message) == before


def test_message_of_each_state_is_at_rest_and_only_failed_ones_are_retried(
    quick_client: Client,
) -> None:
    client = quick_client
    refused = {*STATUSES, *BATCHES, "attempts-spent", "foreign"} - {
        *("failure", "batch:messages_enqueued", "batch:messages_enqueuing_failed")
    }
    for state in STATES:
        message = client.new(state)
        if state != "foreign":
            status = client.retrieve(message)["latestStatus"]
            assert status == (state if state in STATUSES else "failure")
        accepted = client.retry(message).status_code == 201
        assert (state, accepted) == (state, state not in refused)
    assert client.team.new_message("no such state") is None


def test_states_differ_in_what_they_are_for(client: Client) -> None:
    shown = {
        state: client.retrieve(client.new(state))
        for state in ("failure", "before-cutover", "other-creator", "batch:success")
    }
    assert shown["before-cutover"]["createdAt"] < "2025-02-24" < shown["failure"]["createdAt"]
    assert shown["other-creator"]["creatorId"] != shown["failure"]["creatorId"]
    assert shown["before-cutover"]["creatorId"] == shown["failure"]["creatorId"]
    assert [batch["status"] for batch in shown["batch:success"]["batches"]] == ["success"]


def test_message_is_sent_three_times_at_most(quick_client: Client) -> None:
    client = quick_client
    message = client.send().json()["id"]
    statuses, attempts = [], []
    for _ in range(3):
        shown = client.await_failure(message)
        attempts.append(len(shown["attempts"]))
        assert shown["attempts"][0]["error"]["code"] == "recipient_unavailable"
        statuses.append(client.retry(message).status_code)
    assert (statuses, attempts) == ([201, 201, 400], [1, 2, 3])


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
    with serve(instances=instances, balancer="connection", delivery=LONG) as team:
        clients = [Client(team, keeps=1) for _ in range(8)]
        for _ in range(5):
            message = clients[0].new()
            assert accepted_together(clients, message) == 1
            assert len(clients[0].retrieve(message)["attempts"]) == 2
        team.bugs.add("concurrent-accepted")
        for _ in range(10):
            assert accepted_together(clients, clients[0].new()) > 1
        assert retry_twice(clients[0]).status_code == 400
        for client in clients:
            client.http.close()


# Bugs


def retry_twice(client: Client) -> httpx.Response:
    message = client.new()
    assert client.retry(message).status_code == 201
    return client.retry(message)


def retry_foreign(client: Client) -> httpx.Response:
    return client.retry(client.new("foreign"), campaign=client.team.foreign_campaign)


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
    "second-retry-accepted": (lambda c: retry_twice(c).status_code, 400, 201),
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
    "foreign-campaign-accepted": (lambda c: retry_foreign(c).status_code, 403, 201),
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


# Two instances


def contracts_seen(http: httpx.Client, client: Client, message: str, times: int) -> str:
    """Return a letter for each Retrieve: `a` if it was answered by the contract after."""
    url = f"{client.team.url}/campaigns/{client.team.campaign}/messages/{message}"
    shown = [http.get(url, headers=client.own).json() for _ in range(times)]
    return "".join("a" if "creatorId" in message else "b" for message in shown)


def test_balancer_assigns_connections_in_turn() -> None:
    with serve(instances=2, balancer="connection", contracts=("before", "after")) as team:
        client = Client(team)
        message = client.new()
        seen = ""
        for _ in range(4):
            with httpx.Client(trust_env=False, verify=False) as http:
                seen += contracts_seen(http, client, message, 2)
        assert seen == "bbaabbaa"
        client.http.close()


def test_balancer_assigns_requests_in_turn_and_keeps_the_connection() -> None:
    with serve(instances=2, balancer="request", contracts=("before", "after")) as team:
        client = Client(team)
        message = client.new("special-values")
        one = httpx.Limits(max_connections=1)
        with httpx.Client(trust_env=False, verify=False, limits=one) as http:
            assert contracts_seen(http, client, message, 4) == "baba"
            team.bugs.add("unknown-500")
            url = f"{team.url}/campaigns/{team.campaign}/messages/"
            broken = [http.post(f"{url}{UNKNOWN}/retry", headers=client.own) for _ in range(3)]
            assert [response.status_code for response in broken] == [500] * 3
            streams = {id(response.extensions["network_stream"]) for response in broken}
            assert len(streams) == 1
            malformed = http.post(f"{url}%2e%2e%2F%00?a=b/retry", headers=client.own)
            assert malformed.status_code == 404
            assert http.head(f"{url}{message}/retry", headers=client.own).status_code == 405
            team.contracts[:] = ["after", "after"]
            assert contracts_seen(http, client, message, 2) == "aa"
        assert client.send().status_code == 201
        client.http.close()


def test_without_a_balancer_the_first_instance_is_reached() -> None:
    with serve(instances=2, contracts=("before", "after")) as team:
        client = Client(team)
        with httpx.Client(trust_env=False, verify=False) as http:
            assert contracts_seen(http, client, client.new(), 3) == "bbb"
        client.http.close()


# From outside


def test_written_states_are_provided_from_another_process(client: Client, tmp_path: Path) -> None:
    written = client.team.write_states(tmp_path)
    states = [*STATES, "no such state"]
    program = (
        "import json, runpy, sys\n"
        "provide = runpy.run_path(sys.argv[1])['pytest_retry_contract_state']\n"
        "print(json.dumps([provide(state) for state in sys.argv[2:]]))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(written), *states]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    messages = dict(zip(states, json.loads(done.stdout), strict=True))
    assert messages.pop("no such state") is None
    assert len(set(messages.values())) == len(STATES)
    assert client.retrieve(messages["sent_to_telco"])["latestStatus"] == "sent_to_telco"
    assert client.retry(messages["failure"]).status_code == 201
    assert client.retry(messages["attempts-spent"]).json()["error"]["code"] == TOO_MANY.code


def test_service_is_up_soon_and_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    began = time.perf_counter()
    with serve(instances=2, balancer="request") as team:
        assert time.perf_counter() - began < 2
        database = team.database
        kept = httpx.Client(trust_env=False, verify=False)
        assert kept.get(team.url).status_code == 404
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=10)  # those of the pool have been told to end
    assert set(threading.enumerate()) <= threads
    assert not database.parent.exists()
    with pytest.raises(httpx.TransportError):
        kept.get(team.url)
    kept.close()
