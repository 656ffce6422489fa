"""Servers in threads of the calling process, on free ports of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
import threading
from collections.abc import Collection, Iterator
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    """A server that says when it is up, and ends at once when it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._end: asyncio.Event
        self._loop: asyncio.AbstractEventLoop

    async def main_loop(self) -> None:
        self._end, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self.up.set()
        for tick in itertools.count():
            await self.on_tick(tick)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), 0.1)
                return

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)


def listen() -> tuple[socket.socket, int]:
    """Return a socket that listens on a free port of loopback, and the port."""
    # asyncio switches Nagle's algorithm off only where the protocol is said to be TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener, listener.getsockname()[1]


@contextlib.contextmanager
def serve_application(app: Any, *, own_headers: bool = True) -> Iterator[int]:
    """Serve an ASGI application until the block is left, and yield its port."""
    listener, port = listen()
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=own_headers,
        date_header=own_headers,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name=f"serves port {port}")
    thread.start()
    server.up.wait()
    try:
        yield port
    finally:
        server.end()
        thread.join()


@contextlib.contextmanager
def silence(bugs: Collection[str]) -> Iterator[None]:
    """Keep uvicorn from logging the exceptions that bugs raise; others are worth a line."""

    def is_wanted(_: logging.LogRecord) -> bool:
        return not bugs

    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(is_wanted)
    try:
        yield
    finally:
        logger.removeFilter(is_wanted)
