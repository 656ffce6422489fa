"""What stands in front of several instances: a relay of connections, or one of requests."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import httpcore
from support.team.serving import listen, serve_application

_HOST = "127.0.0.1"
_HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
_Headers = Iterable[tuple[bytes, bytes]]


def balance(
    by: Literal["connection", "request"], ports: Sequence[int]
) -> AbstractContextManager[int]:
    """Relay what comes to each of the ports in turn until the block is left; yield its own port."""
    if by == "connection":
        return _relay_connections(ports)
    return serve_application(_RequestRelay(ports), own_headers=False)


class _RequestRelay:
    """An ASGI application: requests that come over one connection reach each instance in turn.

    Each goes over a new connection, so that an instance that closes one loses no request.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle(ports)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        url = httpcore.URL(
            scheme=b"http",
            host=_HOST,
            port=next(self._turns),
            target=scope["raw_path"] + query,
        )
        headers = _passed_on(scope["headers"])
        if body and b"content-length" not in dict(headers):
            headers.append((b"content-length", b"%d" % len(body)))
        async with httpcore.AsyncConnectionPool() as pool:
            response = await pool.request(scope["method"], url, headers=headers, content=body)
        head = {"status": response.status, "headers": _passed_on(response.headers)}
        await send({"type": "http.response.start", **head})
        await send({"type": "http.response.body", "body": response.content})


def _passed_on(headers: _Headers) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


class _ConnectionRelay:
    """A relay of bytes: all that comes over one connection reaches one instance."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle(ports)
        self._open: set[asyncio.Task[None]] = set()

    async def begin(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accept, sock=listener)

    async def end(self) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._relay(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _relay(self, asks: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        async with _closing(client):
            answers, instance = await asyncio.open_connection(_HOST, next(self._turns))
            async with _closing(instance):
                ways = [asyncio.create_task(_pump(asks, instance))]
                ways += [asyncio.create_task(_pump(answers, client))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.contextmanager
def _relay_connections(ports: Sequence[int]) -> Iterator[int]:
    listener, port = listen()
    relay, loop = _ConnectionRelay(ports), asyncio.new_event_loop()

    def run(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result()

    thread = threading.Thread(target=loop.run_forever, name=f"relays port {port}")
    thread.start()
    run(relay.begin(listener))
    try:
        yield port
    finally:
        run(relay.end())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
