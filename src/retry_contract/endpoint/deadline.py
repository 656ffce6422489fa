"""A deadline for the whole exchange, from the look-up of the host to a slow body.

httpx bounds each read alone, so a byte a second would go on for ever. The system's look-up has no
time limit, and does not hear Ctrl-C.
"""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from typing import Any

import httpcore
import httpx

from retry_contract.outcome import NotTested


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


class TimedTransport(httpx.HTTPTransport):
    """Gives each exchange so many seconds, and reads nothing of the environment.

    With `only_here` it connects to this machine alone, whatever the host is called. `options` are
    those of httpx.HTTPTransport.
    """

    def __init__(self, seconds: float, *, only_here: bool, **options: Any) -> None:
        super().__init__(trust_env=False, http2=False, **options)
        self._seconds, self._deadline = seconds, Deadline()
        # httpx takes no network backend, and httpcore has a public interface for one.
        self._pool._network_backend = _Backend(self._deadline, only_here)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        self._deadline.set(self._seconds)
        return super().handle_request(request)


class _Backend(httpcore.NetworkBackend):
    """Opens connections whose every step, the look-up of a name too, keeps the deadline."""

    def __init__(self, deadline: Deadline, only_here: bool) -> None:
        self._deadline, self._only_here = deadline, only_here
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *rest: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Open a connection, to the first address of the host that takes one."""
        addresses = _addresses(host, port, self._deadline.bound(timeout))
        if self._only_here:
            _check_here(host, addresses)
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            bounded = self._deadline.bound(timeout)
            try:
                stream = self._inner.connect_tcp(address, port, bounded, *rest, **options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure or httpcore.ConnectError("the host has no address")


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

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


def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    """Return the addresses of a host, as the system orders them.

    Raises httpcore.ConnectError where there are none, or no name server answers in time.
    """
    try:
        return _look_up(host, port, seconds)
    except OSError as error:
        # Raised in here: httpcore drops the cause, and keeps the context.
        raise httpcore.ConnectError(str(error)) from error


def _look_up(host: str, port: int, seconds: float | None) -> list[str]:
    results: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([str(address[0]) for *_, address in found])
        except ValueError:  # a name that IDNA cannot write
            results.put(socket.gaierror(socket.EAI_NONAME, "no such name can be"))
        except OSError as error:
            results.put(error)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer") from None
    if isinstance(result, OSError):
        raise result
    return result


def _check_here(host: str, addresses: list[str]) -> None:
    """Raise NotTested unless all addresses of a host are of this machine.

    The name of a host may say that it is this machine, and lead elsewhere.
    """
    for address in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise NotTested(
                f"{host} leads to {address}, which is not this machine: nothing was sent; give "
                "127.0.0.1 or [::1] instead, or mend the hosts file"
            )
