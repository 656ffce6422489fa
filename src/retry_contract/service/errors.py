"""Refusals, in either of the documented envelopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from retry_contract.service.http import Response, json_response


@dataclass(eq=False)
class Refusal(Exception):
    """Why the service refuses a request."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def unretryable() -> Refusal:
        """The message is unknown, or not one that may be retried: the page's preconditions."""
        return Refusal(
            400,
            "message_not_found_or_retry_message_not_in_failure_status",
            "The message was not found, or is not in failure status.",
        )

    @staticmethod
    def no_message() -> Refusal:
        """There is no such message to retrieve."""
        return Refusal(404, "message_not_found", "The message was not found.")


@dataclass(frozen=True)
class Errors:
    """Writes refusals. A 401 is flat in either case: the guide still documents it so."""

    envelope: Literal["nested", "flat"]
    new_id: Callable[[str], str]

    def response(self, refusal: Refusal) -> Response:
        """Return the response that carries a refusal."""
        payload: dict[str, object] = {"message": refusal.message, "statusCode": refusal.status}
        if self.envelope == "nested" and refusal.status != 401:
            payload = {
                "error": {
                    "code": refusal.code,
                    "message": refusal.message,
                    "type": "domain_error",
                    "id": self.new_id("trace"),
                }
            }
        return json_response(refusal.status, payload, **refusal.headers)
