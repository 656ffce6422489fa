"""One connection of the sandbox's server: its limits, its order, and what is left of it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.sandboxes import still_sandbox
from support.wire import connected, told

from retry_contract.endpoint import connection as module
from retry_contract.endpoint.connection import Connection, Connections
from retry_contract.endpoint.framing import LARGEST
from retry_contract.endpoint.server import serve
from retry_contract.service.http import Pace, Request, Response

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
PATIENCE = 10
"""In seconds; nothing that is right takes as long."""


def made(body: bytes = b"made", pace: Pace = "at once") -> Response:
    return Response(201, body, {"content-type": "text/plain"}, pace)


@dataclass
class Served:
    """A server whose handler is exchanged by tests, and its connections."""

    base: str
    answer: Callable[[Request], Response]

    def connections(self) -> list[Connection]:
        gc.collect()
        return [found for found in gc.get_objects() if isinstance(found, Connection)]

    def wait_until_all_have_ended(self) -> None:
        """Once one that comes after them is answered, those that came before have been taken in."""
        with connected(self.base) as wire:
            assert statuses(ask(wire, b"GET /last HTTP/1.0\r\nHost: here\r\n\r\n")) == [201]
        deadline = time.monotonic() + PATIENCE
        while left := len(self.connections()):
            assert time.monotonic() < deadline, f"{left} connections are left"
            threading.Event().wait(0.01)


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served("", lambda _: made())

    def answer(request: Request) -> Response:
        return made() if request.path == "/last" else found.answer(request)

    with serve(answer) as (found.base,):
        yield found


def ask(wire: socket.socket, sent: bytes) -> bytes:
    """Send bytes, and return what comes until the other side ends. No reset may come before."""
    wire.sendall(sent)
    return b"".join(iter(lambda: wire.recv(65536), b""))


def statuses(data: bytes) -> list[int | None]:
    return [answer.status for answer in told(data, ()).answers]


def posted(length: int, *lines: str) -> bytes:
    head = ("POST / HTTP/1.1", "Host: here", "Connection: close", *lines)
    return "\r\n".join((*head, f"Content-Length: {length}", "", "")).encode() + b"a" * length


def test_handler_that_fails_is_a_500(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_: Request) -> Response:
        raise ZeroDivisionError("what only a person may see")

    served.answer = fail
    with connected(served.base) as wire:
        data = ask(wire, GET + GET.replace(b"Host", b"Connection: close\r\nHost"))
    assert statuses(data) == [500, 500]
    assert data.count(b'{"error":"the sandbox failed: ZeroDivisionError"}') == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("length", "status"), [(LARGEST, 201), (LARGEST + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_may_take_so_much(length: int, status: int, chunked: bool, served: Served) -> None:
    sent = posted(length)
    if chunked:
        head, _, body = sent.partition(b"\r\n\r\n")
        head = head.replace(b"Content-Length: %d" % length, b"Transfer-Encoding: chunked")
        pieces = (body[at : at + 50_000] for at in range(0, length, 50_000))
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        sent = head + b"\r\n\r\n" + chunks + b"0\r\n\r\n"
    with connected(served.base) as wire:
        assert statuses(ask(wire, sent)) == [status]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"x: " + b"y" * (LARGEST - 20_000), 201),
        (b"x: " + b"y" * (LARGEST + 20_000), 431),
        (b"\r\n".join(b"x-%d: y" % number for number in range(900)), 201),
        (b"\r\n".join(b"x-%d: y" % number for number in range(1_001)), 431),
        (b"\r\n".join([b"x: y"] * 1_002), 431),
        (b"Content-Length: 0" + b"0" * 9_000, 201),
        (b"Content-Length: 9" + b"0" * 8, 413),
        (b"Expect: 100-continue \t", 201),
    ],
)
def test_head_may_take_so_much(more: bytes, status: int, served: Served) -> None:
    with connected(served.base) as wire:
        start = b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
        assert statuses(ask(wire, start + more + b"\r\n\r\n")) == [status]


def test_what_frames_a_body_has_a_bound(served: Served) -> None:
    with connected(served.base) as wire:
        start = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: "
        assert statuses(ask(wire, start + b"y" * (9 * LARGEST))) == [413]


def test_body_may_come_in_the_smallest_chunks(served: Served) -> None:
    seen: list[int] = []

    def answer(request: Request) -> Response:
        seen.append(len(request.body))
        return made()

    served.answer = answer
    head = (
        b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with connected(served.base) as wire:
        assert statuses(ask(wire, head + b"1\r\na\r\n" * LARGEST + b"0\r\n\r\n")) == [201]
    assert seen == [LARGEST]


@pytest.mark.parametrize(
    "sent",
    [
        GET.replace(b"Host", b"Connection: close\r\nHost"),
        GET.replace(b"1.1", b"1.0"),
        GET.replace(b"Host", b"Expect: more\r\nHost"),
        GET.replace(b"Host", b"Host: there\r\nHost"),
        GET.replace(b" / ", b" "),
        posted(2 * LARGEST),
    ],
    ids=["close", "HTTP/1.0", "expects", "two hosts", "malformed", "too large"],
)
def test_last_answer_arrives_though_more_is_sent(
    sent: bytes, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To close with data unread resets the connection, and the answer may be lost."""
    monkeypatch.setattr(module, "_LINGER", 0.5)
    with connected(served.base) as wire:
        wire.sendall(sent + GET * 2_000)
        data = wire.recv(65536)
        wire.sendall(GET * 2_000)
        data += b"".join(iter(lambda: wire.recv(65536), b""))
        assert len(statuses(data)) == 1
        assert b"connection: close\r\n" in data
    served.wait_until_all_have_ended()


@pytest.mark.parametrize("sent", [GET, GET * 3, GET[:-2], posted(9)[:-3], b"", b"nonsense\r\n\r\n"])
@pytest.mark.parametrize("pace", ["at once", "silent", "stall", "drip", "reset"])
def test_nothing_is_left_of_a_client_that_has_gone(
    sent: bytes, pace: Pace, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    served.answer = lambda _: made(pace=pace)
    with connected(served.base) as wire:
        wire.sendall(sent)
        if pace != "silent" and sent.startswith(GET):
            with contextlib.suppress(ConnectionResetError):
                wire.recv(1)
    served.wait_until_all_have_ended()


def test_nothing_is_left_of_a_half_closed_client_that_is_not_answered(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    served.answer = lambda _: made(pace="silent")
    with connected(served.base) as wire:
        wire.sendall(GET)
        wire.shutdown(socket.SHUT_WR)
        begin = time.monotonic()
        assert wire.recv(1) == b""
        assert time.monotonic() - begin >= 0.1, "it is not told by a close that nothing comes"
    served.wait_until_all_have_ended()


@pytest.mark.parametrize("more", [b"", GET], ids=["alone", "pipelined"])
@pytest.mark.parametrize("ends", [False, True])
def test_dripping_response_arrives_whole(
    more: bytes, ends: bool, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DRIP", 0.001)
    served.answer = lambda _: made(pace="drip")
    with connected(served.base) as wire:
        wire.sendall(GET + more)
        if ends:
            wire.shutdown(socket.SHUT_WR)
        data = b"".join(iter(lambda: wire.recv(65536), b""))
    assert data.endswith(b"\r\n\r\nmade")


def test_client_that_trickles_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.3)
    with connected(served.base) as wire:
        reader = threading.Thread(target=_trickle, args=(wire,))
        reader.start()
        data = b"".join(iter(lambda: wire.recv(65536), b""))
        reader.join()
    assert statuses(data) == [408]


def _trickle(wire: socket.socket) -> None:
    """Send a byte again and again, until the other side has ended."""
    with contextlib.suppress(OSError):
        wire.sendall(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(500):
            wire.sendall(b"y")
            threading.Event().wait(0.02)


def test_request_after_a_slow_one_has_its_own_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 1.0)
    with connected(served.base) as wire:
        for _ in range(4):
            wire.sendall(GET[:9])
            threading.Event().wait(0.4)
            wire.sendall(GET[9:])
            assert wire.recv(65536).startswith(b"HTTP/1.1 201")


def test_idle_connection_stays(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.1)
    with connected(served.base) as wire:
        for _ in range(2):
            wire.sendall(GET)
            assert wire.recv(65536).startswith(b"HTTP/1.1 201")
            threading.Event().wait(0.3)


def test_client_that_reads_late_gets_every_answer(served: Served) -> None:
    served.answer = lambda _: made(b"a" * 10_000)
    number = 2_000
    with connected(served.base) as wire:
        sender = threading.Thread(target=wire.sendall, args=(GET * number,))
        sender.start()
        threading.Event().wait(0.2)
        answers = wire.makefile("rb")
        for _ in range(number):
            assert answers.readline() == b"HTTP/1.1 201 Created\r\n"
            while answers.readline() != b"\r\n":
                pass
            assert len(answers.read(10_000)) == 10_000
        sender.join()


def test_client_that_never_reads_is_dropped(served: Served) -> None:
    """What is answered to one packet may be much more than it."""
    served.answer = lambda _: made(b"a" * LARGEST)
    with connected(served.base) as wire:
        wire.sendall(GET * 1_000)
        served.wait_until_all_have_ended()
        with contextlib.suppress(ConnectionResetError):
            while wire.recv(65536):
                pass


def test_client_that_has_gone_costs_no_line(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with connected(served.base) as wire:
            wire.sendall(GET * 1_000)
    served.wait_until_all_have_ended()
    assert capfd.readouterr() == ("", "")


class Transport:
    """What a connection needs of a transport to be dropped."""

    def __init__(self, number: int, aborted: list[int]) -> None:
        self.number, self.aborted = number, aborted

    def abort(self) -> None:
        self.aborted.append(self.number)


def test_one_that_asked_last_is_dropped_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 3)

    async def drop() -> list[int]:
        connections = Connections()
        several = [Connection(lambda _: made(), connections) for _ in range(6)]
        aborted: list[int] = []
        for number, one in enumerate(several):
            vars(one)["_transport"] = Transport(number, aborted)
            connections.add(one)
            if number == 2:
                connections.move_to_end(several[0])
        return aborted

    assert asyncio.run(drop()) == [1, 2, 0]


@pytest.mark.parametrize("pace", ["silent", "stall", "drip"])
def test_unanswered_clients_do_not_keep_out_others(
    pace: Pace, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 5)
    served.answer = lambda _: made(pace=pace)
    with contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(connected(served.base)).sendall(GET)
        served.answer = lambda _: made()
        with connected(served.base) as wire:
            wire.sendall(GET)
            assert wire.recv(65536).startswith(b"HTTP/1.1 201")


FEW_FILES = """
import contextlib, resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from retry_contract.endpoint.server import serve
from retry_contract.service.http import Response
with serve(lambda _: Response(201)) as (base,):
    print(base, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_idle_clients_leave_a_process_with_few_files_serving() -> None:
    pipe: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", FEW_FILES], text=True, **pipe) as process:
        assert process.stdout is not None
        base = process.stdout.readline().strip()
        with contextlib.ExitStack() as held:
            for _ in range(400):
                held.enter_context(connected(base))
            with connected(base) as wire:
                wire.sendall(GET)
                assert wire.recv(65536).startswith(b"HTTP/1.1 201")
        _, said = process.communicate(timeout=PATIENCE)
    assert said == ""


def test_log_of_the_sandbox_keeps_the_begin_of_a_path() -> None:
    sandbox = still_sandbox()
    sandbox.handle(Request("GET", "/" + "a" * LARGEST))
    ((_, _, path, _),) = sandbox.requests
    assert len(path) == 1_000
