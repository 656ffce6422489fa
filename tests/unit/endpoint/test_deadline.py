"""Looking up names: nobody waits for a name server, nor is a name trusted for what it says."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.proxy import trap
from support.server import Served, serve

from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.outcome import NotTested
from retry_contract.verification.prober import Prober

SOON = 2.0


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve() as model:
        yield model


@pytest.fixture
def open_live(request: pytest.FixtureRequest) -> Callable[..., Prober]:
    """Begin a run at a URL."""

    def begin(url: str, timeout: float = 0.2) -> Prober:
        endpoint = LiveEndpoint(LiveSettings(url, "key", "campaign", timeout=timeout))
        request.addfinalizer(endpoint.close)
        return Prober(endpoint)

    return begin


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Put a function in the place of the system's resolver; it returns addresses."""

    def use(look_up: Callable[[], Any]) -> None:
        def look_up_any(host: str, port: int, *_: Any, **__: Any) -> Any:
            found = [host] if host[0].isdigit() else look_up()
            family = socket.AF_INET
            return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up_any)

    return use


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    released = threading.Event()
    yield released
    released.set()


def test_name_server_that_does_not_answer_costs_no_more_than_the_timeout(
    open_live: Callable[..., Prober], resolver: Any, blocked: threading.Event
) -> None:
    resolver(lambda: [blocked.wait(60)])
    begin = time.monotonic()
    with pytest.raises(NotTested, match=r"^no response from .*: the name server does not answer$"):
        open_live("https://service.example/api/v2").retrieve("m")
    assert 0.15 < time.monotonic() - begin < SOON


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to a thread")
def test_ctrl_c_gets_through_a_look_up(
    open_live: Callable[..., Prober], resolver: Any, blocked: threading.Event
) -> None:
    main = threading.main_thread().ident
    assert main is not None

    def look_up() -> list[str]:
        signal.pthread_kill(main, signal.SIGINT)
        blocked.wait(60)
        return []

    resolver(look_up)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        open_live("https://service.example/api/v2", timeout=60).retrieve("m")
    assert time.monotonic() - begin < SOON


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "the host's name is not known here"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "the name server does not answer"),
        (UnicodeError("label too long"), "the host's name is not known here"),
    ],
)
def test_each_failure_of_a_look_up_has_its_message(
    open_live: Callable[..., Prober], resolver: Any, error: Exception, said: str
) -> None:
    def look_up() -> list[str]:
        raise error

    resolver(look_up)
    with pytest.raises(NotTested, match=rf": {said}$"):
        open_live("https://service.example/api/v2").retrieve("m")


def test_address_after_address_is_tried(
    open_live: Callable[..., Prober], served: Served, resolver: Any
) -> None:
    url = served.url.replace("127.0.0.1", "localhost")
    resolver(lambda: ["127.0.0.2", "127.0.0.1"])
    with pytest.raises(NotTested, match="the key was refused"):
        open_live(url, SOON).retrieve("m")
    resolver(list)
    with pytest.raises(NotTested, match="the connection failed"):
        open_live(url).retrieve("m")


@pytest.mark.parametrize("others", [[], ["127.0.0.1"], ["::1"]])
def test_name_of_this_machine_that_leads_elsewhere_is_not_trusted(
    open_live: Callable[..., Prober],
    resolver: Any,
    monkeypatch: pytest.MonkeyPatch,
    others: list[str],
) -> None:
    with trap() as here:
        resolver(lambda: [*others, "192.0.2.7"])
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
        for scheme in ("http", "https"):
            url = here.url.replace("127.0.0.1", "localhost").replace("http", scheme)
            with pytest.raises(NotTested, match=r"^localhost leads to 192\.0\.2\.7, which is not"):
                open_live(url).retrieve("m")
        assert here.accepted == 0
