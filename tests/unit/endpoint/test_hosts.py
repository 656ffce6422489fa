"""Requests of web pages to a sandbox, as they come over the wire."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve
from retry_contract.plugin.services import sandbox
from retry_contract.service import controls
from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.controls import CONTROL, Sandbox, Start

ROUTES = [(method, CONTROL + (route or "/")) for route, (method, *_) in controls._ROUTES.items()]
PREFLIGHT = (
    "host: localhost\r\norigin: {}\r\naccess-control-request-method: PUT\r\n"
    "access-control-request-private-network: true\r\n"
)
REFUSED = {
    "no Host": ("{} {} HTTP/1.1", ""),
    "no Host in HTTP/1.0": ("{} {} HTTP/1.0", ""),
    "another Host": ("{} {} HTTP/1.1", "Host: evil.example:8020\r\n"),
    "two, the other last": ("{} {} HTTP/1.1", "Host: 127.0.0.1\r\nhost: evil.example\r\n"),
    "two, the other first": ("{} {} HTTP/1.1", "Host: evil.example\r\nHost: 127.0.0.1\r\n"),
    "two that are the same": ("{} {} HTTP/1.1", "Host: localhost\r\nHost: localhost\r\n"),
    "target elsewhere": ("{} http://evil.example{} HTTP/1.1", "Host: 127.0.0.1\r\n"),
    "userinfo": ("{} http://127.0.0.1@evil.example{} HTTP/1.1", "Host: 127.0.0.1\r\n"),
    "userinfo of here": ("{} http://evil.example@127.0.0.1{} HTTP/1.1", "Host: 127.0.0.1\r\n"),
    "origin": ("{} {} HTTP/1.1", "Host: localhost\r\nOrigin: https://evil.example\r\n"),
    "origin null": ("{} {} HTTP/1.1", "Host: localhost\r\nOrigin: null\r\n"),
    "two origins": (
        "{} {} HTTP/1.1",
        "Host: localhost\r\nOrigin: https://evil.example\r\nOrigin: http://localhost\r\n",
    ),
    "site": ("{} {} HTTP/1.1", "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"),
}
MALFORMED = ("no Host", "two, the other last", "two, the other first", "two that are the same")
"""RFC 9112, 3.2 wants a 400 for them."""
ANSWERED = {
    "a port of another": ("{} {} HTTP/1.1", "Host: localhost:1\r\n"),
    "space around": ("{} {} HTTP/1.1", "Host: \t localhost \t\r\n"),
    "target here": ("{} http://127.0.0.1:8020{} HTTP/1.1", "Host: 127.0.0.1:8020\r\n"),
    "target of the v6 address": ("{} http://[::1]{} HTTP/1.1", "Host: [::1]\r\n"),
    "target rather than Host": ("{} HTTP://localhost{} HTTP/1.1", "Host: evil.example\r\n"),
    "query that looks like a target": ("{} {}?to=http://evil.example HTTP/1.1", "Host: [::1]\r\n"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    state = Sandbox(catalogue(), Start(), lambda: datetime.now(UTC))
    with serve(refuse_other_hosts(state.handle)) as (url,):
        yield url


def ask(url: str, line: str, headers: str) -> bytes:
    """Return the whole response to a request."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as client:
        client.sendall(f"{line}\r\n{headers}Connection: close\r\n\r\n".encode())
        with client.makefile("rb") as response:
            return response.read()


def status(response: bytes) -> int:
    return int(response.split(None, 2)[1])


@pytest.mark.parametrize("case", REFUSED)
def test_web_page_reaches_no_control(case: str, url: str) -> None:
    line, headers = REFUSED[case]
    for method, path in ROUTES:
        response = ask(url, line.format(method, path), headers)
        assert status(response) == (400 if case in MALFORMED else 403), (method, path)
        assert b"access-control-" not in response.lower()


@pytest.mark.parametrize("case", ANSWERED)
def test_program_reaches_every_control(case: str, url: str) -> None:
    line, headers = ANSWERED[case]
    for method, path in ROUTES:
        response = ask(url, line.format(method, path), headers)
        assert status(response) in (200, 201, 400), (method, path)
        assert b"access-control-" not in response.lower()


@pytest.mark.parametrize(
    ("origin", "expected"), [("https://evil.example", 403), ("http://localhost:3000", 405)]
)
def test_preflight_permits_nothing(origin: str, expected: int, url: str) -> None:
    for _, path in ROUTES:
        response = ask(url, f"OPTIONS {path} HTTP/1.1", PREFLIGHT.format(origin))
        assert status(response) == expected
        assert b"access-control-" not in response.lower()


@pytest.mark.parametrize("target", ["evil.example:443", "http://evil.example", "http:/_sandbox/"])
def test_target_without_a_path_is_no_way_in(target: str, url: str) -> None:
    for method in ("GET", "CONNECT", "OPTIONS"):
        response = ask(url, f"{method} {target} HTTP/1.1", "Host: 127.0.0.1\r\n")
        assert status(response) in (400, 403, 501), response
    assert status(ask(url, "GET /_sandbox/ HTTP/1.1", "Host: 127.0.0.1\r\n")) == 200


def test_fixture_has_no_control_for_a_web_page_either() -> None:
    with sandbox("after") as service:
        for case, (line, headers) in REFUSED.items():
            response = ask(service.base_url, line.format("GET", CONTROL + "/requests"), headers)
            assert status(response) == (400 if case in MALFORMED else 403)
