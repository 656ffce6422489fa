"""Rejects every request that a live run may not send, just before it leaves."""

import functools
import ipaddress
import json
import re
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import httpx

from retry_contract.endpoint.clock import monotonic
from retry_contract.outcome import NotSent
from retry_contract.service.records import SIMULATOR

PRODUCTION, TEST = "postman.gov.sg", "test.postman.gov.sg"
_SEGMENT = re.compile(r"[^/\\?#\x00-\x1f\x7f]+")
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that nobody sees (Default_Ignorable_Code_Point)."""
_ODD_IDS, _ID = ("", "%FF%FE", "message_%00"), 3
"""Ids in which readers may see another path, asked for on this machine alone, and their place."""

_HEADERS = {"host", "user-agent", "connection", "accept", "authorization"}
_HEADERS |= {"content-type", "content-length", "x-schemathesis-testcaseid"}
"""The headers that the kit and its libraries send. By others some servers read another path."""


class GuardError(NotSent):
    """The guard rejects a request, before it leaves."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not sent, since a live run may not: {what}")


@dataclass(frozen=True)
class Guard:
    """The service, and the calls of the named campaigns, that a run may make.

    `base` is the base URL. `foreign` is a campaign in which only a retry may be asked for.
    `may_send` allows a Single Send, to a simulator number alone.
    """

    base: httpx.URL
    campaign: str
    foreign: str | None = None
    may_send: bool = False

    @functools.cached_property
    def loopback(self) -> bool:
        """Return whether the service is on this machine."""
        return is_loopback(self.base)

    def permit(self, request: httpx.Request) -> None:
        """Check a request. Raises GuardError."""
        url = request.url
        if origin(url) != origin(self.base):
            raise GuardError(f"a request to {url.scheme}://{url.host}, which is not the endpoint")
        more = b"?" in url.raw_path and not self.loopback
        if url.userinfo or url.fragment or more or "target" in request.extensions:
            raise GuardError("a URL with more than a path")
        self._permit_headers(request)
        if url.scheme == "http" and not self.loopback:
            raise GuardError("a request without TLS, off this machine")
        self._permit_call(request.method, self._segments(url), request)

    def _permit_headers(self, request: httpx.Request) -> None:
        host = request.url.netloc
        if any(value != host for name, value in request.headers.raw if name.lower() == b"host"):
            raise GuardError("a Host header that is not of the endpoint")
        names = {name for name in request.headers if not name.startswith("accept-")}
        if "sni_hostname" in request.extensions or not names <= _HEADERS:
            raise GuardError("a header that may name another host, path or method")

    def _segments(self, url: httpx.URL) -> list[str]:
        """Return the parts of the path below the base URL, as whatever reads it may see them."""
        path, base = _path(url), _path(self.base).rstrip("/")
        if not path.startswith(base + "/"):
            raise GuardError("a path outside the base URL")
        parts = path[len(base) + 1 :].split("/")
        odd = _ODD_IDS if self.loopback and parts[4:] == ["retry"] else ()
        for number, part in enumerate(parts):
            if not is_plain(part) and not (number == _ID and part in odd):
                raise GuardError("a path that may be read as another one")
        return parts

    def _permit_call(self, method: str, parts: list[str], request: httpx.Request) -> None:
        here, named = self.loopback, (self.campaign, self.foreign)
        if parts[3:] and not here and _has_body(request):
            raise GuardError("a body with a call that has none")
        match parts:
            case ["campaigns", self.campaign, "messages"] if method == "POST":
                self._permit_send(request)
            case ["campaigns", self.campaign, "messages", _] if method == "GET":
                pass
            case ["campaigns", campaign, "messages", _, "retry"] if here or campaign in named:
                others = ("PUT", "PATCH", "DELETE") if here else ()
                if method not in ("POST", "GET", "HEAD", *others):
                    raise GuardError(f"{method} at the retry's path")
            case _:
                raise GuardError(f"{method} of something else than the named campaign's messages")

    def _permit_send(self, request: httpx.Request) -> None:
        """Check that no reader can find a number in a Single Send but a simulator's."""
        if not (self.may_send and (self.loopback or host_of(self.base) == TEST)):
            raise GuardError("a Single Send where none was allowed")
        if _recipient(request) not in SIMULATOR:
            raise GuardError("a Single Send to something else than a simulator number")


class GuardedTransport(httpx.BaseTransport):
    """Sends what the guard permits, within a budget and at a rate.

    `budget` is in requests, `rate` in requests a second; None is no limit. Both hold over all
    threads. Requests with the extension `together` go out at once, and what follows waits for them.
    """

    def __init__(
        self,
        guard: Guard,
        inner: httpx.BaseTransport,
        budget: int | None = None,
        rate: float | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._guard, self._inner = guard, inner
        self._budget, self._sent = budget, 0
        self._pause, self._next = 1 / rate if rate else 0.0, 0.0
        self._sleep, self._clock = sleep, clock
        self._lock, self._closed = threading.Lock(), False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises GuardError, or NotSent where the budget is spent."""
        self._guard.permit(request)
        with self._lock:
            if self._budget is not None and self._sent >= self._budget:
                raise NotSent(f"the budget of {self._budget} requests is spent; see --budget")
            self._sent += 1
            now = self._clock()
            own, self._next = self._next, max(now, self._next) + self._pause
        if now < own and not request.extensions.get("together"):
            self._sleep(own - now)
        if self._closed:  # by another thread, as an interrupted run is
            raise NotSent("the run has ended")
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connections; nothing is sent after that."""
        self._closed = True
        self._inner.close()


def _path(url: httpx.URL) -> str:
    return url.raw_path.decode("ascii").partition("?")[0]


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL, normalised."""
    usual = {"http": 80, "https": 443}.get(url.scheme, 0)
    port = usual if url.port is None else url.port
    return url.scheme, url.host.lower().removesuffix("."), port


def host_of(url: httpx.URL) -> str:
    """Return the host of a URL in lower case, without any trailing dots."""
    return url.host.lower().rstrip(".")


def _has_body(request: httpx.Request) -> bool:
    try:
        return bool(request.content)
    except httpx.RequestNotRead:
        return True


def _recipient(request: httpx.Request) -> str:
    """Return the recipient of a Single Send; "" if another reader might find another one."""
    try:
        pairs = json.loads(request.content.decode(), object_pairs_hook=tuple)
    except (ValueError, httpx.RequestNotRead):
        return ""
    members = dict(pairs) if isinstance(pairs, tuple) else {}
    documented = members.keys() <= {"recipient", "language", "values"}
    alone = members and documented and len(members) == len(pairs)
    recipient = members.get("recipient") if alone else None
    return recipient if isinstance(recipient, str) else ""


def readings(part: str) -> Iterator[str]:
    """Yield a part of a path as it is written, and decoded until it no longer changes."""
    read = None
    while part != read:
        yield part
        read, part = part, unquote(part, errors="surrogateescape")


def escapes_a_dot(path: str) -> bool:
    """Return whether a path holds an escaped dot, however often encoded."""
    return any("%2e" in seen.lower() for seen in readings(path))


def is_plain(part: str) -> bool:
    """Return whether a text is one part of a path, the same one for any reader."""
    return all(map(_is_plain_reading, readings(part)))


def _is_plain_reading(part: str) -> bool:
    """Return whether any reader sees one part of a path, no dot segment, and nothing to drop."""
    plain = unicodedata.normalize("NFKC", part)
    if "%u" in part.lower() or not (_SEGMENT.fullmatch(part) and _SEGMENT.fullmatch(plain)):
        return False
    if not plain.partition(";")[0].strip(" ."):
        return False
    return (part.isascii() and part.isprintable()) or not any(map(_is_hidden, part))


def _is_hidden(character: str) -> bool:
    """Return whether nobody sees a character: a control, a blank but the space, half of a pair."""
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
    return (hidden and character != " ") or _INVISIBLE.match(character) is not None


def is_loopback(url: httpx.URL | str) -> bool:
    """Return whether a URL names this machine: by a loopback address, or as localhost."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in ("localhost", "localhost.")
