"""What one call of a client meets: a service of its own, and a record of what it was asked."""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from retry_contract.contract.catalogue import Catalogue
from retry_contract.contract.document import read_document
from retry_contract.redact import printable
from retry_contract.service.faults.model import Wrap, after, is_retry, message_of
from retry_contract.service.http import Handler, Pace, Reply, Request
from retry_contract.service.model import PREFIX, Service, Settings
from retry_contract.service.sandbox import Sandbox, Start
from retry_contract.service.seeds import FAILED, STATUSES

UNKNOWN = "unknown"
WRONG_KEY = "key_test_that_is_not_the_one_of_any_campaign"
MOST_RETRIES = 20
"""How often a client may ask for one retry before it is called endless."""
MOST_REQUESTS = 100
"""How many requests a client may make in one call, of whatever kind."""
Expected = Literal["accepted", "refused", "either"]
"""What the service does with the retry; `either` where it accepts it, but not at once, or not
so that it is seen."""

_NO_MORE = Reply(503, b" ", pace="stall")
_ARRIVES_NOT: dict[Pace, str] = {"reset": "connection reset", "silent": "no answer"}
_NOT_HERE = (404, 405)
_SLASHES = re.compile(r"/+")
_UNFAILED = frozenset(STATUSES) - {FAILED}
_TICK = timedelta(milliseconds=50)
_MIDNIGHT = datetime.fromisoformat("2024-01-01T00:00:00+08:00")


@dataclass(frozen=True)
class Call:
    """One call of the client: the service that it meets, and what that does with the retry.

    `contract` is served from `at` on, which may be `auto`. `state` is the message's, or unknown.
    `key` says whose key the client is given.
    """

    contract: str
    at: datetime
    state: str = FAILED
    settings: Settings = field(default_factory=Settings)
    wrap: Wrap | None = None
    key: Literal["own", "wrong", "foreign"] = "own"
    expects: Expected = "either"


@dataclass(frozen=True)
class Seen:
    """One request of the client, and the reply that it got."""

    request: Request
    reply: Reply

    @property
    def status(self) -> int | None:
        """The status by which it was answered; None if none arrived."""
        return None if self.reply.pace in _ARRIVES_NOT else self.reply.status

    @property
    def is_accepted(self) -> bool:
        """Whether it was accepted, though the client may not have learned it."""
        return self.reply.status == 201

    @property
    def answer(self) -> str:
        """What was answered, and how."""
        if self.status is None:
            how = ", though accepted" if self.is_accepted else ""
            return f"{_ARRIVES_NOT[self.reply.pace]}{how}"
        how = "" if self.reply.pace == "at once" else f" ({self.reply.pace})"
        return f"{self.status}{how}"


@dataclass(frozen=True)
class Visit:
    """What one call was given, and what the service saw of it."""

    key: str = field(repr=False)
    campaign: str
    message: str
    seen: list[Seen] = field(default_factory=list)

    @property
    def _place(self) -> str:
        return f"{PREFIX}/campaigns/{self.campaign}/messages/{self.message}"

    def _asks(self, request: Request) -> bool:
        return request.method == "POST" and request.path == f"{self._place}/retry"

    def _retrieves(self, request: Request) -> bool:
        return request.method == "GET" and request.path == self._place

    def retries(self) -> list[Seen]:
        """Return the requests for the retry of this call's message."""
        return [seen for seen in self.seen if self._asks(seen.request)]

    def others(self) -> list[Request]:
        """Return all other requests."""
        return [seen.request for seen in self.seen if not self._asks(seen.request)]

    def misspells(self, request: Request) -> bool:
        """Say whether a request is for the retry of this call's message but for its slashes."""
        path = _SLASHES.sub("/", request.path).rstrip("/")
        asks = self._asks(replace(request, path=path))
        return asks and not self._asks(request)

    def found_nothing(self) -> bool:
        """Say whether any other request was for what the service does not have."""
        return any(s.status in _NOT_HERE and not self._asks(s.request) for s in self.seen)

    def is_answered(self) -> bool:
        """Say whether the last request was answered in full, or its connection reset."""
        return bool(self.seen) and self.seen[-1].reply.pace in ("at once", "reset")

    def statuses(self) -> list[int]:
        """Return the statuses by which those were answered, if they were."""
        return [seen.status for seen in self.retries() if seen.status is not None]

    def accepted(self) -> bool:
        """Say whether the retry was accepted."""
        return any(seen.is_accepted for seen in self.retries())

    def sent(self) -> bool:
        """Say whether Retrieve showed it sent, or about to be, after the last request to retry."""
        since = itertools.takewhile(lambda seen: not self._asks(seen.request), reversed(self.seen))
        shown = [seen.reply for seen in since if self._retrieves(seen.request)]
        return bool(shown) and _shown(shown[0]) in _UNFAILED

    def endless(self) -> bool:
        """Say whether there were so many requests that there may never be an end."""
        return len(self.seen) >= MOST_REQUESTS or len(self.retries()) >= MOST_RETRIES

    def payload(self) -> dict[str, Any] | None:
        """Return the latest reply to a retry that arrived, if it is a JSON object."""
        bodies = [seen.reply.body for seen in self.retries() if seen.status is not None]
        document = read_document(bodies[-1]) if bodies else None
        found = None if document is None or document.violations else document.payload
        return found if isinstance(found, dict) else None

    def told(self) -> list[str]:
        """Return a line for each request, with names in place of ids; alike ones are counted."""
        lines = Counter(self._told(seen) for seen in self.seen)
        return [line if n == 1 else f"{line}, {n} times" for line, n in lines.items()]

    def _told(self, seen: Seen) -> str:
        names = {self.campaign: ":campaignId", self.message: ":messageId", self.key: ":apiKey"}
        path = seen.request.path
        for text, name in names.items():
            path = path.replace(text, name)
        return f"{seen.request.method} {printable(path)}: {seen.answer}"


def _nothing() -> None:
    pass


def _shown(reply: Reply) -> Any:
    """Return the status that a reply to Retrieve shows, if it shows one."""
    found = read_document(reply.body).payload if reply.status == 200 else None
    return found.get("latestStatus") if isinstance(found, dict) else None


class Stage:
    """Serves one call after the other, each with a message of its own.

    Its clock moves with the requests, so the same requests are answered by the same replies. A
    request may come at any time, in another thread.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._calls = 0
        self._now = _MIDNIGHT
        self._visit = Visit("", "", "")
        self._handle: Handler = lambda _: Reply(503)
        self._end = _nothing
        self._lock = threading.Lock()

    def begin(self, call: Call, end: Callable[[], None] = _nothing) -> Visit:
        """Set the stage for a call, and return what will be seen of it.

        As soon as it is endless, it is ended: by a function, which is called at most once, and
        before the reply is sent.
        """
        start = Start(call.contract, call.at, settings=call.settings)
        sandbox = Sandbox(self._catalogue, start, lambda: self._now)
        message = self._message(sandbox, call.state)
        keys = {"own": sandbox.own.key, "wrong": WRONG_KEY, "foreign": sandbox.foreign.key}
        handle: Handler = sandbox.handle
        for wrap in (_arriving, call.wrap):
            handle = handle if wrap is None else wrap(sandbox.service, handle)
        with self._lock:
            self._handle, self._end = handle, end
            self._visit = Visit(keys[call.key], sandbox.own.id, message)
            return self._visit

    def _message(self, sandbox: Sandbox, state: str) -> str:
        """Return the id of a message in a state, or of none: no other call has it."""
        for _ in range(self._calls):
            sandbox.service.new_id("message")
        self._calls += 1
        if state == UNKNOWN:
            return sandbox.service.new_id("message")
        return sandbox.make(state)[0]

    def leave(self) -> None:
        """Say that the call came back: what is still asked for it does not end it any more."""
        with self._lock:
            self._end = _nothing

    def handle(self, request: Request) -> Reply:
        """Answer a request; once a client is endless, nothing is answered any more."""
        with self._lock:
            self._now += _TICK
            visit = self._visit
            if visit.endless():
                return _NO_MORE
            reply = self._handle(request)
            visit.seen.append(Seen(request, reply))
            if visit.endless():
                self._end()
            return reply


def _deliver(service: Service, request: Request, reply: Reply) -> None:
    """Let a message that was retried arrive, as a client hopes that waits for it."""
    message = message_of(service, request)
    if message is not None and is_retry(request) and reply.status == 201:
        message.course = ((_TICK, "sent"), (2 * _TICK, "success"))


_arriving: Wrap = after(_deliver)
