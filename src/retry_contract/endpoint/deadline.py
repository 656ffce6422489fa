"""A deadline for a whole exchange: a response that drips must not outlive the patience for it.

httpx bounds each read alone, so a byte a second would go on for ever.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from retry_contract.endpoint.resolve import addresses_of, check_here


class Deadline:
    """The instant, on the monotonic clock, by which the present exchange must be over."""

    def __init__(self) -> None:
        self._end: float | None = None

    def set(self, seconds: float) -> None:
        """Give the exchange that begins now so many seconds."""
        self._end = time.monotonic() + seconds

    def bound(self, timeout: float | None) -> float | None:
        """Return a timeout that ends by the deadline. Raises httpcore.ReadTimeout past it."""
        if self._end is None:
            return timeout
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole response took too long")
        return left if timeout is None else min(timeout, left)


class TimedTransport(httpx.BaseTransport):
    """Gives each exchange so many seconds, from when its request leaves."""

    def __init__(self, deadline: Deadline, seconds: float, inner: httpx.BaseTransport) -> None:
        self._deadline = deadline
        self._seconds = seconds
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        self._deadline.set(self._seconds)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections whose every step, the look-up of a name too, keeps the deadline.

    With `only_here` it connects to this machine alone, whatever the host is called.
    """

    def __init__(self, deadline: Deadline, *, only_here: bool) -> None:
        self._deadline = deadline
        self._only_here = only_here
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection, to the first address of the host that takes one."""
        addresses = addresses_of(host, port, self._deadline.bound(timeout))
        if self._only_here:
            check_here(host, addresses)
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            bounded = self._deadline.bound(timeout)
            try:
                stream = self._inner.connect_tcp(
                    address, port, bounded, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure or httpcore.ConnectError("the host has no address")


def open_transport(deadline: Deadline, *, only_here: bool, **options: Any) -> httpx.HTTPTransport:
    """Return a transport that keeps a deadline, and reads nothing of the environment.

    `options` are those of httpx.HTTPTransport.
    """
    transport = httpx.HTTPTransport(trust_env=False, http2=False, **options)
    # httpx takes no network backend, and httpcore has a public interface for one.
    transport._pool._network_backend = DeadlineBackend(deadline, only_here=only_here)
    return transport


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.bound(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        bounded = self._deadline.bound(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, bounded), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
