"""Requests and responses as plain values, so that the model needs no HTTP library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Request:
    """A request as the model sees it. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


Pace = Literal["at once", "drip", "stall", "silent", "reset"]
"""How a response is delivered: whole, a byte at a time, not beyond its headers, or not at all.

Of the latter, `silent` keeps the connection until the client goes away, and `reset` ends it.
"""


@dataclass(frozen=True)
class Response:
    """A response of the model. Header names are lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pace: Pace = "at once"

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)

    def with_json(self, payload: Any) -> Response:
        """Return this response with another payload."""
        return replace(self, body=encode(payload))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Handler = Callable[[Request], Response]


def json_response(status: int, payload: Any, **headers: str) -> Response:
    """Return a response of JSON."""
    typed = {"content-type": "application/json; charset=utf-8", **headers}
    return Response(status, encode(payload), typed)


def encode(payload: Any) -> bytes:
    """Write JSON as the service does: compact, in UTF-8."""
    return _ENCODER.encode(payload).encode("utf-8", "surrogatepass")
