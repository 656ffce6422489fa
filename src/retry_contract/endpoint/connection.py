"""One connection of the sandbox's server: HTTP/1.1 as RFC 9110 and RFC 9112 have it.

httptools reads requests, and each is answered as soon as it is whole. What cannot be served is
refused with a status and a line, and the connection closed.
To import this module raises UsageError where the extra `sandbox` is not installed.
"""

import asyncio
import socket
import struct
from collections.abc import Callable

from retry_contract.endpoint.framing import Incoming, head_of
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
_LARGEST_CODED = 8 * _LARGEST
"""The most that a whole request may take: what frames a small chunk is larger than the chunk."""
_PATIENCE, _LINGER = 10.0, 2.0
"""How long a request may take to arrive, and what follows a refused one is read, in seconds."""
_DRIP = 0.5
_TOO_LARGE = f"a body may take {_LARGEST} bytes"
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


class Connection(asyncio.Protocol):
    """Answers the requests of one connection by a handler, one after the other."""

    _transport: asyncio.Transport

    def __init__(self, handle: Handler, connections: Connections) -> None:
        self._handle, self._connections = handle, connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._incoming: Incoming | None = None
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
        if not self._deaf and self._incoming is not None and self._timer is None:
            self._wait(_PATIENCE, self._lose_patience)

    def eof_received(self) -> bool:
        """Refuse a request that is cut off. Returns whether a response is still being sent."""
        if self._incoming is not None:
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
        self._incoming = Incoming()

    def on_url(self, part: bytes) -> None:
        """Take in a part of the target."""
        self._current.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header, whole. What comes after the body is none: RFC 9110, 6.5.1."""
        if not self._current.is_head_whole:
            self._current.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Refuse what cannot be served before its body comes."""
        incoming, parser = self._current, self._parser
        incoming.is_head_whole = True
        incoming.method, incoming.version = parser.get_method(), parser.get_http_version()
        incoming.keeps = incoming.version == "1.1" and parser.should_keep_alive()
        if not parser.should_upgrade():
            self._check_head(incoming)

    def on_body(self, part: bytes) -> None:
        """Take in a part of the body."""
        body = self._current.body
        if len(body) + len(part) > _LARGEST:
            self._refuse(413, _TOO_LARGE)
        elif not self._deaf:
            body += part

    def on_message_complete(self) -> None:
        """Answer the request."""
        if self._deaf or self._parser.should_upgrade():
            return
        incoming, self._incoming = self._current, None
        self._stop_waiting()
        # Last among those that wait, once it does again.
        self._connections.waiting.pop(self, None)
        self._send(self._answer(incoming.request()), incoming)

    @property
    def _current(self) -> Incoming:
        assert self._incoming is not None  # the parser says first that one begins
        return self._incoming

    def _feed(self, data: bytes) -> bytes:
        """Read data, and return what is to be read again."""
        if self._incoming is not None and self._is_too_large(self._incoming, len(data)):
            return b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(self._current, data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is no request of HTTP/1.1: {error}")
        return b""

    def _is_too_large(self, incoming: Incoming, more: int) -> bool:
        incoming.size += more
        if incoming.is_head_whole and incoming.size > _LARGEST_CODED:
            self._refuse(413, _TOO_LARGE)
        elif not incoming.is_head_whole and incoming.size > _LARGEST:
            self._refuse(431, f"the head of a request may take {_LARGEST} bytes")
        return self._deaf

    def _without_upgrade(self, incoming: Incoming, rest: bytes) -> bytes:
        """Return what is read again, without the offer of an upgrade: RFC 9110, 7.8.

        httptools takes a request for whole where its head offers one, and reads no body.
        """
        if incoming.method == b"CONNECT":
            self._refuse(501, "this is no proxy: ask for a path")
            return b""
        self._parser = httptools.HttpRequestParser(self)
        return incoming.head_without_upgrade() + rest

    def _check_head(self, incoming: Incoming) -> None:
        if incoming.version not in ("1.0", "1.1"):
            self._refuse(505, "this is a server of HTTP/1.1")
        # Leading zeros count for nothing, and more digits than that are too many.
        if any(
            int(v.lstrip(b"0")[:9] or b"0") > _LARGEST for v in incoming.values(b"content-length")
        ):
            self._refuse(413, _TOO_LARGE)
        if any(v.lower() != b"chunked" for v in incoming.values(b"transfer-encoding")):
            self._refuse(501, "a body may come in chunks, and not be coded otherwise")
        expected = incoming.values(b"expect") if incoming.version == "1.1" else []
        if any(v.lower() != b"100-continue" for v in expected):
            self._refuse(417, "only 100-continue can be expected")
        if incoming.version == "1.1" and len(incoming.values(b"host")) != 1:
            self._refuse(400, "a request names its Host, once")
        if expected and not self._deaf:
            self._transport.write(_CONTINUE)

    def _answer(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except Exception as error:
            return json_response(500, {"error": f"the sandbox failed: {type(error).__name__}"})

    def _send(self, response: Response, incoming: Incoming) -> None:
        """Send a response as its pace says. After all but those at once, the connection ends."""
        at_once = response.pace == "at once"
        self._deaf = not (at_once and incoming.keeps)
        if response.pace == "reset":
            wire = self._transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()
        elif at_once:
            body = b"" if incoming.method == b"HEAD" else response.body
            self._transport.write(head_of(response, closes=self._deaf) + body)
            self._connections.waiting[self] = None
            if self._deaf:
                self._end()
        elif response.pace != "silent":
            self._transport.write(head_of(response, closes=True))
            if response.pace == "drip":
                self._drops = response.body
                self._drip()

    def _drip(self) -> None:
        self._transport.write(self._drops[:1])
        self._drops = self._drops[1:]
        self._wait(_DRIP, self._drip if self._drops else self.close)

    def _refuse(self, status: int, why: str) -> None:
        """Answer a request that cannot be served, unless that has been done."""
        if self._deaf:
            return
        self._deaf = True
        response = json_response(status, {"error": why})
        headless = self._incoming is not None and self._incoming.method == b"HEAD"
        body = b"" if headless else response.body
        self._transport.write(head_of(response, closes=True) + body)
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
        if self._incoming is not None:
            self._refuse(408, f"the request was not whole after {_PATIENCE:g} seconds")
        else:
            self.close()
