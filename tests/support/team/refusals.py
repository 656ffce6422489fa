"""Why requests are refused, and the envelopes that say so."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """The status and the code of a refusal; published ones where there are any."""

    status: int
    code: str
    message: str


UNAUTHORIZED = Reason(401, "unauthorized", "Unauthorized")
FORBIDDEN = Reason(403, "forbidden", "The key is not for this campaign.")
NOT_FOUND = Reason(404, "message_not_found", "The message was not found.")
NOT_FAILED = Reason(
    400,
    "message_not_found_or_retry_message_not_in_failure_status",
    "The message was not found, or is not in failure status.",
)
TOO_MANY = Reason(400, "too_many_message_attempts_error", "The message was tried 3 times.")
INVALID = Reason(400, "parameter_invalid", "A parameter is missing or invalid.")


class Refusal(Exception):
    """A request that is refused, with its reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


def envelope(reason: Reason) -> dict[str, Any]:
    """Return the payload of a refusal. A 401 comes from a gateway, in the older, flat form."""
    if reason.status == 401:
        return {"message": reason.message, "statusCode": reason.status}
    error = {"code": reason.code, "message": reason.message, "type": "domain_error"}
    return {"error": error | {"id": uuid.uuid4().hex}}
