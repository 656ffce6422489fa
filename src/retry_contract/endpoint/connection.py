"""One connection of the sandbox's server: HTTP/1.1 as RFC 9110 and RFC 9112 have it.

httptools reads requests, and each is answered as soon as it is whole. What cannot be served is
refused with a status and a line, and the connection closed.
To import this module raises UsageError where the extra `sandbox` is not installed.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator

from retry_contract.endpoint.framing import LARGEST, TOO_LARGE, Incoming, head_of, refusal
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

MOST_CONNECTIONS, _OTHER_FILES, _MOST_HEADERS = 500, 96, 1000
"""Beyond so many, the one that has sent no request for longest is dropped."""
_LARGEST_CODED = 8 * LARGEST
"""The most that a whole request may take: what frames a small chunk is larger than the chunk."""
MOST_HELD, _FEW_HELD = 64 * LARGEST, 64 * 1024
"""How much all connections together may hold, of requests that are not whole and of responses that
are unread; and below how much one is not looked at: all of them could not hold too much.
"""
_PATIENCE, _LINGER = 10.0, 2.0
"""How long a request may take to arrive, and what follows a refused one is read, in seconds."""
_DRIP, _AT_A_TIME = 0.5, 64 * 1024
"""How long after one byte the next is dripped, in seconds; how much is read at a time, in bytes."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connections:
    """The open connections of one server."""

    def __init__(self) -> None:
        self._open: dict[Connection, None] = {}
        """The one that has sent no request for longest comes first."""
        self.buffer = memoryview(bytearray(_AT_A_TIME))

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> "Iterator[Connection]":
        return iter(list(self._open))

    def add(self, connection: "Connection") -> None:
        """Take in a connection; where there are too many, the first makes room for it."""
        self._open[connection] = None
        if len(self) > most_connections():
            oldest = next(iter(self._open))
            self.remove(oldest)  # it is lost a moment later only, and others come meanwhile
            oldest.abort()

    def move_to_end(self, connection: "Connection") -> None:
        """Count from now since when a connection has sent no request."""
        if connection in self._open:
            self._open[connection] = self._open.pop(connection)

    def make_room(self, connection: "Connection") -> None:
        """Drop those that hold most, once all together hold too much; one of them has grown."""
        if connection.held <= _FEW_HELD:
            return
        sizes = {each: each.held for each in self}
        left = sum(sizes.values())
        for each in sorted(sizes, key=lambda each: sizes[each], reverse=True):
            if left <= MOST_HELD:
                break
            left -= sizes[each]
            self.remove(each)
            each.abort()

    def remove(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._open.pop(connection, None)


def most_connections() -> int:
    """Return how many connections are kept: each is a file, and a process may have few."""
    try:
        import resource
    except ModuleNotFoundError:  # on Windows
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files < 0 else max(1, min(MOST_CONNECTIONS, files - _OTHER_FILES))


class Connection(asyncio.BufferedProtocol):
    """Answers the requests of one connection by a handler, one after the other."""

    _transport: asyncio.Transport

    def __init__(self, handle: Handler, connections: Connections) -> None:
        self._handle, self._connections = handle, connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._incoming: Incoming | None = None
        self._is_last = False
        """Whether the last request has come: what follows it is passed over."""
        self._withholds = False
        """Whether its response is not sent to its end, by a fault."""
        self._drops = b""
        """What is still to be sent, a byte at a time."""

    @property
    def held(self) -> int:
        """About how much memory is held for it, in bytes."""
        incoming = 0 if self._incoming is None else self._incoming.held
        return incoming + self._transport.get_write_buffer_size() + len(self._drops)

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
        self._connections.remove(self)
        del self._parser  # it refers to this, and a collection may be long in coming

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read to: one place for all, since what is read is taken at once."""
        return self._connections.buffer[:_AT_A_TIME]

    def buffer_updated(self, nbytes: int) -> None:
        """Answer the requests that are whole, and wait for the rest of another."""
        data = bytes(self._connections.buffer[:nbytes])
        while data and not self._is_last:
            data = self._feed(data)
        if not self._is_last and self._incoming is not None and self._timer is None:
            self._wait(_PATIENCE, self._lose_patience)

    def eof_received(self) -> bool:
        """Refuse a request that is cut off. Returns whether a response is still being sent."""
        if self._incoming is not None:
            self._refuse(400, "the request ends before it is whole")
        if self._withholds and not self._drops:
            self._wait(_PATIENCE, self.close)
        return self._withholds

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def abort(self) -> None:
        """Drop the connection, and what is held for it."""
        self._is_last, self._incoming, self._drops = True, None, b""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection once what was written has been sent."""
        self._transport.close()

    # The parser calls these.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._incoming = Incoming()
        if not self._is_last:
            self._stop_waiting()  # it has a time of its own

    def on_url(self, part: bytes) -> None:
        """Take in a part of the target."""
        self._current.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header, whole. What comes after the body is none: RFC 9110, 6.5.1."""
        incoming = self._current
        if not incoming.is_head_whole:
            incoming.add_header(name, value)
            if len(incoming.headers) > _MOST_HEADERS or incoming.repeated > _MOST_HEADERS:
                self._refuse(431, f"a request may have {_MOST_HEADERS} headers")

    def on_headers_complete(self) -> None:
        """Refuse what cannot be served before its body comes."""
        incoming, parser = self._current, self._parser
        incoming.is_head_whole = True
        incoming.method, incoming.version = parser.get_method(), parser.get_http_version()
        incoming.keeps = incoming.version == "1.1" and parser.should_keep_alive()
        if parser.should_upgrade():
            return
        if why := refusal(incoming):
            self._refuse(*why)
        elif incoming.waits and not self._is_last:
            self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        """Take in a part of the body."""
        body = self._current.body
        if len(body) + len(part) > LARGEST:
            self._refuse(413, TOO_LARGE)
        elif not self._is_last:
            body += part

    def on_message_complete(self) -> None:
        """Answer the request."""
        if self._is_last or self._parser.should_upgrade():
            return
        if self._transport.is_closing():
            self._is_last = True
            return
        incoming, self._incoming = self._current, None
        self._stop_waiting()
        self._connections.move_to_end(self)
        self._send(self._answer(incoming.request()), incoming)
        self._connections.make_room(self)

    @property
    def _current(self) -> Incoming:
        assert self._incoming is not None  # the parser says first that one begins
        return self._incoming

    def _feed(self, data: bytes) -> bytes:
        """Read data, and return what is to be read again."""
        earlier = self._incoming
        if earlier is not None:
            self._count(earlier, len(data))
        try:
            if not self._is_last:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(self._current, data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is no request of HTTP/1.1: {error}")
        if self._incoming is not None and self._incoming is not earlier:
            self._count(self._incoming, len(data))
        return b""

    def _count(self, incoming: Incoming, more: int) -> None:
        incoming.size += more
        if incoming.is_head_whole and incoming.size > _LARGEST_CODED:
            self._refuse(413, TOO_LARGE)
        elif not incoming.is_head_whole and incoming.size > LARGEST:
            self._refuse(431, f"the head of a request may take {LARGEST} bytes")
        else:
            self._connections.make_room(self)

    def _without_upgrade(self, incoming: Incoming, rest: bytes) -> bytes:
        """Return what is read again, without the offer of an upgrade: RFC 9110, 7.8.

        httptools takes a request for whole where its head offers one, and reads no body.
        """
        if incoming.method == b"CONNECT":
            self._refuse(501, "this is no proxy: ask for a path")
            return b""
        self._parser = httptools.HttpRequestParser(self)
        return incoming.head_without_upgrade() + rest

    def _answer(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except Exception as error:
            return json_response(500, {"error": f"the sandbox failed: {type(error).__name__}"})

    def _send(self, response: Response, incoming: Incoming) -> None:
        """Send a response as its pace says. After all but those at once, the connection ends."""
        at_once = response.pace == "at once"
        self._is_last, self._withholds = not (at_once and incoming.keeps), not at_once
        if response.pace == "reset":
            wire = self._transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()
        elif response.pace != "silent":
            whole = at_once and incoming.method != b"HEAD"
            head = head_of(response, closes=self._is_last)
            self._transport.write(head + response.body if whole else head)
            if response.pace == "drip":
                self._drops = response.body
                self._drip()
            elif at_once and self._is_last:
                self._end()

    def _drip(self) -> None:
        self._transport.write(self._drops[:1])
        self._drops = self._drops[1:]
        self._wait(_DRIP, self._drip if self._drops else self.close)

    def _refuse(self, status: int, why: str) -> None:
        """Answer a request that cannot be served, unless that has been done."""
        if self._is_last:
            return
        self._is_last = True
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
