"""The service with controls: messages in any state, a clock to move, faults to switch."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from retry_contract.choices import unknown_name
from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import SINGAPORE, as_instant, show
from retry_contract.service.control_document import (
    body_example,
    body_members,
    control_document,
    success_status,
)
from retry_contract.service.faults import FAULTS, fault_named
from retry_contract.service.http import Handler, Request, Response, json_response, read_object
from retry_contract.service.model import Service, Settings
from retry_contract.service.records import Campaign
from retry_contract.service.seeds import (
    BATCH,
    BEFORE_CUTOVER,
    FAILED,
    IN_BATCH,
    OTHER_CREATOR,
    SPECIAL,
    SPENT,
    STATUSES,
    seed,
)

CONTROL = "/_sandbox"
AUTO = "auto"
STATES = (
    *(FAILED, *(status for status in STATUSES if status != FAILED), SPENT),
    *(*IN_BATCH, BEFORE_CUTOVER, OTHER_CREATOR, SPECIAL),
)
"""The states in which a sandbox has a message from its start."""

MOST_HELD, _MOST_AT_ONCE = 64 * 2**20, 10_000
"""How much memory all messages may take, in bytes, and how many may be asked for at once."""
_LONGEST_PATH, _LONGEST_NAME = 1_000, 80
"""What is kept of a request's path, and said of an unknown name, in characters."""
YEARS = range(2000, 2100)
"""The years that the clock of a sandbox may show."""


def is_shown(instant: datetime) -> bool:
    """Return whether the clock of a sandbox may show an instant, by its year in Singapore."""
    try:
        return instant.astimezone(SINGAPORE).year in YEARS
    except OverflowError:
        return False


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


class ControlError(Exception):
    """A request to the controls that fails: a status, and what to send instead."""


class Sandbox:
    """The documented service and its controls. `real` returns the time of day.

    It keeps the latest 1,000 requests, the messages of its start, and the latest others, of
    `most_held` bytes in all.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        start: Start,
        real: Callable[[], datetime],
        most_held: int = MOST_HELD,
    ) -> None:
        self.catalogue, self._start, self._real = catalogue, start, real
        self._most_held, self._first = most_held, frozenset[str]()
        self.requests: deque[tuple[datetime, str, str, int]] = deque(maxlen=1_000)
        self.reset()

    def reset(self) -> None:
        """Go back to the start: the same campaigns, messages, contract, clock and faults."""
        start = self._start
        self._ahead = start.at - self._real() if start.at else timedelta(0)
        self.contract = start.contract
        self.service = Service(
            clock=lambda: self._instant, in_force=self.in_force, settings=start.settings
        )
        self.own, self.foreign = self.service.add_campaign(), self.service.add_campaign()
        self.messages = {state: self.make(state)[0] for state in STATES}
        self.foreign_message = seed(self.service, self.foreign, FAILED).id
        self._first = frozenset(self.service.messages)
        self.requests.clear()
        self.count = 0
        self.switch(start.faults)

    def now(self) -> datetime:
        """Return the instant that the sandbox's clock shows."""
        return self._real() + self._ahead

    def move_to(self, instant: datetime) -> None:
        """Set the clock to an instant, from which it goes on."""
        self._ahead = instant - self._real()

    def serve(self, contract: str) -> None:
        """Serve a contract by name, or `auto`. Raises KeyError if there is none."""
        self.contract = contract if contract == AUTO else self.catalogue[contract].name

    def in_force(self, instant: datetime) -> Contract:
        """Return the contract that the service without faults serves at an instant."""
        if self.contract == AUTO:
            return self.catalogue.of(self.catalogue.timeline.at(instant))
        return self.catalogue[self.contract]

    def switch(self, faults: tuple[str, ...]) -> None:
        """Switch on just these faults, by name, in the order of `FAULTS`."""
        self.faults = faults
        self.service.in_force = self.in_force
        handle: Handler = self.service.handle
        for name, fault in FAULTS.items():
            if name in faults:
                handle = fault.wrap(self.service, handle)
        self._handle = handle

    def make(self, state: str, count: int = 1, campaign: Campaign | None = None) -> list[str]:
        """Add messages in a state, and return their ids. Raises ValueError for no such state.

        The states are those that a sandbox starts with.
        """
        if state.startswith(BATCH) and state not in IN_BATCH:
            raise ValueError(f"no such state: {state}")
        self._instant = self.now()
        made = [seed(self.service, campaign or self.own, state).id for _ in range(count)]
        self._forget()
        return made

    def handle(self, request: Request) -> Response:
        """Answer a request to the service or to its controls."""
        if request.path.startswith(CONTROL):
            return control(self, request)
        self._instant = now = self.now()
        response = self._handle(request)
        self.count += 1
        self.requests.append((now, request.method, request.path[:_LONGEST_PATH], response.status))
        self._forget()
        return response

    def _forget(self) -> None:
        messages = self.service.messages
        while self.service.held > self._most_held and len(messages) > len(self._first):
            oldest = next(iter(messages))
            if oldest in self._first:
                messages.move_to_end(oldest)
            else:
                self.service.drop_message(oldest)

    def description(self) -> dict[str, Any]:
        """Return what a client needs to know, as JSON values; the base URL is not part of it."""
        return {
            "campaign": self.own.id,
            "key": self.own.key,
            "revoked_key": self.own.revoked_key,
            "messages": self.messages,
            "foreign": {
                "campaign": self.foreign.id,
                "key": self.foreign.key,
                "messages": {FAILED: self.foreign_message},
            },
            "fail_after": self._start.settings.delivery.total_seconds(),
            **self.what_holds(),
        }

    def what_holds(self) -> dict[str, Any]:
        """Return what the controls change: the contract, the clock and the faults."""
        now = self.now()
        contract = self.service.in_force(now).name
        return {"contract": contract, "now": show(now), "faults": list(self.faults)}


def control(sandbox: Sandbox, request: Request) -> Response:
    """Answer a request to the controls, as their OpenAPI document says."""
    path = request.path.removeprefix(CONTROL).rstrip("/") or "/"
    try:
        if path not in _ROUTES:
            known = ", ".join(CONTROL + route for route in _ROUTES)
            raise ControlError(404, f"there is nothing here; there are {known}")
        method, answer = _ROUTES[path]
        if request.method not in (method, "HEAD" if method == "GET" else method):
            raise ControlError(405, f"use {method}")
        payload = answer(sandbox, _wanted(request.body, path, method))
    except ControlError as error:
        status, message = error.args
        allow = {"allow": _ROUTES[path][0]} if status == 405 else {}
        return json_response(status, {"error": message}, **allow)
    return json_response(success_status(path, method), payload)


def _wanted(body: bytes, path: str, method: str) -> dict[str, Any]:
    """Return what a body asks for. Raises ControlError for a member that there is not."""
    members = body_members(path, method)
    wanted = read_object(body or b"{}" if not members else body)
    if not members and wanted != {}:
        raise ControlError(400, "this needs no body: leave it out")
    if wanted is None:
        came = "is no JSON object" if body else "is missing"
        raise ControlError(400, f"the body {came}: send one such as {body_example(path, method)}")
    for name in wanted:
        if name not in members:
            raise ControlError(400, unknown_name("member", name[:_LONGEST_NAME], members))
    return wanted


def _add_messages(sandbox: Sandbox, wanted: dict[str, Any]) -> Any:
    count = wanted.get("count", 1)
    campaigns = {"own": sandbox.own, "foreign": sandbox.foreign}
    campaign = campaigns.get(str(wanted.get("campaign", "own")))
    if campaign is None:
        raise ControlError(400, f"campaign must be {' or '.join(campaigns)}")
    if type(count) is not int or not 1 <= count <= _MOST_AT_ONCE:
        raise ControlError(400, f"count must be a number from 1 to {_MOST_AT_ONCE}")
    state = _name(wanted, "state", FAILED)
    try:
        return {"messages": sandbox.make(state, count, campaign)}
    except ValueError:
        raise ControlError(400, unknown_name("state", state, STATES)) from None


def _name(wanted: dict[str, Any], member: str, default: str) -> str:
    """Return a name that is asked for, no longer than the longest one. Raises ControlError."""
    name = wanted.get(member, default)
    if not isinstance(name, str) or not name:
        raise ControlError(400, f"{member} must be a name")
    return name[:_LONGEST_NAME]


def _move_clock(sandbox: Sandbox, wanted: dict[str, Any]) -> Any:
    try:
        (way,) = wanted  # raises ValueError
        at = as_instant(wanted["at"]) if way == "at" else _forward(sandbox, wanted[way])
        if not is_shown(at):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        form = "give at, a date or an RFC 3339 instant with its offset, or forward, in seconds"
        raise ControlError(400, f"{form}; from {YEARS[0]} to {YEARS[-1]}") from None
    sandbox.move_to(at)
    return sandbox.what_holds()


def _forward(sandbox: Sandbox, seconds: object) -> datetime:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError
    return sandbox.now() + timedelta(seconds=seconds)


def _serve_contract(sandbox: Sandbox, wanted: dict[str, Any]) -> Any:
    name = _name(wanted, "contract", "(none)")
    try:
        sandbox.serve(name)
    except KeyError:
        known = [*(period.alias for period in sandbox.catalogue.timeline), AUTO]
        said = unknown_name("contract", name, known, also=sandbox.catalogue)
        raise ControlError(400, said) from None
    return sandbox.what_holds()


def _switch_faults(sandbox: Sandbox, wanted: dict[str, Any]) -> Any:
    names = wanted.get("faults")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ControlError(400, "faults must be an array of names")
    try:
        found = dict.fromkeys(fault_named(name[:_LONGEST_NAME]).name for name in names)
        sandbox.switch(tuple(found))
    except LookupError as error:
        raise ControlError(400, f"faults: {error}") from None
    return sandbox.what_holds()


def _reset(sandbox: Sandbox, _: dict[str, Any]) -> Any:
    sandbox.reset()
    return sandbox.what_holds()


def _list_requests(sandbox: Sandbox, _: dict[str, Any]) -> Any:
    first = sandbox.count - len(sandbox.requests) + 1
    return {
        "requests": [
            {"number": number, "at": show(at), "method": method, "path": path, "status": status}
            for number, (at, method, path, status) in enumerate(sandbox.requests, first)
        ]
    }


_ROUTES: dict[str, tuple[str, Callable[[Sandbox, dict[str, Any]], Any]]] = {
    "/": ("GET", lambda sandbox, _: sandbox.description()),
    "/messages": ("POST", _add_messages),
    "/clock": ("PUT", _move_clock),
    "/contract": ("PUT", _serve_contract),
    "/faults": ("PUT", _switch_faults),
    "/reset": ("POST", _reset),
    "/requests": ("GET", _list_requests),
    "/openapi.json": ("GET", lambda *_: control_document(states=STATES, faults=FAULTS)),
}
"""The method and the function of each path; the rest is in the document."""
