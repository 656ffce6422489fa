"""One request and its response, and the named exchanges of one run."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from retry_contract.contract.catalogue import Kind as MessageKind
from retry_contract.contract.document import Document, read_document

if TYPE_CHECKING:
    import httpx

    from retry_contract.contract.expectation import Expectation

Kind = MessageKind | Literal["other"]
"""`other` is a call that the service does not have."""

_TIMESTAMP = re.compile(
    r"([0-9]{4})(-[0-9]{2}-[0-9]{2})[Tt]((?!24)[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MOST_VALUES = 10_000
"""The most values of one response: a run keeps them all, and a message has about forty."""

_SECONDS_IN_400_YEARS = 146_097 * 86_400


@dataclass(frozen=True)
class Response:
    """What the service answered. Header names are lower case; `payload` is None if not JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    payload: Any = field(repr=False)


@dataclass(frozen=True)
class Exchange:
    """One request and its response. `number` counts the responses of a run from 1.

    `began` is the number of the latest response when the request was sent; by default of the one
    before it. Header names are in lower case; the request's headers are left out, since they hold
    the key.
    """

    number: int
    kind: Kind
    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    began: int | None = None

    def is_sent_after(self, other: "Exchange") -> bool:
        """Return whether the request was sent when the response of another had come."""
        began = self.number - 1 if self.began is None else self.began
        return began >= other.number

    @functools.cached_property
    def document(self) -> Document:
        """The body, read as JSON."""
        return read_document(self.body, _MOST_VALUES)

    @property
    def payload(self) -> Any:
        """The payload, or None if the body is not JSON."""
        return self.document.payload

    @property
    def response(self) -> Response:
        """The response, for tests of the user's own."""
        return Response(self.status, self.headers, self.body, self.payload)

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of the payload; empty if it is not an object."""
        return self.payload if isinstance(self.payload, dict) else {}

    @property
    def succeeded(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def error_code(self) -> str | None:
        """The code of a nested error envelope, or None."""
        error = self.members.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, str) else None


@dataclass(frozen=True)
class Observation:
    """An exchange with its scenario, and the exchanges around it that the plan asked for.

    `before` and `after` are the Retrieves around it, `sent` is the original Single Send. `sends` is
    how often the message had been sent before it, where the run knows that by itself. `expected`
    replaces the expectation of the run where the plan chose the instant.
    """

    scenario: str
    exchange: Exchange
    campaign: str
    message: str
    before: Exchange | None = None
    after: Exchange | None = None
    sent: Exchange | None = None
    sends: int | None = None
    expected: "Expectation | None" = None


@dataclass(frozen=True)
class Observations:
    """A run's observations, all its exchanges as sent, and its API keys, which none may hold."""

    found: tuple[Observation, ...]
    exchanges: tuple[Exchange, ...] = ()
    keys: tuple[str, ...] = field(default=(), repr=False)

    def of(self, *scenarios: str) -> tuple[Observation, ...]:
        """Return the observations of these scenarios, in the order of the plan."""
        return tuple(o for o in self.found if o.scenario in scenarios)


def from_httpx(
    response: "httpx.Response", number: int, kind: Kind, began: int | None = None
) -> Exchange:
    """Return the exchange of an httpx response whose body has been read."""
    request, path = response.request, urlsplit(str(response.request.url)).path
    headers = {name.lower(): value for name, value in response.headers.items()}
    received = response.status_code, headers, response.content
    return Exchange(number, kind, request.method, path, *received, began)


def instant_of(timestamp: object) -> tuple[int, str] | None:
    """Return the whole seconds and the decimals of an RFC 3339 timestamp; None if it is none.

    `datetime` has no year 0000, and nothing finer than a microsecond.
    """
    match = _TIMESTAMP.fullmatch(timestamp) if isinstance(timestamp, str) else None
    if match is None:
        return None
    year, day, clock, fraction, offset = match.groups(default="")
    moment = f"{2000 + int(year) % 400}{day}T{clock}{offset.upper()}"
    try:
        seconds = int(datetime.fromisoformat(moment).timestamp())
    except ValueError:
        return None
    return seconds + int(year) // 400 * _SECONDS_IN_400_YEARS, fraction.rstrip("0")


def in_whole_seconds(instant: tuple[int, str]) -> bool:
    """Return whether an instant of `instant_of` has no decimals: equal ones may be apart."""
    return not instant[1]
