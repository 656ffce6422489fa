"""A service for each call of a client, and a record of what it was asked."""

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
from retry_contract.privacy.descriptions import escape_name
from retry_contract.privacy.scrubber import TextChange
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.faults.model import Wrap, after_retry, is_retry, wrapper
from retry_contract.service.http import Handler, Pace, Request, Response
from retry_contract.service.model import PREFIX, Refusal, Service, Settings
from retry_contract.service.records import Message
from retry_contract.service.seeds import FAILED

UNKNOWN = "unknown"
WRONG_KEY = "key_test_that_is_not_the_one_of_any_campaign"
MOST_RETRIES = 20
"""How often a client may ask for one retry."""
Expected = Literal["accepted", "refused", "either", "lost"]
"""What the service does with the retry: `either` refuses it once, `lost` accepts it, and its
response does not arrive whole."""

_PACES: dict[Pace, str] = {
    "reset": "connection reset",
    "silent": "no response",
    "stall": "headers, then nothing",
    "drip": "a byte at a time",
}
_CHANGES = {
    r"/campaigns/[^/]+/messages/?": "made a Single Send",
    r"/campaigns/[^/]+/batch/.*": "sent or retried a batch",
    r"/campaigns/[^/]+/messages/[^/]+/retry": "asked for the retry of another message",
}
"""The documented calls that change something: the path below the base URL, by POST."""
_MOST_HELD = 2**20
"""How much memory the messages of one call may take, in bytes: there are many calls at a time."""
_TICK = timedelta(milliseconds=50)
_MIDNIGHT = datetime.fromisoformat("2024-01-01T00:00:00+08:00")


@dataclass(frozen=True)
class Call:
    """One call of the client: the service that it meets, and what that does with the retry.

    `contract`, which may be `auto`, is served from `at` on. `key` says whose the client is given.
    """

    contract: str
    at: datetime
    state: str = FAILED
    settings: Settings = field(default_factory=Settings)
    wrap: Wrap | None = None
    key: Literal["own", "wrong", "foreign"] = "own"
    expects: Expected = "either"


@dataclass(frozen=True)
class Record:
    """One request of the client, and the response that it got."""

    request: Request
    response: Response

    def outcome(self) -> str:
        """Return what the client got, and how."""
        response, accepted = self.response, self.response.status == 201
        how = _PACES.get(response.pace, "")
        if response.pace in ("reset", "silent"):
            return f"{how}, though accepted" if accepted else how
        return f"{response.status} ({how})" if how else str(response.status)


@dataclass(frozen=True)
class Visit:
    """What one call was given, and what the service saw of it."""

    key: str = field(default="", repr=False)
    campaign: str = ""
    message: str = ""
    seen: list[Record] = field(default_factory=list)
    scrub: TextChange = str

    def _names_message(self, request: Request, method: str = "POST", tail: str = "/retry") -> bool:
        path = f"{PREFIX}/campaigns/{self.campaign}/messages/{self.message}{tail}"
        return request.method == method and request.path == path

    def retries(self) -> list[Record]:
        """Return the requests for the retry of this call's message."""
        return [seen for seen in self.seen if self._names_message(seen.request)]

    def is_accepted(self) -> bool:
        """Return whether the retry was accepted."""
        return any(seen.response.status == 201 for seen in self.retries())

    def retrieves(self) -> list[Record]:
        """Return the Retrieves of this call's message after the last request for the retry."""
        retries = [n for n, seen in enumerate(self.seen) if self._names_message(seen.request)]
        since = self.seen[retries[-1] if retries else 0 :]
        return [seen for seen in since if self._names_message(seen.request, "GET", "")]

    def is_endless(self) -> bool:
        """Return whether the retry was asked for so often that there may never be an end."""
        return len(self.retries()) >= MOST_RETRIES

    def waits(self) -> bool:
        """Return whether the response to the last request does not arrive whole."""
        return bool(self.seen) and self.seen[-1].response.pace in ("silent", "stall", "drip")

    def change(self) -> tuple[str, str] | None:
        """Return what else was changed, and by which request; None if nothing was."""
        posts = (seen.request for seen in self.seen if seen.request.method == "POST")
        for request, (form, what) in itertools.product(posts, _CHANGES.items()):
            if re.fullmatch(PREFIX + form, request.path) and not self._names_message(request):
                return what, self.show(request)
        return None

    def payload(self) -> dict[str, Any] | None:
        """Return the latest response to a retry, if it is a JSON object."""
        bodies = [seen.response.body for seen in self.retries()]
        payload = read_document(bodies[-1] if bodies else b"").payload
        return payload if isinstance(payload, dict) else None

    def lines(self) -> tuple[str, ...]:
        """Return a line for each request, with names in place of ids; alike ones are counted."""
        lines = Counter(f"{self.show(seen.request)}: {seen.outcome()}" for seen in self.seen)
        return tuple(line if n == 1 else f"{line}, {n} times" for line, n in lines.items())

    def show(self, request: Request) -> str:
        """Return a request's method and path, with names in place of ids."""
        return f"{request.method} {escape_name(self.mask(request.path))}"

    def mask(self, text: str) -> str:
        """Return a text with names in place of the ids of this call, and without a secret."""
        text = text.replace(self.campaign, ":campaignId").replace(self.message, ":messageId")
        return self.scrub(text.replace(self.key, ":apiKey"))


class Stage:
    """Serves one call after the other, each with its own message.

    Its clock moves with the requests, so the same requests get the same responses. Requests may
    come in any thread. `first` is the number of its first message: no two stages share one.
    """

    def __init__(self, catalogue: Catalogue, first: int = 0, scrub: TextChange = str) -> None:
        self._catalogue, self._scrub = catalogue, scrub
        self._number, self._now = first, _MIDNIGHT
        self._visit = Visit()
        self._handle: Handler = lambda _: Response(503)
        self._end: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def begin(self, call: Call) -> Visit:
        """Set the stage for a call, and return what will be seen of it."""
        self._now = _MIDNIGHT
        start = Start(call.contract, call.at, settings=call.settings)
        sandbox = Sandbox(self._catalogue, start, lambda: self._now, _MOST_HELD)
        message = self._message(sandbox, call.state)
        keys = {"own": sandbox.own.key, "wrong": WRONG_KEY, "foreign": sandbox.foreign.key}
        handle = after_retry(_deliver, status=(201,))(sandbox.service, sandbox.handle)
        if call.wrap is not None:
            handle = call.wrap(sandbox.service, handle)
        with self._lock:
            self._handle, self._end = handle, lambda: None
            self._visit = Visit(keys[call.key], sandbox.own.id, message, scrub=self._scrub)
            return self._visit

    def end_by(self, end: Callable[[], None]) -> None:
        """Call a function once the client is endless, before it gets a response."""
        with self._lock:
            self._end = end

    def _message(self, sandbox: Sandbox, state: str) -> str:
        """Return the id of a message in a state, or of none: no other call has it."""
        for _ in range(self._number):
            sandbox.service.new_id("message")
        self._number += 1
        unknown = state == UNKNOWN
        return sandbox.service.new_id("message") if unknown else sandbox.make(state)[0]

    def handle(self, request: Request) -> Response:
        """Answer a request; once a client is endless, nothing is answered any more."""
        with self._lock:
            self._now += _TICK
            visit = self._visit
            if visit.is_endless():
                return Response(503, b" ", pace="stall")
            response = self._handle(request)
            if len(visit.seen) < (1_000 if request.method == "GET" else 5_000):
                kept = Request(request.method, request.path[:1_000])
                is_ours = is_retry(kept)  # what others say is not looked at, and may be long
                visit.seen.append(
                    Record(kept, response if is_ours else replace(response, body=b""))
                )
            if visit.is_endless():
                self._end()
            return response


def _deliver(_: Service, message: Message) -> None:
    """Let a message that was retried arrive, as a client expects that waits for it."""
    message.course = ((_TICK, "sent"), (2 * _TICK, "success"))


def refuse(refusal: Refusal, *, once: bool = False) -> Wrap:
    """Return a wrapper that refuses every request, or the first one for a retry."""

    def wrap(service: Service, handle: Handler) -> Handler:
        refused: list[Request] = []

        def answer(request: Request) -> Response:
            if once and (refused or not is_retry(request)):
                return handle(request)
            refused.append(request)
            return service.refuse(refusal)

        return answer

    return wrap


def answer_by(response: Response) -> Wrap:
    """Return a wrapper that answers every request for a retry by one response."""
    return wrapper(lambda _, handle, asked: response if is_retry(asked) else handle(asked))
