"""A deadline for the whole exchange, from the look-up of the host to a slow body.

httpx bounds each read alone, so a byte a second would go on for ever. The system's look-up has no
time limit, and does not hear Ctrl-C.
"""

import ipaddress
import socket
import threading
from concurrent.futures import Future, wait
from typing import Any

import httpcore
import httpx

from retry_contract.endpoint.clock import monotonic
from retry_contract.outcome import NotSent


class Deadline(threading.local):
    """The instant, on the monotonic clock, by which a thread's present exchange must be over.

    `stream` is the connection that it goes over.
    """

    end = 0.0
    stream: "_Stream | None" = None

    def bound(self, timeout: float | None) -> float:
        """Return a timeout that ends by the deadline. Raises httpcore.ReadTimeout past it."""
        left = self.end - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole response took too long")
        return left if timeout is None else min(timeout, left)


class TimedTransport(httpx.HTTPTransport):
    """Gives each exchange so many seconds, and reads nothing of the environment.

    A request with the extension `single` goes out on a new connection, which is closed after it;
    the others share those that are open. With `only_here` it connects to this machine alone,
    whatever the host is called. `options` are those of httpx.HTTPTransport.
    """

    def __init__(self, seconds: float, *, only_here: bool, **options: Any) -> None:
        super().__init__(trust_env=False, http2=False, **options)
        self._seconds, self._deadline = seconds, Deadline()
        # httpx takes no network backend, and httpcore has a public interface for one.
        self._pool._network_backend = _Backend(self._deadline, only_here)
        options["limits"] = httpx.Limits(max_keepalive_connections=0)
        self._single = httpx.HTTPTransport(trust_env=False, http2=False, **options)
        self._single._pool._network_backend = self._pool._network_backend

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        self._deadline.end = monotonic() + self._seconds
        if request.extensions.get("single"):
            return self._single.handle_request(request)
        return super().handle_request(request)

    def drop_connection(self) -> None:
        """Use the connection of this thread's present exchange for no other.

        A server that caught an exception may close it, and not say so.
        """
        if self._deadline.stream is not None:
            self._deadline.stream.spent = True

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._single.close()


class _Backend(httpcore.NetworkBackend):
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
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in addresses:
            bounded = self._deadline.bound(timeout)
            try:
                stream = self._inner.connect_tcp(address, port, bounded, *rest, **options)
                return _Stream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    spent = False
    """Whether no other exchange may go over it."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._deadline.stream = self
        return self._inner.read(max_bytes, self._deadline.bound(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.bound(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        bounded = self._deadline.bound(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, bounded), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self.spent:
            return True  # as if the server had closed it: httpcore then opens another
        return self._inner.get_extra_info(info)


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host, in the system's order. Raises httpcore.ConnectError."""
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result([str(address[0]) for *_, address in rows])
        except ValueError:  # a name that IDNA cannot write
            found.set_exception(socket.gaierror(socket.EAI_NONAME, "no such name can be"))
        except OSError as error:
            found.set_exception(error)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    try:
        if not wait([found], seconds).done:
            raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer")
        return found.result()
    except OSError as error:
        # Raised in here: httpcore drops the cause, and keeps the context.
        raise httpcore.ConnectError(str(error)) from error


def _check_here(host: str, addresses: list[str]) -> None:
    """Raise NotSent if a host leads elsewhere, whatever its name says."""
    for address in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            how = "nothing was sent; give 127.0.0.1 or [::1] instead, or mend the hosts file"
            raise NotSent(f"{host} leads to {address}, which is not this machine: {how}")
