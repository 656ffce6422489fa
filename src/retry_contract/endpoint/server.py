"""The documented service over real HTTP, on loopback unless another address is given.

To import this module raises UsageError where the extra `sandbox` is not installed.
"""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from retry_contract.endpoint.clock import monotonic
from retry_contract.endpoint.connection import Connection, Connections
from retry_contract.outcome import UsageError
from retry_contract.service.http import Handler

HOST, THREAD = "127.0.0.1", "retry-contract sandbox"
_BACKLOG, _AT_A_TIME = 256, 16
"""How many connections wait to be accepted, and how many are at a time: each is a file."""
_LAST_WORDS = 0.2
"""How long clients have to read what was written before the end, in seconds."""
_LONGEST_END = 0.7
"""How long the server may take to end, in seconds; after that nobody waits for it."""


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on while a test stops the clock: else nothing would end."""

    def time(self) -> float:
        return monotonic()


@contextlib.contextmanager
def serve(*handlers: Handler, port: int = 0, host: str = HOST) -> Iterator[list[str]]:
    """Serve each handler at its own port, by one server, until the block is left.

    `host` is an address of this machine, in numbers. Gives their URLs, without a path. Raises
    UsageError if the port cannot be had. A handler that does not come back is waited for less than
    a second at the end, and keeps the port as long as it runs.
    """
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(_listen(host, port)) for _ in handlers]
        ports = [listener.getsockname()[1] for listener in listeners]
        opened = stack.pop_all()
    loop = _Loop()
    ended = loop.create_future()

    def run() -> None:
        with opened, asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(_answer(listeners, handlers, ended))

    thread = threading.Thread(target=run, name=THREAD, daemon=True)
    thread.start()
    try:
        yield [f"http://[{host}]:{p}" if ":" in host else f"http://{host}:{p}" for p in ports]
    finally:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(ended.set_result, None)
        thread.join(_LONGEST_END)


async def _answer(
    listeners: Sequence[socket.socket], handlers: Sequence[Handler], ended: asyncio.Future[None]
) -> None:
    loop, connections = asyncio.get_running_loop(), Connections()
    loop.set_exception_handler(_tell)
    servers = [
        await loop.create_server(
            functools.partial(Connection, handle, connections), sock=listener, backlog=_AT_A_TIME
        )
        for listener, handle in zip(listeners, handlers, strict=True)
    ]
    for listener in listeners:
        listener.listen(_BACKLOG)  # asyncio takes one number for both
    await ended
    for server in servers:
        server.close()
    for connection in connections:
        connection.close()
    deadline = loop.time() + _LAST_WORDS
    while connections and loop.time() < deadline:
        await asyncio.sleep(0.01)
    for connection in connections:
        connection.abort()
    await asyncio.sleep(0)


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say what went wrong in the loop, unless it is that no file is left for a connection."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off: else a response takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = f"--port {port}: {error.strerror}; --port 0 takes any that is free"
        raise UsageError(why) from None
    return listener
