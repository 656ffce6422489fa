"""The service that a test of the user's own is given, by the very fixtures that give it."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import httpx
import httpx2
import pytest
import requests

from retry_contract import violations
from retry_contract.plugin.services import ReceivedRequest, RetryService, mock, sandbox
from retry_contract.service.controls import STATES, Sandbox
from retry_contract.service.http import Request, Response

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OUTSIDE = [
    "https://test.postman.gov.sg/api/v2/campaigns/c/messages/m/retry",
    "https://127.0.0.1/api/v2/campaigns/c/messages/m/retry",
    "http://mock.postman.invalid/api/v2/campaigns/c/messages/m/retry",
    "https://mock.postman.invalid:8443/api/v2/campaigns/c/messages/m/retry",
    "https://mock.postman.invalid/api/v22/campaigns/c/messages/m/retry",
    "https://mock.postman.invalid/api/v2/../v1/campaigns/c/messages/m/retry",
    "https://mock.postman.invalid/api/v2",
    "https://mock.postman.invalid/_sandbox/",
]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no socket be connected."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError("a socket was reached for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture(params=["retry_mock", "retry_sandbox"])
def service(request: pytest.FixtureRequest) -> RetryService:
    """Each of the two in turn, for a test that is marked with one contract."""
    found: RetryService = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=1) as client:
        yield client


Retry = Callable[..., httpx.Response]


@pytest.fixture
def retry(client: httpx.Client) -> Retry:
    def call(service: RetryService, message: str, key: str | None = None) -> httpx.Response:
        return client.post(url(service, message), headers=headers(service, key))

    return call


def url(service: RetryService, message: str) -> str:
    return f"{service.base_url}/campaigns/{service.campaign}/messages/{message}/retry"


def headers(service: RetryService, key: str | None = None) -> dict[str, str]:
    return {"authorization": f"Bearer {key or service.key}"}


def accepted(service: RetryService, retry: Retry) -> dict[str, Any]:
    response = retry(service, service.new_message())
    assert response.status_code == 201, response.text
    payload: dict[str, Any] = response.json()
    return payload


def test_response_is_of_the_contract_that_the_test_is_given(
    retry_mock: RetryService, request: pytest.FixtureRequest, retry: Retry
) -> None:
    assert request.node.name.endswith(f"[{retry_mock.contract}]")
    assert violations(accepted(retry_mock, retry), retry_mock.contract) == ()


@pytest.mark.retry_contract("after")
def test_it_has_a_message_in_each_state(service: RetryService, retry: Retry) -> None:
    statuses = {state: retry(service, m).status_code for state, m in service.messages.items()}
    assert list(statuses) == list(STATES)
    with pytest.raises(KeyError, match=r"^failed: no such state; did you mean failure\?"):
        service.messages["failed"]
    with pytest.raises(KeyError, match="lost: no such state; use one of failure, created"):
        service.messages["lost"]
    assert {state for state, status in statuses.items() if status == 201} == {
        "failure",
        "batch:messages_enqueued",
        "batch:messages_enqueuing_failed",
        *("before-cutover", "other-creator", "special-values"),
    }


@pytest.mark.retry_contract("after")
def test_more_messages_are_made_in_a_state(service: RetryService, retry: Retry) -> None:
    spent = [service.new_message("attempts-spent") for _ in range(2)]
    assert len({*spent, service.messages["attempts-spent"]}) == 3
    assert {retry(service, message).status_code for message in spent} == {400}
    with pytest.raises(ValueError, match=r"^lost: no such state; use one of failure, created"):
        service.new_message("lost")


@pytest.mark.retry_contract("after")
def test_foreign_campaign_has_a_key_of_its_own(service: RetryService, retry: Retry) -> None:
    foreign = service.foreign
    path = f"/campaigns/{foreign.campaign}/messages/{foreign.message}/retry"
    answers = [
        httpx.post(service.base_url + path, headers=headers(service, key)).status_code
        for key in (service.key, foreign.key)
    ]
    assert answers == [403, 201]
    assert foreign.key not in repr(foreign)


@pytest.mark.retry_contract("after")
def test_requests_are_listed(service: RetryService, retry: Retry) -> None:
    message = service.messages["failure"]
    path = f"/api/v2/campaigns/{service.campaign}/messages/{message}/retry"
    assert list(service.requests) == []
    retry(service, message)
    retry(service, f"{message}/nothing?key=here#")
    retry(service, message)
    assert [received.status for received in service.requests] == [201, 404, 400]
    assert service.requests[1].path.endswith(f"{message}/nothing")
    assert service.requests[0] == ReceivedRequest("POST", path, 201)


@pytest.mark.retry_contract("after")
def test_faults_are_switched(service: RetryService, retry: Retry) -> None:
    service.switch_faults("answers-202", "creator-id-null")
    response = retry(service, service.messages["failure"])
    assert (response.status_code, response.json()["creatorId"]) == (202, None)
    for mistyped, meant in (("id-chnged", "did you mean id-changed"), ("no-reply", "no-response")):
        with pytest.raises(ValueError, match=f"^{mistyped}.*{meant}"):
            service.switch_faults("id-changed", mistyped)
    assert retry(service, service.new_message()).status_code == 202
    service.switch_faults()
    assert accepted(service, retry)["creatorId"]


@pytest.mark.retry_contract("after")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("connection-reset", httpx.ReadError),
        ("response-stalls", httpx.ReadTimeout),
        ("no-response", httpx.ReadTimeout),
        ("response-drips", httpx.ReadTimeout),
    ],
)
def test_response_that_does_not_arrive_raises_what_httpx_raises(
    retry_mock: RetryService, fault: str, error: type[Exception], retry: Retry
) -> None:
    retry_mock.switch_faults(fault)
    with pytest.raises(error):
        retry(retry_mock, retry_mock.messages["failure"])
    assert [received.status for received in retry_mock.requests] == [201]


@pytest.mark.retry_contract("before")
def test_cutover_passes(service: RetryService, retry: Retry) -> None:
    assert "creatorId" not in accepted(service, retry)
    service.pass_cutover()
    assert service.contract == "after-2025-02-24"
    payload = accepted(service, retry)
    assert payload["creatorId"]
    assert payload["updatedAt"].startswith("2025-02-24T00:00:0")
    with pytest.raises(ValueError, match=r'the latest contract: mark .*retry_contract\("before"\)'):
        service.pass_cutover()


@pytest.mark.retry_contract("before")
def test_cutover_passes_late_by_a_fault(retry_mock: RetryService, retry: Retry) -> None:
    retry_mock.switch_faults("cutover-late")
    retry_mock.pass_cutover()
    assert "creatorId" not in accepted(retry_mock, retry)


@pytest.mark.retry_contract("before")
def test_clock_is_moved(service: RetryService, retry: Retry) -> None:
    service.move_to("2025-02-23T23:59:00+08:00")
    assert service.contract == "before-2025-02-24"
    service.forward(60)
    assert service.contract == "after-2025-02-24"
    with pytest.raises(ValueError, match="neither a date nor an instant"):
        service.move_to("tomorrow")


@pytest.mark.retry_contract("after")
def test_time_passes_for_a_message_that_was_retried(
    retry_mock: RetryService, client: httpx.Client, retry: Retry
) -> None:
    place = url(retry_mock, accepted(retry_mock, retry)["id"]).removesuffix("/retry")
    retry_mock.forward(1)
    assert client.get(place, headers=headers(retry_mock)).json()["latestStatus"] == "failure"


@pytest.mark.retry_contract("after", fail_after=30)
def test_message_fails_after_the_time_of_the_marker(
    service: RetryService, client: httpx.Client, retry: Retry
) -> None:
    place = url(service, accepted(service, retry)["id"]).removesuffix("/retry")
    statuses = []
    for seconds in (28, 2):
        service.forward(seconds)
        statuses.append(client.get(place, headers=headers(service)).json()["latestStatus"])
    assert statuses == ["sent", "failure"]


@pytest.mark.retry_contract("before")
def test_contract_is_switched_whatever_the_clock_shows(service: RetryService, retry: Retry) -> None:
    for name, has in (("after", True), ("before", False), ("after", True), ("auto", False)):
        service.switch_contract(name)
        assert ("creatorId" in accepted(service, retry)) is has
    with pytest.raises(ValueError, match=r"^newest: no such contract; use one of before, after, a"):
        service.switch_contract("newest")
    service.switch_contract("before")
    service.pass_cutover()
    assert "creatorId" in accepted(service, retry)


@pytest.mark.usefixtures("offline", "retry_mock")
@pytest.mark.retry_contract("after")
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("place", OUTSIDE)
def test_client_gets_nowhere_but_to_the_mock(place: str, library: Any) -> None:
    async def ask() -> None:
        async with library.AsyncClient(verify=TLS) as client:
            await client.post(place)

    with pytest.raises(AssertionError, match=r"not mocked|is outside https://mock\.postman"):
        library.post(place, verify=TLS)
    with pytest.raises(AssertionError, match=r"not mocked|is outside https://mock\.postman"):
        asyncio.run(ask())


@pytest.mark.usefixtures("offline")
@pytest.mark.retry_contract("after")
def test_mock_is_reached_past_a_proxy(
    retry_mock: RetryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    place = url(retry_mock, retry_mock.messages["failure"])
    assert httpx.post(place, headers=headers(retry_mock)).status_code == 201


def test_httpx_is_left_as_it_was() -> None:
    with mock("after"):
        assert httpx.get("https://mock.postman.invalid/api/v2/").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:1/api/v2/", trust_env=False)


def test_requests_of_many_threads_are_answered_one_by_one(
    monkeypatch: pytest.MonkeyPatch, client: httpx.Client
) -> None:
    inside: list[Request] = []
    together: list[int] = []

    def handle(_: Sandbox, request: Request) -> Response:
        inside.append(request)
        time.sleep(0.002)
        together.append(len(inside))
        inside.remove(request)
        return Response(200)

    monkeypatch.setattr(Sandbox, "handle", handle)
    with mock("after") as service, ThreadPoolExecutor(8) as pool:
        list(pool.map(client.get, [f"{service.base_url}/"] * 16))
    assert together == [1] * 16


@pytest.mark.parametrize(
    ("given", "meanwhile"),
    [("", "127.0.0.1"), ("example.org", "example.org,127.0.0.1"), ("*", "*")],
)
def test_sandbox_is_reached_past_a_proxy(
    given: str, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", given)
    with sandbox("after") as service:
        place = url(service, service.messages["failure"])
        assert requests.post(place, headers=headers(service), timeout=9).status_code == 201
        assert os.environ["NO_PROXY"] == meanwhile
    assert (os.environ.get("no_proxy"), os.environ["NO_PROXY"]) == (None, given)
    with pytest.raises(requests.ConnectionError):
        requests.post(place, timeout=9)


def test_sandbox_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("server", "connection"):
        monkeypatch.delitem(sys.modules, f"retry_contract.endpoint.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "httptools", None)
    said = "^retry_sandbox: the sandbox needs httptools: install .* its extra `sandbox`$"
    with pytest.raises(pytest.fail.Exception, match=said) as failure, sandbox("after"):
        pass
    assert not failure.value.pytrace


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda own: own.new_message("batch:mesages_enqueued"), "did you mean batch:messages_enq"),
        (lambda own: own.new_message("batch:"), "no such state"),
        (lambda own: own.new_message(None), "None: no such state"),
        (lambda own: own.switch_faults(["id-changed"]), "no such fault"),
        (lambda own: own.switch_faults(None), "None: no such fault"),
        (lambda own: own.switch_contract(None), "None: no such contract"),
        (lambda own: own.forward("60"), "give a number of seconds"),
    ],
)
def test_what_is_no_name_or_number_is_answered_in_a_sentence(
    ask: Callable[[Any], Any], said: str
) -> None:
    with mock("after") as own, pytest.raises(ValueError, match=said):
        ask(own)
