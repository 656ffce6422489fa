"""Requests and responses as plain values, so that the model needs no HTTP library."""

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
"""How a response is delivered: whole, a byte at a time, not beyond its headers, or not at all
(`silent` keeps the connection until the client goes away, and `reset` ends it)."""


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

    def with_json(self, payload: Any) -> "Response":
        """Return this response with another payload."""
        return replace(self, body=_encode(payload))


Handler = Callable[[Request], Response]
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def json_response(status: int, payload: Any, **headers: str) -> Response:
    """Return a response of JSON."""
    typed = {"content-type": "application/json; charset=utf-8", **headers}
    return Response(status, _encode(payload), typed)


def read_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a body holds, or None."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _encode(payload: Any) -> bytes:
    text = _ENCODER.encode(payload)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a pair, which UTF-8 does not have, and JSON does escape
        return json.dumps(payload, separators=(",", ":")).encode()
