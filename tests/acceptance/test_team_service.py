"""The service of the team answers as documented, alone and behind a balancer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.team import serve
from support.team.refusals import NOT_FAILED, TOO_MANY
from support.team.states import BATCHES, STATES, STATUSES
from support.team_client import UNKNOWN, Client

import retry_contract
from retry_contract.contract.catalogue import Kind, catalogue
from retry_contract.contract.validator import error_response_problem, validate


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
    "second": (Client.retry_twice, 400, NOT_FAILED.code),
    "spent": (lambda c: c.retry(c.new("attempts-spent")), 400, TOO_MANY.code),
    "batch": (lambda c: c.retry(c.new("batch:other")), 400, NOT_FAILED.code),
    "no key": (lambda c: c.retry(c.new(), authorization=None), 401, ""),
    "other key": (lambda c: c.retry(c.new(), authorization="Bearer x"), 401, ""),
    "no scheme": (lambda c: c.retry(c.new(), authorization=c.team.key), 401, ""),
    "revoked": (lambda c: c.retry(c.new(), authorization=f"Bearer {c.team.revoked_key}"), 401, ""),
    "foreign": (Client.retry_foreign, 403, "forbidden"),
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
