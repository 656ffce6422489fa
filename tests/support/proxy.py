"""Servers on loopback that stand in the way: one that goes wrong by order, and two others.

`between` stands before a service and changes each response as named. `forward_proxy`
is a proxy as `--proxy` names one. `trap` must never be contacted.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import http.client
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PATIENCE = 10.0
_PIECE = b"x" * 2**16
_DRIP = 0.02


@dataclass(frozen=True)
class Call:
    """One request that came in. `number` counts from 1."""

    number: int
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


class Wire:
    """One connection to a client, and the response that the service gave, as bytes."""

    def __init__(self, sock: socket.socket, stop: threading.Event) -> None:
        self.sock = sock
        self.stop = stop
        self.head = self.body = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte at a time, for as long as the client takes them."""
        for byte in data:
            self.send(bytes([byte]))
            if self.stop.wait(_DRIP):
                return

    def reset(self) -> None:
        """Close with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_client(self) -> None:
        """Say nothing until the client has gone."""
        while not self.stop.is_set() and self.sock.recv(2**16):
            pass


Behaviour = Callable[[Wire], bool | None]
"""What is done with a response; true if the connection stays open after it."""


def _pass(wire: Wire) -> bool:
    wire.send(wire.head + wire.body)
    return True


def _cut_off(wire: Wire) -> None:
    wire.send(wire.head + wire.body[: len(wire.body) // 2])


def _reset_in_body(wire: Wire) -> None:
    _cut_off(wire)
    wire.reset()


def _reset_in_head(wire: Wire) -> None:
    wire.send(wire.head[:30])
    wire.reset()


def _drip_body(wire: Wire) -> None:
    wire.send(wire.head)
    wire.drip(wire.body)


def _endless(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 -\r\ncontent-type: application/json\r\n\r\n")
    for _ in range(2**10):
        wire.send(_PIECE)


def _endless_head(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 -\r\n")
    for _ in range(2**10):
        wire.send(b"x-padding: " + _PIECE + b"\r\n")


def _endless_early_hints(wire: Wire) -> None:
    for _ in range(2**20):
        wire.send(b"HTTP/1.1 103 -\r\n\r\n")


def _chunks_cut_off(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")


def response(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer so, whatever the service has answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in named.items())]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1")

    def behave(wire: Wire) -> bool:
        wire.send(head + body)
        return True

    return behave


def passing(**headers: str) -> Behaviour:
    """Answer as the service has, with further headers."""
    more = "".join(f"\r\n{name.replace('_', '-')}: {value}" for name, value in headers.items())

    def behave(wire: Wire) -> bool:
        status, _, rest = wire.head.partition(b"\r\n")
        wire.send(status + more.encode("latin-1") + b"\r\n" + rest + wire.body)
        return True

    return behave


@functools.cache
def bomb(times: int) -> bytes:
    """Return 16 MiB of noughts, compressed so many times."""
    body = b"0" * 2**24
    for _ in range(times):
        body = gzip.compress(body, 9)
    return body


_HTML = b"<!DOCTYPE html><html><body>%s</body></html>"
_FLAT = b'{"message":"%s","statusCode":%d}'


def _reset_at_once(wire: Wire) -> None:
    wire.sock.recv(1, socket.MSG_PEEK)  # the client is connected by now
    wire.reset()


AT_ONCE: dict[str, Behaviour] = {
    "reset at once": _reset_at_once,
    "closed at once": lambda wire: None,
    "silent at once": Wire.wait_for_client,
    "garbage at once": lambda wire: wire.send(b"\x00\xffSSH-2.0-what\r\n\r\n"),
}
"""What is done before a request is read. The service never sees it."""

BEHAVIOURS: dict[str, Behaviour] = {
    "pass": _pass,
    "reset before the headers": Wire.reset,
    "closed before the headers": lambda wire: None,
    "reset in the headers": _reset_in_head,
    "reset in the body": _reset_in_body,
    "body cut off": _cut_off,
    "chunks cut off": _chunks_cut_off,
    "silent": Wire.wait_for_client,
    "headers drip": lambda wire: wire.drip(wire.head),
    "body drips": _drip_body,
    "endless body": _endless,
    "endless headers": _endless_head,
    "endless early hints": _endless_early_hints,
    "gzip bomb": lambda wire: response(200, bomb(1), content_encoding="gzip")(wire),
    "gzip bomb in gzip": lambda wire: response(200, bomb(2), content_encoding="gzip, gzip")(wire),
    "gzip garbled": response(200, b"no gzip", content_encoding="gzip"),
    "gzip cut off": response(200, gzip.compress(b"{}" * 99)[:-9], content_encoding="gzip"),
    "brotli unasked": response(200, b"\x0b\x02\x80{}\x03", content_encoding="br"),
    "503": response(503, _FLAT % (b"Unavailable", 503), content_type="application/json"),
    "502 in HTML": response(502, _HTML % b"Bad Gateway", content_type="text/html"),
    "200 in HTML": response(200, _HTML % b"Welcome", content_type="text/html"),
    "401": response(401, _FLAT % (b"Unauthorized", 401), content_type="application/json"),
    "403": response(403, _FLAT % (b"Forbidden", 403), content_type="application/json"),
    "404": response(404, _FLAT % (b"Not Found", 404), content_type="application/json"),
    "429": response(
        429, _FLAT % (b"Slow down", 429), retry_after="0", content_type="application/json"
    ),
    "address refused": response(
        400,
        b'{"error":{"code":"invalid_ip_address_used","message":"-","type":"-","id":"-"}}',
        content_type="application/json",
    ),
    "1010 in HTML": response(403, _HTML % b"error code: 1010", content_type="text/html"),
}
"""What is done with a response, after the service has acted on the request."""


@dataclass
class Between:
    """A server that stands before a service. `calls` is what came in, `accepted` how often."""

    url: str
    calls: list[Call] = field(default_factory=list)
    accepted: int = 0

    def sent(self, method: str) -> list[Call]:
        """Return the calls by a method."""
        return [call for call in self.calls if call.method == method]


@contextlib.contextmanager
def between(
    upstream: str,
    behave: str | Behaviour = "pass",
    *,
    each: Callable[[Call], str | Behaviour] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Between]:
    """Stand before a service. `each` is asked for a behaviour for each call, instead."""
    parts = urlsplit(upstream)
    assert parts.hostname is not None
    assert parts.port is not None
    address = parts.hostname, parts.port
    lock = threading.Lock()

    def chosen(call: Call) -> Behaviour:
        found = each(call) if each else behave
        return BEHAVIOURS[found] if isinstance(found, str) else found

    def serve(sock: socket.socket, stop: threading.Event) -> None:
        here.accepted += 1
        wire = Wire(sock if tls is None else tls.wrap_socket(sock, server_side=True), stop)
        with wire.sock:
            if isinstance(behave, str) and behave in AT_ONCE:
                AT_ONCE[behave](wire)
                return
            stays: bool | None = True
            while stays:
                request = _read_request(wire.sock)
                if request is None:
                    return
                with lock:
                    call = Call(len(here.calls) + 1, *request)
                    here.calls.append(call)
                    wire.head, wire.body = _ask(address, call)
                stays = chosen(call)(wire)

    with _server(serve) as port:
        scheme = "http" if tls is None else "https"
        here = Between(f"{scheme}://127.0.0.1:{port}{parts.path}")
        yield here


@contextlib.contextmanager
def forward_proxy(refusal: bytes = b"") -> Iterator[Between]:
    """A proxy for http and, by CONNECT, for https; to loopback only. `refusal` is its answer."""

    def serve(sock: socket.socket, stop: threading.Event) -> None:
        here.accepted += 1
        while (request := _read_request(sock)) is not None:
            call = Call(len(here.calls) + 1, *request)
            here.calls.append(call)
            tunnel = call.method == "CONNECT"
            target = urlsplit(f"//{call.target}" if tunnel else call.target)
            assert target.hostname == "127.0.0.1"
            assert target.port is not None
            if refusal:
                sock.sendall(refusal)
            elif tunnel:
                with socket.create_connection((target.hostname, target.port), _PATIENCE) as far:
                    sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    _join(sock, far, stop)
                return
            else:
                sock.sendall(b"".join(_ask((target.hostname, target.port), call)))

    with _server(serve) as port:
        here = Between(f"http://127.0.0.1:{port}")
        yield here


@contextlib.contextmanager
def trap(address: str = "127.0.0.1") -> Iterator[Between]:
    """A server that nobody may contact; `accepted` says how often somebody did."""

    def serve(sock: socket.socket, _: threading.Event) -> None:
        here.accepted += 1
        sock.close()

    with _server(serve, address) as port:
        here = Between(f"http://{address}:{port}/api/v2")
        yield here


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """The base URL of a port at which nothing listens, and nothing else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/api/v2"


@contextlib.contextmanager
def unanswering() -> Iterator[str]:
    """The base URL of a port that takes no more connections, and refuses none (on Linux)."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}/api/v2"


@contextlib.contextmanager
def _server(
    serve: Callable[[socket.socket, threading.Event], None], address: str = "127.0.0.1"
) -> Iterator[int]:
    """Serve each connection in a thread of its own, until the block is left."""
    stop, threads, open_sockets = threading.Event(), [], []
    listening = socket.create_server((address, 0))

    def one(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_PATIENCE)
            serve(sock, stop)

    def accept() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                sock, _ = listening.accept()
                open_sockets.append(sock)
                threads.append(threading.Thread(target=one, args=(sock,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        acceptor.join(_PATIENCE)
        for sock in open_sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(_PATIENCE)


def _read_request(sock: socket.socket) -> tuple[str, str, dict[str, str], bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(2**16)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (s.partition(":") for s in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        piece = sock.recv(2**16)
        if not piece:
            return None
        body += piece
    method, target, _ = first.split(" ")
    return method, target, headers, body


def _ask(address: tuple[str, int], call: Call) -> tuple[bytes, bytes]:
    """Hand a call to the service, and return the head and the body of its response."""
    parts = urlsplit(call.target)
    connection = http.client.HTTPConnection(*address, timeout=_PATIENCE)
    with contextlib.closing(connection):
        connection.request(call.method, parts.path, call.body or None, dict(call.headers))
        answer = connection.getresponse()
        body = answer.read()
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{n}: {v}" for n, v in answer.getheaders())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1"), body


def _join(one: socket.socket, other: socket.socket, stop: threading.Event) -> None:
    """Carry bytes both ways until either side has gone."""
    while not stop.is_set():
        ready, _, _ = select.select([one, other], [], [], 0.1)
        for sock in ready:
            data = sock.recv(2**16)
            if not data:
                return
            (other if sock is one else one).sendall(data)
