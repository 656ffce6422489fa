"""What the page says of one message, for generated sequences to be held against.

Written from the page and not from the model of the service: a fault there must not be copied here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from retry_contract.exchange import Exchange
from retry_contract.rules.delivery import FAILURE

RETRYABLE_BATCHES = ("messages_enqueued", "messages_enqueuing_failed")
_SURELY_BELOW_CAP, _SURELY_AT_CAP = 2, 4


@dataclass
class PageMessage:
    """One message: the responses that first showed its members, its sends, its batch's status.

    `at_rest` says that it was not sent in this sequence. `shown` is the status that was seen last.
    `capped_at` is the number of sends at which a retry was refused, once one was.
    """

    id: str
    first: dict[str, Exchange] = field(default_factory=dict)
    sends: int = 1
    batch: str | None = None
    at_rest: bool = True
    shown: Any = None
    capped_at: int | None = None

    def refusal(self, status: object) -> str | None:
        """Return the rule by which a retry is refused in this status; None if it goes through."""
        if status != FAILURE:
            return "second-retry-refused" if self.sends > 1 else "unfailed-message-refused"
        if self.batch is not None and self.batch not in RETRYABLE_BATCHES:
            return "batch-status-respected"
        return "attempts-capped" if self.sends >= (self.capped_at or _SURELY_AT_CAP) else None

    @property
    def may_be_capped(self) -> bool:
        """Whether a refusal is one of the documented readings of the cap."""
        return self.sends > _SURELY_BELOW_CAP
