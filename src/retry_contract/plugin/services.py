"""The documented service as a test of the user's own sees it: where it is, and how to change it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import as_instant
from retry_contract.outcome import UsageError
from retry_contract.service.controls import AUTO, STATES, Sandbox, Start
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import PREFIX
from retry_contract.service.seeds import FAILED

_PROXY_FREE = ("no_proxy", "NO_PROXY")
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Foreign:
    """Another campaign, its key, and a failed message of it."""

    campaign: str
    key: str = field(repr=False)
    message: str


@dataclass(frozen=True)
class Received:
    """One request that the service received, and the status of its response.

    `path` begins with `/api/v2` and has no query.
    """

    method: str
    path: str
    status: int


class RetryService:
    """One service for one test. `base_url` ends in `/api/v2`; `key` is that of `campaign`.

    Its clock starts inside the time of the test's contract and goes on by itself, and the contract
    in force by that clock is served. A message to a simulator number fails after a second.
    """

    def __init__(self, base_url: str, sandbox: Sandbox, lock: threading.Lock) -> None:
        self._base_url, self._sandbox, self._lock = base_url, sandbox, lock

    def __repr__(self) -> str:
        return f"<RetryService {self._base_url}, {self.contract}>"

    @property
    def base_url(self) -> str:
        """The URL under which `/campaigns/…` lies, without a slash at its end."""
        return self._base_url

    @property
    def key(self) -> str:
        """The API key of the campaign."""
        return self._sandbox.own.key

    @property
    def campaign(self) -> str:
        """The id of the campaign."""
        return self._sandbox.own.id

    @property
    def messages(self) -> Mapping[str, str]:
        """The id of a message of the campaign in each state; a retry is accepted of `failure`.

        The states are the message statuses, `attempts-spent`, and `batch:` with a batch's status.
        """
        return MappingProxyType(self._sandbox.messages)

    @property
    def foreign(self) -> Foreign:
        """Another campaign, which the key is not for."""
        sandbox = self._sandbox
        return Foreign(sandbox.foreign.id, sandbox.foreign.key, sandbox.foreign_message)

    @property
    def contract(self) -> str:
        """The name of the contract that is served now, `after-2025-02-24` say."""
        return self._sandbox.in_force(self._sandbox.now()).name

    @property
    def requests(self) -> tuple[Received, ...]:
        """The latest 1,000 requests received, the oldest first."""
        with self._lock:
            kept = self._sandbox.requests
            return tuple(Received(method, path, status) for _, method, path, status in kept)

    def new_message(self, state: str = FAILED) -> str:
        """Add a message in a state, and return its id. Raises ValueError for no such state."""
        with self._lock:
            try:
                return self._sandbox.make(state)[0]
            except ValueError:
                known = f"use one of {', '.join(STATES)}"
                raise ValueError(f"{state!r}: no such state; {known}") from None

    def switch_faults(self, *names: str) -> None:
        """Have just these faults, none without a name. Raises ValueError for no such fault."""
        for name in names:
            if name not in FAULTS:
                known = f"use some of {', '.join(FAULTS)}"
                raise ValueError(f"{name!r}: no such fault; {known}")
        with self._lock:
            self._sandbox.switch(names)

    def switch_contract(self, name: str) -> None:
        """Serve a contract whatever the clock shows, or `auto`: the one in force by it.

        Raises ValueError for no such contract.
        """
        with self._lock:
            try:
                self._sandbox.serve(name)
            except KeyError:
                known = ", ".join([*(p.alias for p in catalogue().timeline), AUTO])
                why = f"{name!r}: no such contract; use one of {known}"
                raise ValueError(why) from None

    def move_to(self, when: str | date | datetime) -> None:
        """Let the clock show a date's beginning in Singapore, or an instant with an offset.

        Raises InvalidInstant, a ValueError, for anything else.
        """
        instant = as_instant(when)
        with self._lock:
            self._sandbox.move_to(instant)

    def forward(self, seconds: float) -> None:
        """Let the clock show an instant that is so many seconds later than now."""
        with self._lock:
            self._sandbox.move_to(self._sandbox.now() + timedelta(seconds=seconds))

    def pass_cutover(self) -> None:
        """Let the clock show the instant at which the next contract takes effect, and serve it.

        Raises ValueError if the latest contract is served.
        """
        periods = catalogue().timeline.periods
        names = [period.name for period in periods]
        place = names.index(self.contract) + 1
        if place == len(periods):
            first = f'mark the test with @pytest.mark.retry_contract("{periods[-2].alias}")'
            raise ValueError(f"{self.contract} is the latest contract: {first}")
        cutover = periods[place].effective_from
        assert cutover is not None  # only the first contract holds from the beginning
        self.switch_contract(AUTO)
        self.move_to(cutover)


@contextlib.contextmanager
def mocked(contract: str) -> Iterator[RetryService]:
    """Have a service of a contract, by name, behind respx: every httpx client reaches it."""
    from retry_contract.endpoint.mock import mocking

    sandbox, lock = _sandbox(contract), threading.Lock()
    with mocking(_one_by_one(sandbox.handle, lock)) as url:
        yield RetryService(url + PREFIX, sandbox, lock)


@contextlib.contextmanager
def served(contract: str) -> Iterator[RetryService]:
    """Have a service of a contract, by name, over HTTP on loopback, past any proxy.

    Fails the test if the extra `sandbox` is not installed.
    """
    try:
        from retry_contract.endpoint.server import serve
    except UsageError as error:
        raise pytest.fail.Exception(f"retry_sandbox: {error}", pytrace=False) from None
    sandbox, lock = _sandbox(contract), threading.Lock()
    with serve(_one_by_one(sandbox.handle, lock)) as (url,), _past_proxies():
        yield RetryService(url + PREFIX, sandbox, lock)


def _sandbox(contract: str) -> Sandbox:
    timeline = catalogue().timeline
    start = timeline.instant_within(timeline.period(contract))
    return Sandbox(catalogue(), Start(AUTO, start), _stopwatch())


def _stopwatch() -> Callable[[], datetime]:
    # Not the time of day: a test that freezes or moves that one would carry the service along.
    begun, read = datetime.now(UTC), time.monotonic
    since = read()
    return lambda: begun + timedelta(seconds=read() - since)


def _one_by_one(handle: Handler, lock: threading.Lock) -> Handler:
    def answer(request: Request) -> Response:
        with lock:
            return handle(request)

    return answer


@contextlib.contextmanager
def _past_proxies() -> Iterator[None]:
    """Let no client ask a proxy of the environment for what is on loopback."""
    given = next((os.environ[name] for name in _PROXY_FREE if os.environ.get(name)), "")
    with pytest.MonkeyPatch.context() as patch:
        for name in _PROXY_FREE if given != "*" else ():
            patch.setenv(name, f"{given},{_LOOPBACK}" if given else _LOOPBACK)
        yield
