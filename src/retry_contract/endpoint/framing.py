"""HTTP/1.1 around a body: a request that is coming in, and the head of a response."""

import email.utils
import functools
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from retry_contract.service.http import Request, Response

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^?#]*)", re.IGNORECASE)
_QUERY = re.compile("[?#]")


@dataclass(eq=False)
class Incoming:
    """A request of which not all has come. `size` is how much of it has, in bytes.

    `keeps` is whether the client may ask again by this connection.
    """

    size: int = 0
    target: bytearray = field(default_factory=bytearray)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """The names in lower case."""
    is_head_whole: bool = False
    method: bytes = b""
    version: str = ""
    keeps: bool = False
    body: bytearray = field(default_factory=bytearray)

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header, each time it came."""
        return [value.strip() for known, value in self.headers if known == name]

    def head_without_upgrade(self) -> bytes:
        """Return the head as it came, but for the upgrade that it offers."""
        lines = [b"%s %s HTTP/%s" % (self.method, self.target, self.version.encode("ascii"))]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    def request(self) -> Request:
        """Return the request. A host in its target replaces Host: RFC 9112, 3.2.2."""
        path, host = _split(bytes(self.target))
        headers = _joined(self.headers)
        if host is not None:
            headers["host"] = host
        return Request(self.method.decode("ascii"), path, headers, bytes(self.body))


def head_of(response: Response, *, closes: bool) -> bytes:
    """Return the head of a response. `closes` is whether it is the last one of a connection."""
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
    """Return the path of a target, and the host of an absolute one."""
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
