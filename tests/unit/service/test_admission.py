"""Which requests a sandbox answers, by their headers alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.service import controls
from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.http import Handler, Request, Response

HERE = [
    *("127.0.0.1", "127.0.0.1:8020", "127.0.0.1:", "127.9.8.7:99999", "127.0.0.1.:80"),
    *("localhost", "LOCALHOST:1", "LocalHost.", "localhost.:8020"),
    *("[::1]", "[::1]:8020", "[0:0:0:0:0:0:0:1]:80"),
    *("sandbox", "SANDBOX:8020", "My_app-1.", "10.1.2.3:80"),
]
ALLOWED = ("Sandbox", "my_app-1.", "10.1.2.3")
ELSEWHERE = [
    *("", " ", ":8020", "evil.example", "evil.example:8020", "EVIL.example."),
    *("sandbox.evil.example", "evilsandbox", "localhost.evil.example", "evil.localhost"),
    *("localhost.localdomain", "localhost..", "127.0.0.1..", "127.0.0.1.evil.example"),
    *("127.0.0.1.nip.io", "0.0.0.0:8020", "10.1.2.4", "126.255.255.255", "128.0.0.1"),
    *("2130706433", "0x7f.0.0.1", "127.1", "127.0.0.01", "169.254.1.1"),
    *("::1", "[::1", "::1]", "[::2]", "[::]:8020", "[::1%25lo]", "[::ffff:127.0.0.1]"),
    *("[127.0.0.1]", "[localhost]", "[]", "127.0.0.1@evil.example", "evil.example@127.0.0.1"),
    *("u:p@localhost", "localhost@", "127.0.0.1, evil.example", "evil.example, 127.0.0.1"),
    *("localhost, localhost", "localhost,", "localhost:80:80", "localhost:x", "localhost:-1"),
    *("localhost :80", " localhost", "localhost\t", "localhost\x00", "localhost\n"),
    *("http://localhost", "localhost/", "localhost#", "localhost?", "\u00b9localhost"),
]
SAME_SITE = [
    {},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": "http://localhost:8020"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "https://[::1]"},
    {"origin": "http://sandbox:8020"},
]
OTHER_SITE: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "http://evil.example:8020", "sec-fetch-site": "same-origin"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "file://"},
    {"origin": "chrome-extension://localhost"},
    {"origin": "localhost"},
    {"origin": "http://localhost, https://evil.example"},
    {"origin": "http://127.0.0.1@evil.example"},
    {"origin": "http://localhost.evil.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://localhost:3000"},
    {"sec-fetch-site": "none, cross-site"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "of-tomorrow"},
]
ROUTES = [(method, CONTROL + route) for route, (method, *_) in controls._ROUTES.items()]
REQUESTS = [*ROUTES, ("GET", CONTROL + "/"), ("OPTIONS", CONTROL), ("GET", "/_sandboxed")]
SERVICE = ("POST", "/api/v2/campaigns/c/messages/m/retry")


class Bench:
    """A sandbox behind the check, and the requests that reach it."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(catalogue(), Start(), lambda: datetime.now(UTC))
        self.reached: list[Request] = []
        self._handle: Handler = refuse_other_hosts(self._answer, ALLOWED)

    def _answer(self, request: Request) -> Response:
        self.reached.append(request)
        return self.sandbox.handle(request)

    def ask(self, asked: tuple[str, str], headers: dict[str, str]) -> Response:
        return self._handle(Request(*asked, headers, b"{}"))

    def error(self, asked: tuple[str, str], headers: dict[str, str]) -> str:
        """Return the line of a refused request."""
        response = self.ask(asked, headers)
        assert (response.status, self.reached) == (403, [])
        payload: dict[str, Any] = response.json()
        assert list(payload) == ["error"]
        (line,) = str(payload["error"]).splitlines()
        return line


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("host", HERE)
def test_host_of_this_machine_is_answered(host: str, bench: Bench) -> None:
    statuses = [bench.ask(asked, {"host": host}).status for asked in (SERVICE, *ROUTES)]
    assert 403 not in statuses
    assert len(bench.reached) == len(ROUTES) + 1


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_host_is_refused_at_every_route(host: str, bench: Bench) -> None:
    for asked in (SERVICE, *REQUESTS):
        line = bench.error(asked, {"host": host})
        assert "ask 127.0.0.1 or localhost, or start `retry-contract sandbox --allow-host" in line


def test_request_without_a_host_is_refused(bench: Bench) -> None:
    assert bench.error(SERVICE, {}).startswith(
        "the Host of this request is no name of this sandbox: ask"
    )


def test_refusal_names_the_host_if_that_is_a_name(bench: Bench) -> None:
    line = bench.error(SERVICE, {"host": "box.example:8020"})
    assert line.startswith("Host box.example is no name of this sandbox")
    assert line.endswith("start `retry-contract sandbox --allow-host box.example`")
    line = bench.error(SERVICE, {"host": "`rm -r`"})
    assert line.startswith("the Host of this request is no name of this sandbox")
    assert line.endswith("--allow-host NAME`")


@pytest.mark.parametrize("headers", OTHER_SITE, ids=str)
def test_controls_take_nothing_of_another_sites_page(headers: dict[str, str], bench: Bench) -> None:
    for asked in REQUESTS:
        assert "web page of another site" in bench.error(asked, {"host": "localhost", **headers})
    assert bench.ask(SERVICE, {"host": "localhost", **headers}).status == 401


@pytest.mark.parametrize("headers", SAME_SITE, ids=str)
def test_controls_are_for_programs_and_for_pages_of_this_machine(
    headers: dict[str, str], bench: Bench
) -> None:
    statuses = [bench.ask(asked, {"host": "localhost", **headers}).status for asked in ROUTES]
    assert 403 not in statuses
