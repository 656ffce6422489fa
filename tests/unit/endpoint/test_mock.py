"""The mocked endpoint: the model behind httpx, and nothing beyond its base URL."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import httpx
import pytest
from respx.mocks import HTTPCoreMocker

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.interception import intercept_clients
from retry_contract.endpoint.mock import BASE_URL, MockEndpoint, mock_of
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Response
from retry_contract.service.model import Settings

CONTRACTS = catalogue()
CUTOVER = datetime(2025, 2, 23, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError("a socket was reached for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def mock() -> Iterator[MockEndpoint]:
    endpoint = mock_of(CONTRACTS, CONTRACTS["after"])
    yield endpoint
    endpoint.close()


def _headers(mock: MockEndpoint) -> dict[str, str]:
    return {"authorization": f"Bearer {mock.key}"}


def _retry(mock: MockEndpoint, message: str) -> Any:
    path = f"campaigns/{mock.campaign}/messages/{message}/retry"
    return mock.client.post(path, headers=_headers(mock))


def test_whole_life_of_a_message_reaches_no_socket(mock: MockEndpoint) -> None:
    path = f"campaigns/{mock.campaign}/messages"
    body = {"recipient": mock.simulator, "language": "english", "values": {"name": "陈"}}
    sent = mock.client.post(path, headers=_headers(mock), json=body)
    assert sent.status_code == 201
    mock.wait(2)
    message = sent.json()["id"]
    shown = mock.client.get(f"{path}/{message}?verbose=1", headers=_headers(mock))
    assert shown.json()["latestStatus"] == "failure"
    assert shown.json()["values"] == {"name": "陈"}
    assert _retry(mock, message).status_code == 201


@pytest.mark.parametrize(
    "url",
    [
        "https://test.postman.gov.sg/api/v2/campaigns/c/messages/m/retry",
        "https://mock.postman.invalid.example/api/v2/campaigns/c/messages/m/retry",
        "https://127.0.0.1/api/v2/campaigns/c/messages/m/retry",
        "http://mock.postman.invalid/api/v2/campaigns/c/messages/m/retry",
        "https://mock.postman.invalid:8443/api/v2/campaigns/c/messages/m/retry",
        "https://mock.postman.invalid/api/v22/campaigns/c/messages/m/retry",
        "https://mock.postman.invalid/api/v2campaigns/c/messages/m/retry",
        "https://mock.postman.invalid/api/v2",
        "https://mock.postman.invalid/api/v2?campaigns/",
        "https://mock.postman.invalid/api/v1/campaigns/c/messages/m/retry",
        "https://mock.postman.invalid/api/v2/../v1/campaigns/c/messages/m/retry",
        "https://mock.postman.invalid/",
        "/api/v3/campaigns/c/messages/m/retry",
        "../v3/campaigns/c/messages/m/retry",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_outside_the_base_url_fails_loudly(
    mock: MockEndpoint, method: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if url.startswith(("/", "..")):
        url = "https://mock.postman.invalid" + url.replace("..", "/api/v2/..")
    handled: list[object] = []
    monkeypatch.setattr(mock, "_handle", handled.append)
    with pytest.raises(AssertionError):
        mock.client.request(method, url)
    assert not handled


def test_path_within_the_base_url_that_is_not_served_is_a_plain_404(mock: MockEndpoint) -> None:
    assert mock.client.get("elsewhere").status_code == 404
    assert mock.client.get(f"{BASE_URL}/").status_code == 404


def test_respx_keeps_the_latest_call_alone_of_httpx_at_large() -> None:
    with intercept_clients(lambda request: Response(204, headers={"x-path": request.path})) as url:
        paths = [httpx.get(f"{url}/api/v2/{n}?q").headers["x-path"] for n in range(3)]
        (router,) = HTTPCoreMocker.routers
        assert len(router.calls) == 1
    assert paths == ["/api/v2/0", "/api/v2/1", "/api/v2/2"]
    assert not HTTPCoreMocker.routers


def test_environment_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HTTPS_PROXY", "http://127.0.0.1:9")
    mock = mock_of(CONTRACTS, CONTRACTS["after"])
    assert not mock.client.trust_env
    assert _retry(mock, "message_0").status_code == 400


def test_each_request_takes_a_moment_of_virtual_time(mock: MockEndpoint) -> None:
    start = mock.now
    _retry(mock, "message_0")
    moment = mock.now - start
    assert timedelta(0) < moment < timedelta(seconds=1)
    mock.wait(3600)
    assert mock.now == start + moment + timedelta(hours=1)


@pytest.mark.parametrize("alias", ["before", "after"])
def test_clock_starts_when_the_contract_is_in_force(alias: str) -> None:
    mock = mock_of(CONTRACTS, CONTRACTS[alias])
    assert CONTRACTS.of(CONTRACTS.timeline.at(mock.now)) is CONTRACTS[alias]
    assert CONTRACTS.timeline.others_at(mock.now) == ()


@pytest.mark.parametrize(
    ("instant", "fields"), [(CUTOVER - timedelta(milliseconds=1), 9), (CUTOVER, 10)]
)
def test_twin_stands_still_at_its_instant_and_follows_the_timeline(
    mock: MockEndpoint, instant: datetime, fields: int
) -> None:
    twin = mock.twin_at(instant)
    for _ in range(3):
        message = twin.message_in("failure")
        assert message is not None
        assert len(_retry(twin, message).json()) == fields
    assert twin.now == instant
    assert mock.now != instant
    twin.wait(1)
    assert twin.now == instant + timedelta(seconds=1)
    twin.close()


def test_twin_has_the_settings_and_the_faults_of_its_endpoint() -> None:
    mock = mock_of(
        CONTRACTS,
        CONTRACTS["after"],
        settings=Settings(errors="flat"),
        faults=[FAULTS["answers-202"]],
    )
    twin = mock.twin_at(CUTOVER)
    message = twin.message_in("failure")
    assert message is not None
    assert _retry(twin, message).status_code == 202
    assert _retry(twin, message).json()["statusCode"] == 400


def test_faults_are_wrapped_in_the_order_given() -> None:
    faults = [FAULTS["answers-202"], FAULTS["answers-200"]]
    for order, status in ((faults, 202), (faults[::-1], 200)):
        mock = mock_of(CONTRACTS, CONTRACTS["after"], faults=order)
        message = mock.message_in("failure")
        assert message is not None
        assert _retry(mock, message).status_code == status


def test_every_message_is_a_new_one(mock: MockEndpoint) -> None:
    ids = [mock.message_in(state) for state in ("failure", "failure", "success", "foreign")]
    assert len(set(ids)) == 4


def test_foreign_message_belongs_to_the_foreign_campaign(mock: MockEndpoint) -> None:
    foreign = mock.message_in("foreign")
    assert foreign is not None
    assert mock.service.messages[foreign].campaign == mock.foreign_campaign != mock.campaign
    assert _retry(mock, foreign).status_code == 400


def test_two_mocks_are_alike_to_the_last_id() -> None:
    one, other = (mock_of(CONTRACTS, CONTRACTS["after"]) for _ in range(2))
    assert (one.key, one.campaign) == (other.key, other.campaign)
    assert one.message_in("failure") == other.message_in("failure")


def test_mock_is_named_and_has_a_base_url_that_ends_in_a_slash(mock: MockEndpoint) -> None:
    assert mock.name == "mock"
    assert str(mock.client.base_url) == f"{BASE_URL}/"


def test_closed_mock_sends_nothing(mock: MockEndpoint) -> None:
    mock.close()
    assert mock.client.is_closed
    with pytest.raises(RuntimeError):
        mock.client.get("elsewhere")
