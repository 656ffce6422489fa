"""The documented service over real HTTP on loopback, by uvicorn.

To import this module raises UsageError where the extra `sandbox` is not installed.
"""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from retry_contract.endpoint.clock import monotonic
from retry_contract.outcome import UsageError
from retry_contract.service.http import Handler, Request, Response

try:
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ModuleNotFoundError as error:
    if error.name not in ("uvicorn", "httptools"):
        raise
    raise UsageError(
        f"the sandbox needs {error.name}: install retry-contract with its extra `sandbox`"
    ) from None

HOST, THREAD = "127.0.0.1", "retry-contract sandbox"
_EXTENSION = "retry_contract"
_LARGEST = 1024 * 1024
"""The most that a request's head, or its body, may take, in bytes."""
_PATIENCE = 10.0
"""How long a request may take to arrive, in seconds."""
_DRIP, _BACKLOG = 0.5, 256
_LONGEST_END = 5.0
"""How long the server may take to end, in seconds; after that nobody waits for it."""
MOST_CONNECTIONS = 500
"""Beyond so many, the one that has sent no request for longest is dropped: files are few."""

_Receive = Callable[[], Awaitable[dict[str, Any]]]
_Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on while a test stops the clock: else nothing would end."""

    def time(self) -> float:
        return monotonic()


class _PacketTransport:
    """A transport that sends what is written while `held` is a list in one packet."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.held: list[bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self.held is None:
            self._transport.write(data)
        else:
            self.held.append(data)

    def close(self) -> None:
        self.release()
        self._transport.close()

    def release(self) -> None:
        pieces, self.held = self.held, None
        if pieces:
            self._transport.write(b"".join(pieces))


class _BoundedProtocol(HttpToolsProtocol):
    """Drops a connection whose request is too long in coming, or has too large a head."""

    waiting: "dict[_BoundedProtocol, None]"
    """The connections of one server from which no whole request has come, the oldest first."""

    def connection_made(self, transport: Any) -> None:
        self._packets = _PacketTransport(transport)
        super().connection_made(self._packets)  # type: ignore[arg-type]  # as far as uvicorn uses it
        self._head: int | None = 0
        self._awaited_since: float | None = self.loop.time()
        self._timer = self.loop.call_later(_PATIENCE, self._check_patience)
        self.waiting[self] = None
        if len(self.connections) > MOST_CONNECTIONS:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]  # it is lost a moment later only, and others come meanwhile
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += len(data)
            if self._head > _LARGEST:
                self.transport.close()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._awaited_since = self.loop.time()
        self.scope["extensions"] = {_EXTENSION: {"packets": self._packets, "abort": self._abort}}

    def on_headers_complete(self) -> None:
        self._head = None
        self.scope["extensions"][_EXTENSION]["target"] = self.url
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._awaited_since = None
        self.waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.waiting[self] = None
        super().on_response_complete()

    def _check_patience(self) -> None:
        since = self._awaited_since
        if since is not None and self.loop.time() - since >= _PATIENCE:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(_PATIENCE, self._check_patience)

    def _abort(self) -> None:
        wire = self.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _application(
    handlers: Mapping[int, Handler],
) -> Callable[[Any, _Receive, _Send], Awaitable[None]]:
    """Return an ASGI application that answers by the handler of a port, one request at a time."""

    async def answer(scope: Any, receive: _Receive, send: _Send) -> None:
        body = await _read(receive)
        if body is None:
            response = Response(413)
        else:
            path = scope["raw_path"].decode("latin-1")
            handle = handlers[scope["server"][1]]
            response = handle(Request(scope["method"], path, _headers(scope), body))
        await _write(response, scope["extensions"][_EXTENSION], receive, send)

    return answer


def _headers(scope: Any) -> dict[str, str]:
    """Return the headers by name. A host in the target replaces Host: RFC 9112, 3.2.2."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    scheme, absolute, rest = scope["extensions"][_EXTENSION]["target"].partition(b"://")
    if absolute and not scheme.startswith(b"/"):
        headers["host"] = re.split(b"[/?#]", rest, maxsplit=1)[0].decode("latin-1")
    return headers


async def _read(receive: _Receive) -> bytes | None:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= _LARGEST:
        message = await receive()
        body += message.get("body", b"")
    return body if len(body) <= _LARGEST else None


async def _write(response: Response, wire: Any, receive: _Receive, send: _Send) -> None:
    if response.pace == "reset":
        wire["abort"]()
    if response.pace in ("reset", "silent"):
        return await _wait_for_close(receive)
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if response.pace == "at once":
        wire["packets"].held = []
        await send(start)
        await send({"type": "http.response.body", "body": response.body})
        wire["packets"].release()
        return None
    await send(start)
    for byte in response.body if response.pace == "drip" else b"":
        await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_wait_for_close(receive), _DRIP)
            return
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    await _wait_for_close(receive)


async def _wait_for_close(receive: _Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@contextlib.contextmanager
def serve(*handlers: Handler, port: int = 0) -> Iterator[list[str]]:
    """Serve each handler at its own port, by one server, until the block is left.

    Gives their URLs, without a path. Raises UsageError if the port cannot be had. A handler that
    does not come back is waited for five seconds at the end, and keeps the port as long as it runs.
    """
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(_listen(port)) for _ in handlers]
        ports = [listener.getsockname()[1] for listener in listeners]
        server = _server(_application(dict(zip(ports, handlers, strict=True))))
        opened = stack.pop_all()

    def run() -> None:
        with opened, asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(server.serve(listeners))

    thread = threading.Thread(target=run, name=THREAD, daemon=True)
    thread.start()
    try:
        yield [f"http://{HOST}:{port}" for port in ports]
    finally:
        server.should_exit = True
        thread.join(_LONGEST_END)


def _server(application: Callable[[Any, _Receive, _Send], Awaitable[None]]) -> uvicorn.Server:
    config = uvicorn.Config(
        application,
        http=type("Bounded", (_BoundedProtocol,), {"waiting": {}}),
        backlog=_BACKLOG,
        lifespan="off",
        ws="none",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off: else a response takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = f"--port {port}: {error.strerror}; --port 0 takes any that is free"
        raise UsageError(why) from None
    return listener
