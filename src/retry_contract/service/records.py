"""What the service keeps: campaigns, batches, messages and their attempts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

SIMULATOR = {
    "6511111111": ("delivery_error", "recipient_invalid"),
    "6511112222": ("delivery_error", "recipient_unavailable"),
    "6511113333": ("delivery_error", "content_invalid"),
    "6511114444": ("delivery_error", "routing_error"),
    "6511115555": ("delivery_error", "message_expired"),
    "6511119999": ("delivery_error", "delivery_unknown_error"),
    "6522222222": ("server_error", "server_unknown_error"),
}
"""The documented simulator numbers of the test environment, and the failure each leads to."""

_MESSAGE, _VALUE, _CHARACTER = 700, 250, 4
"""What a message, one of its values, and a character of these take, in bytes."""
RETRYABLE_BATCHES = ("messages_enqueued", "messages_enqueuing_failed")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at delivery; `error` is its type and code once it has failed."""

    status: str
    created_at: datetime
    error: tuple[str, str] | None = None


@dataclass(slots=True)
class Batch:
    """A batch of messages and its status."""

    id: str
    status: str


@dataclass(slots=True)
class Message:
    """One message, and what is to become of it.

    `course` are the statuses still to come, each with its time after the latest attempt.
    """

    id: str
    campaign: str
    recipient: str
    values: dict[str, str]
    language: str
    created_at: datetime
    updated_at: datetime
    creator: str
    template_body: str
    status: str = "created"
    batch: Batch | None = None
    attempts: list[Attempt] = field(default_factory=list)
    course: tuple[tuple[timedelta, str], ...] = ()

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes: with its attempts, and with its values."""
        texts = sum(len(name) + len(text) for name, text in self.values.items())
        return _MESSAGE + _VALUE * len(self.values) + _CHARACTER * texts

    @property
    def outcome(self) -> tuple[str, str] | None:
        """The failure of messages to this recipient; None if they arrive."""
        return SIMULATOR.get(self.recipient)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with its own key and creator."""

    id: str
    key: str = field(repr=False)
    creator: str
    template_body: str

    @property
    def revoked_key(self) -> str:
        """A key that is not valid any more."""
        prefix, _, rest = self.key.rpartition("_")
        return f"{prefix}_{rest[::-1]}"
