"""One connection of the sandbox's server: HTTP/1.1 as RFC 9110 and RFC 9112 have it.

httptools reads requests, and each is answered as soon as it is whole. What cannot be served is
refused with a status and a line, and the connection closed.
To import this module raises UsageError where the extra `sandbox` is not installed.
"""

import asyncio
import email.utils
import functools
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import NamedTuple

from retry_contract.outcome import UsageError
from retry_contract.service.http import Handler, Request, Response, json_response

try:
    import httptools
except ModuleNotFoundError as error:
    if error.name != "httptools":
        raise
    raise UsageError(
        f"the sandbox needs {error.name}: install retry-contract with its extra `sandbox`"
    ) from None

MOST_CONNECTIONS = 500
"""Beyond so many, the one that has sent no request for longest is dropped: files are few."""
_LARGEST = 1024 * 1024
"""The most that a request's head, or its body, may take, in bytes."""
_PATIENCE, _LINGER = 10.0, 2.0
"""How long a request may take to arrive, and what follows a refused one is read, in seconds."""
_DRIP = 0.5
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^?#]*)", re.IGNORECASE)
_QUERY = re.compile("[?#]")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connections:
    """The open connections of one server."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.waiting: dict[Connection, None] = {}
        """Those from which no whole request has come, the oldest first."""

    def add(self, connection: "Connection") -> None:
        """Take in a connection; the one that has waited longest makes room for it."""
        self.open.add(connection)
        self.waiting[connection] = None
        if len(self.open) > MOST_CONNECTIONS:
            oldest = next(iter(self.waiting))
            self.remove(oldest)  # it is lost a moment later only, and others come meanwhile
            oldest.abort()

    def remove(self, connection: "Connection") -> None:
        """Forget a connection."""
        self.open.discard(connection)
        self.waiting.pop(connection, None)


class _Head(NamedTuple):
    method: bytes
    version: str
    keeps: bool
    """Whether the client may ask again by this connection."""


class Connection(asyncio.Protocol):
    """Answers the requests of one connection by a handler, one after the other."""

    _transport: asyncio.Transport

    def __init__(self, handle: Handler, connections: Connections) -> None:
        self._handle, self._connections = handle, connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._begun = False
        self._size: int | None = 0
        """How much of a request's head has come, in bytes; None once it is whole."""
        self._head = _Head(b"", "", keeps=False)
        self._target, self._body = b"", b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._deaf = False
        """Whether what still comes is passed over."""
        self._drops = b""
        """What is still to be sent, a byte at a time."""

    # The loop calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._wait(_PATIENCE, self._lose_patience)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Send and wait for nothing any more."""
        self._stop_waiting()
        self._deaf, self._drops = True, b""
        self._connections.remove(self)

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are whole, and wait for the rest of another."""
        while data and not self._deaf:
            data = self._feed(data)
        if not self._deaf and self._begun and self._timer is None:
            self._wait(_PATIENCE, self._lose_patience)

    def eof_received(self) -> bool:
        """Refuse a request that is cut off. Returns whether a response is still being sent."""
        if self._begun and not self._deaf:
            self._refuse(400, "the request ends before it is whole")
        return bool(self._drops)

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection once what was written has been sent."""
        self._transport.close()

    # The parser calls these.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._stop_waiting()  # it has a time of its own
        self._begun, self._size = True, 0
        self._target, self._body, self._headers = b"", b"", []

    def on_url(self, part: bytes) -> None:
        """Take in a part of the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header, whole. What comes after the body is none: RFC 9110, 6.5.1."""
        if self._size is not None:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Refuse what cannot be served before its body comes."""
        self._size = None
        parser, version = self._parser, self._parser.get_http_version()
        keeps = version == "1.1" and parser.should_keep_alive()
        self._head = _Head(parser.get_method(), version, keeps)
        if parser.should_upgrade() or self._deaf:
            return
        if version not in ("1.0", "1.1"):
            self._refuse(505, "this is a server of HTTP/1.1")
        for name, value in self._headers:
            if name == b"content-length" and int(value) > _LARGEST:
                self._refuse_body()
            elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                self._refuse(501, "a body may come in chunks, and not be coded otherwise")
            elif name == b"expect" and version == "1.1":
                self._expect(value)

    def on_body(self, part: bytes) -> None:
        """Take in a part of the body."""
        if len(self._body) + len(part) > _LARGEST:
            self._refuse_body()
        elif not self._deaf:
            self._body += part

    def on_message_complete(self) -> None:
        """Answer the request."""
        if self._deaf or self._parser.should_upgrade():
            return
        self._begun = False
        self._stop_waiting()
        # Last among those that wait, once it does again.
        self._connections.waiting.pop(self, None)
        path, host = _split(self._target)
        headers = _joined(self._headers)
        if host is not None:
            headers["host"] = host
        request = Request(self._head.method.decode("ascii"), path, headers, self._body)
        self._send(self._answer(request))

    def _feed(self, data: bytes) -> bytes:
        """Read data, and return what is to be read again."""
        if self._size is not None:
            self._size += len(data)
            if self._size > _LARGEST:
                self._refuse(431, f"the head of a request may take {_LARGEST} bytes")
                return b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade() + data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._refuse(400, f"this is no request of HTTP/1.1: {error}")
        return b""

    def _without_upgrade(self) -> bytes:
        """Return the head without the upgrade that it offers, as RFC 9110, 7.8 lets a server do.

        httptools takes a request for whole where its head offers one, and reads no body.
        """
        method, version, _ = self._head
        if method == b"CONNECT":
            self._refuse(501, "this is no proxy: ask for a path")
            return b""
        self._parser = httptools.HttpRequestParser(self)
        lines = [b"%s %s HTTP/%s" % (method, self._target, version.encode("ascii"))]
        lines += [b"%s: %s" % header for header in self._headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    def _expect(self, value: bytes) -> None:
        if value.lower() == b"100-continue":
            if not self._deaf:
                self._transport.write(_CONTINUE)
        else:
            self._refuse(417, "only 100-continue can be expected")

    def _answer(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except Exception as error:
            return json_response(500, {"error": f"the sandbox failed: {type(error).__name__}"})

    def _send(self, response: Response) -> None:
        """Send a response as its pace says. After all but those at once, the connection ends."""
        at_once = response.pace == "at once"
        self._deaf = not (at_once and self._head.keeps)
        if response.pace == "reset":
            wire = self._transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()
        elif at_once:
            body = b"" if self._head.method == b"HEAD" else response.body
            self._transport.write(_head_of(response, closes=self._deaf) + body)
            self._connections.waiting[self] = None
            if self._deaf:
                self._end()
        elif response.pace != "silent":
            self._transport.write(_head_of(response, closes=True))
            if response.pace == "drip":
                self._drops = response.body
                self._drip()

    def _drip(self) -> None:
        self._transport.write(self._drops[:1])
        self._drops = self._drops[1:]
        self._wait(_DRIP, self._drip if self._drops else self.close)

    def _refuse_body(self) -> None:
        self._refuse(413, f"a body may take {_LARGEST} bytes")

    def _refuse(self, status: int, why: str) -> None:
        """Answer a request that cannot be served."""
        if self._deaf:
            return
        self._deaf = True
        response = json_response(status, {"error": why})
        self._transport.write(_head_of(response, closes=True) + response.body)
        self._end()

    def _end(self) -> None:
        """End this side. What still comes is passed over, else the client may lose the answer."""
        self._transport.write_eof()
        self._wait(_LINGER, self.close)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self._timer = self._loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _lose_patience(self) -> None:
        if self._begun:
            self._refuse(408, f"the request was not whole after {_PATIENCE:g} seconds")
        else:
            self.close()


def _head_of(response: Response, *, closes: bool) -> bytes:
    lines = [_status_line(response.status)]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"content-length: {len(response.body)}", _date_line(int(time.time()))]
    if closes:
        lines.append("connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1")


@functools.cache
def _status_line(status: int) -> str:
    known = status in HTTPStatus.__members__.values()
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase if known else ''}"


@functools.lru_cache(maxsize=1)
def _date_line(second: int) -> str:
    return f"date: {email.utils.formatdate(second, usegmt=True)}"


def _split(target: bytes) -> tuple[str, str | None]:
    """Return the path of a target, and the host, which replaces Host: RFC 9112, 3.2.2."""
    absolute = None if target.startswith(b"/") else _ABSOLUTE.match(target)
    if absolute is None:
        return _QUERY.split(target.decode("latin-1"), maxsplit=1)[0], None
    host, path = absolute.groups()
    return (path or b"/").decode("latin-1"), host.decode("latin-1")


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name; one that came more than once holds a comma."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
