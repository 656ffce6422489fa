"""The documented service for a user's own tests: where it is, and how to change it."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NoReturn

import pytest

from retry_contract.choices import UnknownName, unknown_name
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import as_instant
from retry_contract.endpoint.clock import monotonic
from retry_contract.outcome import UsageError
from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.controls import AUTO, STATES, Sandbox, Start
from retry_contract.service.faults import fault_named
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import PREFIX, Settings
from retry_contract.service.seeds import FAILED

_PROXY_FREE = ("no_proxy", "NO_PROXY")
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ForeignCampaign:
    """Another campaign, its key, and a failed message of it."""

    campaign: str
    key: str = field(repr=False)
    message: str


@dataclass(frozen=True)
class ReceivedRequest:
    """One request to the service. `path` begins with `/api/v2` and has no query."""

    method: str
    path: str
    status: int


class _Messages(dict[str, str]):
    """Ids of messages by state."""

    def __missing__(self, state: object) -> NoReturn:
        raise UnknownName(unknown_name("state", str(state), STATES))


class RetryService:
    """One service for one test. `base_url` ends in `/api/v2`; `key` is that of `campaign`.

    Its clock starts inside the time of the test's contract and goes on by itself, and the contract
    in force by that clock is served. A message to a simulator number fails after a second, or after
    the `fail_after` of the test's marker.
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

        The states are the message statuses, `attempts-spent`, `batch:` with a batch's status, and
        `before-cutover`, `other-creator` and `special-values`.
        """
        return MappingProxyType(_Messages(self._sandbox.messages))

    @property
    def foreign(self) -> ForeignCampaign:
        """Another campaign, which the key is not for."""
        campaign = self._sandbox.foreign
        return ForeignCampaign(campaign.id, campaign.key, self._sandbox.foreign_message)

    @property
    def contract(self) -> str:
        """The name of the contract that is served now, such as `after-2025-02-24`."""
        return self._sandbox.in_force(self._sandbox.now()).name

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """The latest 1,000 requests received, the oldest first."""
        with self._lock:
            kept = tuple(self._sandbox.requests)
        return tuple(ReceivedRequest(method, path, status) for _, method, path, status in kept)

    def new_message(self, state: str = FAILED) -> str:
        """Add a message in a state, and return its id. Raises ValueError for no such state."""
        with self._lock:
            try:
                return self._sandbox.make(str(state))[0]
            except ValueError:
                raise ValueError(unknown_name("state", str(state), STATES)) from None

    def switch_faults(self, *names: str) -> None:
        """Switch to just these faults, to none without a name. Raises ValueError for no fault."""
        try:
            faults = tuple(fault_named(str(name)).name for name in names)
        except LookupError as error:
            raise ValueError(*error.args) from None
        with self._lock:
            self._sandbox.switch(faults)

    def switch_contract(self, name: str) -> None:
        """Serve a contract, or `auto`: the one in force by the clock. Raises ValueError."""
        with self._lock:
            try:
                self._sandbox.serve(str(name))
            except KeyError:
                known = [*(period.alias for period in catalogue().timeline), AUTO]
                said = unknown_name("contract", str(name), known, also=catalogue())
                raise ValueError(said) from None

    def move_to(self, when: str | date | datetime) -> None:
        """Set the clock to a date in Singapore, or an instant with an offset. Raises ValueError."""
        instant = as_instant(when)
        with self._lock:
            self._sandbox.move_to(instant)

    def forward(self, seconds: float) -> None:
        """Move the clock on by a number of seconds. Raises ValueError for no number."""
        if not isinstance(seconds, int | float):
            raise ValueError(f"forward({seconds!r}): give a number of seconds")
        with self._lock:
            self._sandbox.move_to(self._sandbox.now() + timedelta(seconds=seconds))

    def pass_cutover(self) -> None:
        """Set the clock to the next cutover, and serve its contract. Raises ValueError if none."""
        periods = catalogue().timeline
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
def mock(contract: str, fail_after: float | None = None) -> Iterator[RetryService]:
    """Start a service behind respx: every client of httpx and httpx2 reaches it.

    `fail_after` is in seconds.
    """
    from retry_contract.endpoint.interception import intercept_clients

    service, handle = _service(contract, fail_after)
    with intercept_clients(handle) as url:
        yield service(url + PREFIX)


@contextlib.contextmanager
def sandbox(contract: str, fail_after: float | None = None) -> Iterator[RetryService]:
    """Start a service over HTTP on loopback, past any proxy. Fails the test without httptools.

    `fail_after` is in seconds.
    """
    try:
        from retry_contract.endpoint.server import serve
    except UsageError as error:
        raise pytest.fail.Exception(f"retry_sandbox: {error}", pytrace=False) from None
    service, handle = _service(contract, fail_after)
    with serve(refuse_other_hosts(handle)) as (url,), _no_proxy():
        yield service(url + PREFIX)


def _service(
    contract: str, fail_after: float | None
) -> tuple[Callable[[str], RetryService], Handler]:
    """Return what makes the service at a URL, and its handler: one request at a time."""
    timeline, lock = catalogue().timeline, threading.Lock()
    at = timeline.instant_within(timeline.period(contract))
    settings = (
        Settings() if fail_after is None else Settings(delivery=timedelta(seconds=fail_after))
    )
    start = Start(AUTO, at, settings=settings)
    # Not the time of day: a test that freezes or moves that one would carry the service along.
    since = monotonic()
    state = Sandbox(catalogue(), start, lambda: at + timedelta(seconds=monotonic() - since))

    def handle(request: Request) -> Response:
        with lock:
            return state.handle(request)

    return lambda base_url: RetryService(base_url, state, lock), handle


@contextlib.contextmanager
def _no_proxy() -> Iterator[None]:
    """Let no client ask a proxy of the environment for what is on loopback."""
    given = next((os.environ[name] for name in _PROXY_FREE if os.environ.get(name)), "")
    with pytest.MonkeyPatch.context() as patch:
        for name in _PROXY_FREE if given != "*" else ():
            patch.setenv(name, f"{given},{_LOOPBACK}" if given else _LOOPBACK)
        yield
