"""The service with controls: messages in any state, a clock to move, faults to switch."""

from __future__ import annotations

import gc
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import InvalidInstant, as_instant, show
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Handler, Request, Response, json_response
from retry_contract.service.ids import new_ids
from retry_contract.service.model import Service, Settings
from retry_contract.service.records import Campaign
from retry_contract.service.seeds import BATCH, FAILED, SPENT, STATUSES, seed

CONTROL = "/_sandbox"
AUTO = "auto"
STATES = (
    *(FAILED, *(status for status in STATUSES if status != FAILED), SPENT),
    *(BATCH + status for status in ("messages_enqueued", "messages_enqueuing_failed")),
    *(BATCH + status for status in ("messages_sent", "success")),
)
"""The states in which a sandbox has a message from its start."""

MOST_MESSAGES = 2_000_000
_MOST_REQUESTS = 1_000
_MOST_AT_ONCE = 1_000_000
_MANY = 10_000
YEARS = range(2000, 2100)
"""The years that the clock of a sandbox may show."""


@dataclass(frozen=True)
class Start:
    """How a sandbox starts, and what a reset goes back to.

    `contract` is a name, or `auto` for the one in force by the clock. The clock starts at `at`, or
    shows the time of day. `faults` are names.
    """

    contract: str = AUTO
    at: datetime | None = None
    faults: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)


class Refused(Exception):
    """A request to the controls that cannot be granted: a status, and what to do instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Sandbox:
    """The documented service, and the controls beside it. `real` is the time of day.

    It keeps the latest 1,000 requests and 2,000,000 messages; older ones are forgotten.
    """

    def __init__(self, catalogue: Catalogue, start: Start, real: Callable[[], datetime]) -> None:
        self._catalogue, self._start, self._real = catalogue, start, real
        self.requests: deque[tuple[datetime, str, str, int]] = deque(maxlen=_MOST_REQUESTS)
        self.reset()

    def reset(self) -> None:
        """Go back to the start: the same campaigns, messages, contract, clock and faults."""
        start = self._start
        self._ahead = start.at - self._real() if start.at else timedelta(0)
        self.contract = start.contract
        self.service = Service(
            clock=lambda: self._instant,
            new_id=new_ids(),
            in_force=self.in_force,
            settings=start.settings,
        )
        self.own, self.foreign = self.service.add_campaign(), self.service.add_campaign()
        self.messages = {state: self.make(state)[0] for state in STATES}
        self.foreign_message = seed(self.service, self.foreign, FAILED).id
        self.requests.clear()
        self.count = 0
        self.switch(start.faults)

    def now(self) -> datetime:
        """Return the instant that the sandbox's clock shows; a request is of one instant."""
        return self._real() + self._ahead

    def move_to(self, instant: datetime) -> None:
        """Let the clock show this instant, and go on from there."""
        self._ahead = instant - self._real()

    def serve(self, contract: str) -> None:
        """Serve a contract by name, or `auto`. Raises KeyError if there is none."""
        if contract != AUTO:
            contract = self._catalogue[contract].name
        self.contract = contract

    def in_force(self, instant: datetime) -> Contract:
        """Return the contract that is served at an instant, by a documented service."""
        if self.contract == AUTO:
            return self._catalogue.of(self._catalogue.timeline.at(instant))
        return self._catalogue[self.contract]

    def switch(self, faults: tuple[str, ...]) -> None:
        """Let just these faults be there, by name.

        They are laid over each other in the order of the catalogue, so that one that changes a
        payload comes before one that changes how the response is told apart.
        """
        self.faults = faults
        self.service.in_force = self.in_force
        handle: Handler = self.service.handle
        for fault in (fault for name, fault in FAULTS.items() if name in faults):
            handle = fault.wrap(self.service, handle)
        self._handle = handle

    def make(self, state: str, count: int = 1, campaign: Campaign | None = None) -> list[str]:
        """Add messages in a state, and return their ids. Raises ValueError for no such state."""
        self._instant = self.now()
        made = [seed(self.service, campaign or self.own, state).id for _ in range(count)]
        self._forget()
        if count >= _MANY:
            gc.freeze()  # else they are looked through again and again, for a second each time
        return made

    def handle(self, request: Request) -> Response:
        """Answer a request: to the service, or to its controls."""
        if request.path.startswith(CONTROL):
            return control(self, request)
        self._instant = now = self.now()
        response = self._handle(request)
        self.count += 1
        self.requests.append((now, request.method, request.path, response.status))
        self._forget()
        return response

    def _forget(self) -> None:
        messages = self.service.messages
        while len(messages) > MOST_MESSAGES:
            messages.popitem(last=False)

    def description(self) -> dict[str, Any]:
        """Return what a client needs to know, as JSON values; the base URL is not part of it."""
        return {
            "campaign": self.own.id,
            "key": self.own.key,
            "messages": self.messages,
            "foreign": {
                "campaign": self.foreign.id,
                "key": self.foreign.key,
                "messages": {FAILED: self.foreign_message},
            },
            "contract": self.service.in_force(self.now()).name,
            "now": show(self.now()),
            "faults": list(self.faults),
        }


def control(sandbox: Sandbox, request: Request) -> Response:
    """Answer a request to the controls."""
    path = request.path.removeprefix(CONTROL).rstrip("/")
    try:
        if path not in _ROUTES:
            known = ", ".join(CONTROL + (route or "/") for route in _ROUTES)
            raise Refused(404, f"there is nothing here; there are {known}")
        route = _ROUTES[path].get(request.method)
        if route is None:
            raise Refused(405, f"use {' or '.join(_ROUTES[path])}")
        return json_response(*route(sandbox, _wanted(request)))
    except Refused as refused:
        return json_response(refused.status, {"error": str(refused)})


def _wanted(request: Request) -> Mapping[str, Any]:
    if not request.body:
        return {}
    try:
        wanted = json.loads(request.body)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise Refused(400, "the body must be a JSON object")
    return wanted


def _describe(sandbox: Sandbox, _: Mapping[str, Any]) -> tuple[int, Any]:
    return 200, sandbox.description()


def _make(sandbox: Sandbox, wanted: Mapping[str, Any]) -> tuple[int, Any]:
    state, count = wanted.get("state", FAILED), wanted.get("count", 1)
    campaigns = {"own": sandbox.own, "foreign": sandbox.foreign}
    campaign = campaigns.get(str(wanted.get("campaign", "own")))
    if campaign is None:
        raise Refused(400, f"campaign must be {' or '.join(campaigns)}")
    if type(count) is not int or not 1 <= count <= _MOST_AT_ONCE:
        raise Refused(400, f"count must be a number from 1 to {_MOST_AT_ONCE}")
    try:
        return 201, {"messages": sandbox.make(str(state), count, campaign)}
    except ValueError:
        raise Refused(400, f"state must be one of {', '.join(STATES)}") from None


def _move(sandbox: Sandbox, wanted: Mapping[str, Any]) -> tuple[int, Any]:
    forward = wanted.get("forward", 0)
    at: datetime | None
    try:
        at = as_instant(wanted["at"]) if "at" in wanted else sandbox.now()
        at += timedelta(seconds=forward)
    except (InvalidInstant, TypeError, ValueError, OverflowError):
        at = None
    if at is None or at.year not in YEARS:
        raise Refused(
            400,
            "give at, a date or an RFC 3339 instant with its offset, or forward, in seconds; "
            f"from {YEARS[0]} to {YEARS[-1]}",
        )
    sandbox.move_to(at)
    return _describe(sandbox, wanted)


def _serve(sandbox: Sandbox, wanted: Mapping[str, Any]) -> tuple[int, Any]:
    try:
        sandbox.serve(str(wanted.get("contract")))
    except KeyError:
        raise Refused(400, "contract must be before, after, or auto") from None
    return _describe(sandbox, wanted)


def _break(sandbox: Sandbox, wanted: Mapping[str, Any]) -> tuple[int, Any]:
    names = wanted.get("faults")
    if not isinstance(names, list) or not all(name in FAULTS for name in map(str, names)):
        raise Refused(400, f"faults must be an array of some of {', '.join(FAULTS)}")
    sandbox.switch(tuple(names))
    return _describe(sandbox, wanted)


def _reset(sandbox: Sandbox, wanted: Mapping[str, Any]) -> tuple[int, Any]:
    sandbox.reset()
    return _describe(sandbox, wanted)


def _list(sandbox: Sandbox, _: Mapping[str, Any]) -> tuple[int, Any]:
    first = sandbox.count - len(sandbox.requests) + 1
    listed = [
        {"number": number, "at": show(at), "method": method, "path": path, "status": status}
        for number, (at, method, path, status) in enumerate(sandbox.requests, first)
    ]
    return 200, {"requests": listed}


_Route = Callable[[Sandbox, Mapping[str, Any]], tuple[int, Any]]
_ROUTES: dict[str, dict[str, _Route]] = {
    "": {"GET": _describe},
    "/messages": {"POST": _make},
    "/clock": {"PUT": _move},
    "/contract": {"PUT": _serve},
    "/faults": {"PUT": _break},
    "/reset": {"POST": _reset},
    "/requests": {"GET": _list},
}
