"""The documented service as a state machine: Single Send, Retrieve and Retry."""

import functools
import itertools
import random
import re
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from retry_contract.contract.catalogue import Contract, Kind
from retry_contract.service.http import Request, Response, json_response, read_object
from retry_contract.service.message_object import message_response
from retry_contract.service.records import RETRYABLE_BATCHES, SIMULATOR, Attempt, Campaign, Message

PREFIX = "/api/v2"
CAP = 3
"""How often a message may be tried; whether the first send counts is disputed, see `Settings`."""

LONGEST_VALUES = 1_000
"""How many characters the values of a message may have in all: as many as its text may."""

_PATH = re.compile(rf"{PREFIX}/campaigns/([^/]+)/messages(?:/([^/]+)(/retry)?)?")


def new_ids() -> Callable[[str], str]:
    """Return what makes ids of a kind, such as `message_` and a UUID: the same in each run."""
    numbers, source = itertools.count(1), random.Random(20250224)

    def new_id(kind: str) -> str:
        if kind == "batch":
            return str(1000 + next(numbers))
        return f"{kind}_{uuid.UUID(int=source.getrandbits(128), version=4)}"

    return new_id


@dataclass(frozen=True)
class Settings:
    """What the documentation leaves open, and how fast the service is.

    `cap` says what of three is capped: `attempts` (sends in all) or `retries`. `rate` is in
    requests a second for each campaign. `delivery` is the time from a send to its end.
    """

    cap: Literal["attempts", "retries"] = "attempts"
    errors: Literal["nested", "flat"] = "nested"
    rate: int | None = None
    delivery: timedelta = timedelta(seconds=1)


@dataclass(eq=False)
class Refusal(Exception):
    """Why the service refuses a request."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False, repr=False)
class Service:
    """Campaigns, batches and messages, and how requests change them.

    `held` is about how much memory its messages take, in bytes.
    `clock()` is the instant now, `new_id(kind)` an unused id, `in_force(instant)` the contract
    that responses are made by.
    """

    clock: Callable[[], datetime]
    in_force: Callable[[datetime], Contract]
    new_id: Callable[[str], str] = field(default_factory=new_ids)
    settings: Settings = field(default_factory=Settings)
    campaigns: dict[str, Campaign] = field(default_factory=dict, init=False)
    messages: OrderedDict[str, Message] = field(default_factory=OrderedDict, init=False)
    held: int = field(default=0, init=False)
    _owners: dict[str, Campaign] = field(default_factory=dict, init=False)
    _recent: dict[str, deque[datetime]] = field(default_factory=dict, init=False)

    def add_campaign(self) -> Campaign:
        """Add a campaign with its own key."""
        campaign = Campaign(
            id=self.new_id("campaign"),
            key="key_test_" + self.new_id("key").removeprefix("key_").replace("-", ""),
            creator=self.new_id("user"),
            template_body=self.new_id("template_body"),
        )
        self.campaigns[campaign.id] = self._owners[campaign.key] = campaign
        return campaign

    def add_message(self, campaign: Campaign, recipient: str, values: dict[str, str]) -> Message:
        """Add a message as a Single Send does, and set it on its course."""
        now = self.clock()
        message = Message(
            id=self.new_id("message"),
            campaign=campaign.id,
            recipient=recipient,
            values=values,
            language="english",
            created_at=now,
            updated_at=now,
            creator=campaign.creator,
            template_body=campaign.template_body,
        )
        self.messages[message.id] = message
        self.held += message.size
        self._send(message)
        return message

    def drop_message(self, message_id: str) -> None:
        """Forget a message."""
        self.held -= self.messages.pop(message_id).size

    def handle(self, request: Request) -> Response:
        """Answer one request, as documented."""
        try:
            return self._route(request)
        except Refusal as refusal:
            return self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> Response:
        """Return the response to a refused request. A 401 is flat always, as in the guide."""
        payload: dict[str, Any] = {"message": refusal.message, "statusCode": refusal.status}
        if self.settings.errors == "nested" and refusal.status != 401:
            error = {"code": refusal.code, "message": refusal.message, "type": "domain_error"}
            payload = {"error": error | {"id": self.new_id("trace")}}
        return json_response(refusal.status, payload, **refusal.headers)

    def settle(self, message: Message) -> None:
        """Apply the status changes of a message that are due by now."""
        if not message.course:
            return
        sent, now = message.attempts[0].created_at, self.clock()
        while message.course and sent + message.course[0][0] <= now:
            (after, message.status), *rest = message.course
            message.updated_at, message.course = sent + after, tuple(rest)
            error = message.outcome if message.status == "failure" else None
            message.attempts[0] = Attempt(message.status, sent, error)

    def _route(self, request: Request) -> Response:
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise Refusal(404, "not_found", "There is nothing at this path.")
        campaign_id, message_id, retry = match.groups()
        allowed = "GET" if message_id and not retry else "POST"
        if request.method != allowed:
            raise Refusal(405, "method_not_allowed", f"Use {allowed}.", {"allow": allowed})
        campaign = self._authorised(request, campaign_id)
        self._count(campaign)
        if message_id is None:
            recipient, values = _read_send(request.body)
            return self._response(201, self.add_message(campaign, recipient, values), "single-send")
        message = self.messages.get(message_id)
        if message is None or message.campaign != campaign.id:
            message = None
        else:
            self.settle(message)
        if retry:
            return self._retry(message)
        if message is None:
            raise Refusal(404, "message_not_found", "The message was not found.")
        return self._response(200, message, "retrieve")

    def _authorised(self, request: Request, campaign_id: str) -> Campaign:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        owner = self._owners.get(key)
        if scheme.lower() != "bearer" or owner is None:
            raise Refusal(401, "unauthorized", "Unauthorized")
        if owner.id != campaign_id:
            raise Refusal(403, "forbidden", "This key is not for this campaign.")
        return owner

    def _count(self, campaign: Campaign) -> None:
        if self.settings.rate is None:
            return
        now = self.clock()
        recent = self._recent.setdefault(campaign.id, deque())
        # The clock may have been moved back meanwhile.
        while recent and not timedelta(0) <= now - recent[0] < timedelta(seconds=1):
            recent.popleft()
        if len(recent) >= self.settings.rate:
            raise Refusal(429, "too_many_requests", "Too many requests; back off.")
        recent.append(now)

    def _retry(self, message: Message | None) -> Response:
        batch = message and message.batch
        closed = batch is not None and batch.status not in RETRYABLE_BATCHES
        if message is None or message.status != "failure" or closed:
            raise Refusal(
                400,
                "message_not_found_or_retry_message_not_in_failure_status",
                "The message was not found, or is not in failure status.",
            )
        if len(message.attempts) >= CAP + (self.settings.cap == "retries"):
            raise Refusal(
                400, "too_many_message_attempts_error", "The message has been tried 3 times."
            )
        message.updated_at = self.clock()
        message.status = "created"
        self._send(message)
        return self._response(201, message, "retry")

    def _send(self, message: Message) -> None:
        message.attempts.insert(0, Attempt("created", self.clock()))
        message.course = _course(self.settings.delivery, message.outcome is not None)

    def _response(self, status: int, message: Message, kind: Kind) -> Response:
        contract = self.in_force(self.clock())
        return json_response(status, message_response(message, contract, kind))


@functools.cache
def _course(delivery: timedelta, fails: bool) -> tuple[tuple[timedelta, str], ...]:
    """Return what becomes of a message, each status with the time after which it is reached."""
    statuses = ("enqueued", "sending", "sent", "failure" if fails else "success")
    return tuple((delivery * n / len(statuses), s) for n, s in enumerate(statuses, 1))


def _read_send(body: bytes) -> tuple[str, dict[str, str]]:
    """Return the recipient and the values of a Single Send. Raises Refusal."""
    wanted = read_object(body)
    if wanted is None:
        raise _invalid("The body must be a JSON object.")
    recipient, values = wanted.get("recipient"), wanted.get("values")
    if not isinstance(recipient, str) or not re.fullmatch(r"[1-9][0-9]{6,14}", recipient):
        raise _invalid("recipient must be a phone number.")
    if wanted.get("language") != "english":
        raise _invalid("language is not one of the campaign's.")
    if not isinstance(values, dict) or not all(v and isinstance(v, str) for v in values.values()):
        raise _invalid("values must be an object of non-empty strings.")
    if sum(len(name) + len(text) for name, text in values.items()) > LONGEST_VALUES:
        raise _invalid(f"values must have {LONGEST_VALUES} characters at most, with their names.")
    return recipient, values


def _invalid(message: str) -> Refusal:
    return Refusal(400, "parameter_invalid", message)


def simulator_number(code: str = "server_unknown_error") -> str:
    """Return the documented simulator number that fails with this code."""
    return next(number for number, (_, known) in SIMULATOR.items() if known == code)
