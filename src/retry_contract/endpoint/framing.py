"""HTTP/1.1 around a body: a request that is coming in, and the head of a response."""

import email.utils
import functools
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus

from retry_contract.service.http import Request, Response

LARGEST = 1024 * 1024
"""The most that a request's head, or its body, may take, in bytes."""
TOO_LARGE = f"a body may take {LARGEST} bytes"
_HEADER = 250
"""What a header takes besides its bytes."""
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^?#]*)", re.IGNORECASE)
_QUERY = re.compile("[?#]")


@dataclass(slots=True)
class Incoming:
    """A request of which not all has come. `size` is how much of it has, in bytes.

    `headers` are by name, in lower case; one that came more than once holds a comma, and
    `repeated` counts these. `keeps` is whether the client may ask again by this connection.
    """

    size: int = 0
    target: bytearray = field(default_factory=bytearray)
    headers: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    is_head_whole: bool = False
    method: bytes = b""
    version: str = ""
    keeps: bool = False
    body: bytearray = field(default_factory=bytearray)

    @property
    def held(self) -> int:
        """About how much memory it takes, in bytes."""
        return self.size + _HEADER * len(self.headers)

    @property
    def waits(self) -> bool:
        """Whether the client waits for a 100 before it sends the body."""
        return "expect" in self.headers and self.version == "1.1"

    def add_header(self, raw_name: bytes, raw_value: bytes) -> None:
        """Take in a header."""
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        if name in self.headers:
            self.repeated += 1
            value = f"{self.headers[name]}, {value}"
        self.headers[name] = value

    def head_without_upgrade(self) -> bytes:
        """Return the head as it came, but for the upgrade that it offers."""
        lines = [f"{name}: {value}" for name, value in self.headers.items() if name != "upgrade"]
        start = b"%s %s HTTP/%s" % (self.method, self.target, self.version.encode("ascii"))
        return b"\r\n".join((start, *(line.encode("latin-1") for line in lines), b"", b""))

    def request(self) -> Request:
        """Return the request. A host in its target replaces Host: RFC 9112, 3.2.2."""
        path, host = _split(bytes(self.target))
        headers = self.headers if host is None else {**self.headers, "host": host}
        return Request(self.method.decode("ascii"), path, headers, bytes(self.body))


def refusal(incoming: Incoming) -> tuple[int, str] | None:
    """Return why a request is refused by its head, a status and a line; None if it is not."""
    value, is_newer = incoming.headers.get, incoming.version == "1.1"
    # Leading zeros count for nothing, and more digits than these are too many.
    if int(value("content-length", "").lstrip("0")[:9] or "0") > LARGEST:
        return 413, TOO_LARGE
    if value("transfer-encoding", "chunked").lower() != "chunked":
        return 501, "a body may come in chunks, and not be coded otherwise"
    if is_newer and value("expect", "100-continue").lower() != "100-continue":
        return 417, "only 100-continue can be expected"
    if is_newer and "," in value("host", ","):
        return 400, "a request names its Host, once"
    return None if incoming.version in ("1.0", "1.1") else (505, "this is a server of HTTP/1.1")


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
