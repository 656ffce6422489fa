"""The live endpoint over real HTTP on loopback: what it contacts, reads, and waits for."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.proxy import Call, Wire, between, bomb, passing, response, trap
from support.sample import one_in
from support.server import Served, serve

from retry_contract.endpoint.body import LARGEST
from retry_contract.endpoint.guard import GuardedTransport
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings, trust
from retry_contract.outcome import NotExercised, NotTested, UsageError
from retry_contract.service.model import Settings
from retry_contract.verification.messages import Messages
from retry_contract.verification.prober import Prober

CODES = (301, 302, 303, 307, 308)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve() as model:
        yield model


@pytest.fixture
def open_live(served: Served, request: pytest.FixtureRequest) -> Callable[..., Prober]:
    """Begin a run at a URL."""

    def begin(url: str, **settings: Any) -> Prober:
        endpoint = LiveEndpoint(LiveSettings(url, served.key, served.campaign, **settings))
        request.addfinalizer(endpoint.close)
        return Prober(endpoint)

    return begin


def _locations(here: str, other: str) -> dict[str, str]:
    port = other.rsplit(":", 1)[1].partition("/")[0]
    return {
        "other host": other,
        "other host, same path": f"{other}/campaigns/c/messages/m",
        "other name": f"http://localhost:{port}/",
        "user-info": f"{here.replace('//', '//127.0.0.1@')}",
        "user-info of another": other.replace("//", "//127.0.0.1:80@"),
        "IPv6": f"http://[::1]:{port}/",
        "decimal": f"http://2130706433:{port}/",
        "hexadecimal": f"http://0x7f.1:{port}/",
        "https": here.replace("http:", "https:"),
        "no scheme": other.removeprefix("http:"),
        "backslashes": "\\\\" + other.removeprefix("http://"),
        "other path": "/admin",
        "relative": "../../../admin",
        "the same": here,
        "not a URL": "http://[",
        "empty": "",
    }


@pytest.mark.parametrize("status", one_in(3, CODES))
def test_redirect_is_never_followed(
    open_live: Callable[..., Prober], served: Served, status: int
) -> None:
    (message,) = served.failed()
    place: list[str] = []
    with (
        trap() as other,
        between(served.url, each=lambda _: response(status, location=place[-1])) as here,
    ):
        locations = _locations(here.url, other.url)
        for location in locations.values():
            place.append(location)
            with pytest.raises(NotTested, match=f"^redirected with {status}: give the service"):
                open_live(here.url).retrieve(message)
            with pytest.raises(NotTested, match=f"^redirected with {status}"):
                open_live(here.url).probe("unknown message", "m", known=False)
        assert other.accepted == 0
        assert len(here.calls) == 2 * len(locations)
        assert all("/admin" not in call.target for call in here.calls)


def test_nothing_that_a_response_names_is_contacted(
    open_live: Callable[..., Prober], served: Served
) -> None:
    (message,) = served.failed()
    with trap() as other:
        link = f"{other.url}/campaigns/c/messages/m"
        headers = {
            "location": link,
            "content_location": link,
            "link": f"<{link}>; rel=next, <{link}>; rel=preload",
            "refresh": f"0; url={link}",
            "alt_svc": f'h2="{link}", clear',
            "set_cookie": "a=b; Domain=127.0.0.1; Path=/",
            "upgrade": "h2c",
        }
        with between(served.url, passing(**headers)) as here:
            prober = open_live(here.url)
            assert prober.probe("accepted", message).exchange.status == 201
            assert len(here.calls) > 1
            assert all("cookie" not in call.headers for call in here.calls)
        assert other.accepted == 0


@pytest.mark.parametrize(
    "named",
    [
        *("{other}/x", "//{other}/x", "../../admin", "%2e%2e", "a/b", "a\\b", "", ".", ".."),
        *("a b\n", "\u0000", "a?b", "a#b", "\ud800"),
    ],
)
def test_id_that_a_response_names_leads_nowhere_else(
    open_live: Callable[..., Prober], served: Served, named: str
) -> None:
    with trap() as other:
        body = json.dumps({"id": named.replace("{other}", other.url)}).encode()
        with between(served.url, response(201, body, content_type="application/json")) as here:
            prober = open_live(here.url, simulate=True)
            with pytest.raises((NotExercised, NotTested)):
                Messages(prober).failed()
            assert [call.method for call in here.calls][:1] == ["POST"]
            assert not any("admin" in call.target for call in here.calls)
        assert other.accepted == 0


def test_id_that_no_url_can_hold_is_not_tested(open_live: Callable[..., Prober]) -> None:
    for id_ in ("a\nb", "..", "a/../b", "%2e%2e"):
        with pytest.raises(NotTested):
            open_live("http://127.0.0.1:9/api/v2").retrieve(id_)


def test_proxies_and_credentials_of_the_environment_are_not_used(
    open_live: Callable[..., Prober],
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password stolen\ndefault login a password b\n")
    netrc.chmod(0o600)
    with trap() as other, between(served.url) as here:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
            monkeypatch.setenv(name.lower(), other.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NETRC", str(netrc))
        prober = open_live(here.url)
        found = prober.probe("no key", "m", known=False, authorization=None)
        assert found.exchange.status == 401
        prober.retrieve(*served.failed())
        assert other.accepted == 0
        assert [call.headers.get("authorization") for call in here.calls] == [
            None,
            f"Bearer {served.key}",
        ]


# How long, and how much


@pytest.mark.parametrize(
    "behaviour", one_in(2, ["silent", "headers drip", "body drips", "endless early hints"])
)
def test_whole_response_has_one_deadline(
    open_live: Callable[..., Prober], served: Served, behaviour: str
) -> None:
    (message,) = served.failed()
    with between(served.url, behaviour) as here:
        prober = open_live(here.url, timeout=0.2)
        begin = time.monotonic()
        with pytest.raises(NotTested, match=r"it did not answer in time; see --timeout$"):
            prober.retrieve(message)
        assert 0.15 < time.monotonic() - begin < 2


def test_pause_for_the_rate_is_no_part_of_the_deadline(
    open_live: Callable[..., Prober], served: Served
) -> None:
    (message,) = served.failed()
    prober = open_live(served.url, timeout=0.1, rate=5.0)
    begin = time.monotonic()
    for _ in range(3):
        assert prober.retrieve(message).status == 200
    assert time.monotonic() - begin > 0.38


@pytest.mark.parametrize(
    "behaviour", ["endless body", "gzip bomb", "gzip bomb in gzip", "brotli unasked"]
)
def test_response_past_the_bounds_is_given_up_early(
    open_live: Callable[..., Prober], served: Served, behaviour: str
) -> None:
    said = "in a way that nobody" if " in " in behaviour or "brotli" in behaviour else "1 MiB"
    with between(served.url, behaviour) as here:
        prober = open_live(here.url)
        assert len(bomb(1) + bomb(2)) < 2**17, "made before the memory is counted"
        tracemalloc.start()
        try:
            with pytest.raises(NotTested, match=said):
                prober.endpoint.send(_request(prober))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2**23


def _request(prober: Prober) -> httpx.Request:
    path = f"campaigns/{prober.endpoint.campaign}/messages/m"
    return prober.endpoint.client.build_request("GET", path)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "identity", ""])
def test_compressed_response_is_read(
    open_live: Callable[..., Prober], served: Served, coding: str
) -> None:
    text = b'{"a": "%s"}' % (b"b" * (LARGEST - 10))
    body = gzip.compress(text) if "gzip" in coding.lower() else text
    body = zlib.compress(text) if coding == "deflate" else body
    with between(served.url, response(200, body, content_encoding=coding)) as here:
        prober = open_live(here.url)
        received = prober.endpoint.send(_request(prober))
        assert received.content == text
        assert "content-encoding" not in received.headers
        assert here.calls[0].headers["accept-encoding"] == "gzip, deflate"


def test_empty_response_may_claim_to_be_compressed(
    open_live: Callable[..., Prober], served: Served
) -> None:
    with between(served.url, response(204, content_encoding="gzip")) as here:
        prober = open_live(here.url)
        assert prober.endpoint.send(_request(prober)).content == b""


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_header_may_hold_more_than_ascii(
    open_live: Callable[..., Prober], served: Served, encoding: str
) -> None:
    sent = "café".encode(encoding).decode("latin-1")
    with between(served.url, passing(x_powered_by=sent)) as here:
        shown = open_live(here.url).retrieve(*served.failed())
    assert (shown.status, shown.headers["x-powered-by"]) == (200, "café")


@pytest.mark.parametrize(("pooled", "connections"), [(False, 3), (True, 1)])
def test_requests_have_connections_of_their_own_unless_they_are_pooled(
    open_live: Callable[..., Prober], served: Served, pooled: bool, connections: int
) -> None:
    (message,) = served.failed()
    with between(served.url) as here:
        prober = Prober(open_live(here.url).endpoint, pooled=pooled)
        for _ in range(3):
            prober.retrieve(message)
        assert (here.accepted, len(here.calls)) == (connections, 3)


def test_connection_is_not_used_again_after_a_5xx(
    open_live: Callable[..., Prober], served: Served
) -> None:
    (message,) = served.failed()

    def each(call: Call) -> str:
        return "503" if call.number == 2 else "pass"

    with between(served.url, each=each) as here:
        prober = Prober(open_live(here.url).endpoint, pooled=True)
        for _ in range(3):
            prober.send("retrieve", f"campaigns/{served.campaign}/messages/{message}", method="GET")
        assert (here.accepted, len(here.calls)) == (2, 3)


def test_retries_sent_together_overlap_and_come_back_in_order(
    open_live: Callable[..., Prober], served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine it would have failed again before the last of them comes.
    monkeypatch.setattr(served.service, "settings", Settings(delivery=timedelta(minutes=1)))
    (message,) = served.failed()
    all_here = threading.Barrier(8)

    def wait_for_all(wire: Wire) -> None:
        all_here.wait(10)
        wire.send(wire.head + wire.body)

    with between(served.url, each=lambda call: wait_for_all) as here:
        prober = open_live(here.url)
        path = f"campaigns/{served.campaign}/messages/{message}/retry"
        answered, failure = prober.send_together(path, 8)
        statuses = [exchange.status for exchange in answered]
    assert failure is None
    assert sorted(statuses) == [201] + [400] * 7
    assert prober.traffic.retries == 8
    assert prober.traffic.lost == 0


# Waiting after a 429


def _limited(times: int, **headers: str) -> Callable[[Call], Any]:
    return lambda call: response(429, b"{}", **headers) if call.number <= times else "pass"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked: list[float] = []
    monkeypatch.setattr(LiveEndpoint, "wait", lambda _, seconds: asked.append(seconds))
    return asked


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, [1, 2, 4, 8]),
        ({"retry_after": "3"}, [3, 3, 3, 3]),
        ({"retry_after": " 0 "}, [0, 0, 0, 0]),
        ({"retry_after": "30"}, [30, 30, 30, 30]),
        ({"retry_after": "soon"}, [1, 2, 4, 8]),
        ({"retry_after": "-5"}, [1, 2, 4, 8]),
        ({"retry_after": "1.5"}, [1, 2, 4, 8]),
        ({"retry_after": "Mon, 24 Feb 2025 00:00:00 GMT"}, [0, 0, 0, 0]),
    ],
)
def test_429_is_waited_for_within_a_bound(
    open_live: Callable[..., Prober],
    served: Served,
    waits: list[float],
    headers: dict[str, str],
    expected: list[float],
) -> None:
    (message,) = served.failed(1)
    with between(served.url, each=_limited(99, **headers)) as here:
        with pytest.raises(NotTested, match=r"too many requests \(429\).*see --rate"):
            open_live(here.url).retrieve(message)
        assert len(here.calls) == 5
    assert waits == expected


@pytest.mark.parametrize(
    "asked", ["31", "3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59"]
)
def test_429_that_asks_for_too_long_ends_the_run(
    open_live: Callable[..., Prober], served: Served, waits: list[float], asked: str
) -> None:
    with between(served.url, each=_limited(99, retry_after=asked)) as here:
        with pytest.raises(NotTested, match=r"the service asks to wait .*; try again then"):
            open_live(here.url).retrieve("m")
        assert len(here.calls) == 1
    assert waits == []


def test_request_refused_by_a_429_is_sent_again_until_it_is_answered(
    open_live: Callable[..., Prober], served: Served, waits: list[float]
) -> None:
    (message,) = served.failed()
    with between(served.url, each=_limited(2)) as here:
        assert open_live(here.url).retrieve(message).status == 200
        assert len(here.calls) == 3
    assert waits == [1, 2]


def test_429_counts_in_the_budget(
    open_live: Callable[..., Prober], served: Served, waits: list[float]
) -> None:
    with between(served.url, each=_limited(99)) as here:
        with pytest.raises(NotTested, match="the budget of 2 requests is spent"):
            open_live(here.url, budget=2).retrieve("m")
        assert len(here.calls) == 2
    assert waits == [1, 2]


# TLS


def test_trust_is_certifi_a_file_or_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = trust(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")
    with pytest.raises(UsageError, match=r"^--ca-file .*ca\.pem: no CA certificates"):
        trust(str(bad))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(UsageError, match=r"^SSL_CERT_FILE .*missing\.pem"):
        trust(None)


def test_endpoint_stands_behind_the_guard(open_live: Callable[..., Prober]) -> None:
    client = open_live("http://127.0.0.1:9/api/v2").endpoint.client
    assert isinstance(client._transport, GuardedTransport)
    assert client._mounts == {}
    assert not client.follow_redirects
    assert not client.trust_env
