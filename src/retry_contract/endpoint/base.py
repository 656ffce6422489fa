"""The interface of every way to reach a service."""

import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import httpx

from retry_contract.endpoint.waiting import Waiting
from retry_contract.outcome import NotTested


class Numbers:
    """Numbers responses from 1. It may be used from any thread; `latest` is the last one given."""

    def __init__(self) -> None:
        self.latest, self._lock = 0, threading.Lock()

    def next(self) -> int:
        """Return the next number."""
        with self._lock:
            self.latest += 1
            return self.latest


class Endpoint(Protocol):
    """A service within reach.

    `client` builds the requests, and only `send` sends them. `key` is the API key of `campaign`,
    `revoked_key` one that must be refused.
    `named` are the messages that the user named, and `values` what fills the template.
    `simulator` is the number that a Single Send may go to, None if none may be made. `expendable`
    says that no request costs anything, and no text reaches a person. `real_time` says that the
    service moves on by itself; if not, it moves only in `wait`. `patience` is how many seconds a
    message to the simulator number is waited for. `numbers` counts the responses, over everything
    that asks this endpoint. `asks_team` says that the service's team may have messages.
    """

    name: str
    client: httpx.Client
    key: str
    campaign: str
    foreign_campaign: str | None
    revoked_key: str | None = None
    simulator: str | None
    numbers: Numbers
    named: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None
    expendable: bool
    asks_team: bool = False
    real_time: bool
    patience: float = 10.0

    @functools.cached_property
    def waiting(self) -> Waiting:
        """What is left of the time to wait after a 429, over everything that asks this endpoint."""
        return Waiting()

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response with its body read.

        Raises NotTested where the response is past the bounds, and httpx.RequestError.
        """

    def send_together(
        self, requests: Sequence[httpx.Request]
    ) -> Sequence[httpx.Response | Exception]:
        """Send requests at the same time; return for each what `send` returns, or raises."""
        return [response_or_error(self.send, request) for request in requests]

    def message_in(self, state: str) -> str | None:
        """Return the id of a message in a state, from the service's team, or None.

        Each call returns a message that no other call has returned. The state `foreign` is a
        failed message of `foreign_campaign`.
        """

    def wait(self, seconds: float) -> None:
        """Let time pass for the service."""
        time.sleep(seconds)

    def renew(self) -> "Endpoint":
        """Return an endpoint that nothing has been asked of; this one if there is no other."""
        return self

    def set_batch(self, message: str, status: str) -> bool:
        """Give the batch of a message another status; False if that cannot be done."""
        return False

    def move_to(self, instant: datetime) -> None:
        """Move the clock of a twin on to an instant."""
        raise RuntimeError("the clock of a service over HTTP cannot be moved")

    def twin_at(self, instant: datetime) -> "Endpoint | None":
        """Return a twin with a clock that stands still at an instant; None if it cannot be."""
        return None

    def close(self) -> None:
        """Close the client."""
        self.client.close()


def response_or_error(
    send: Callable[[httpx.Request], httpx.Response], request: httpx.Request
) -> httpx.Response | Exception:
    """Return a response, or the error for which none came."""
    try:
        return send(request)
    except (httpx.RequestError, NotTested) as error:
        return error
