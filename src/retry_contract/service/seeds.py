"""Messages in a named state, for the service's team."""

from datetime import timedelta

from retry_contract.service.model import CAP, Service, simulator_number
from retry_contract.service.records import (
    RETRYABLE_BATCHES,
    Attempt,
    Batch,
    Campaign,
    Message,
)

FAILED = "failure"
SPENT = "attempts-spent"
STATUSES = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success", FAILED)
BATCH = "batch:"
"""Followed by a batch's status: a failed message in a batch of that status."""

IN_BATCH = tuple(BATCH + status for status in (*RETRYABLE_BATCHES, "success", "other"))
"""A batch of an `other` status has one that is in no source."""

BEFORE_CUTOVER, OTHER_CREATOR, SPECIAL = "before-cutover", "other-creator", "special-values"
"""A failed message that was created years ago, by another user, or with odd values."""

_LONG_AGO = timedelta(days=3650)
_SPECIAL_VALUES = {"name": '"Tést" \'O 🙂'}


def seed(service: Service, campaign: Campaign, state: str) -> Message:
    """Add a message in a state, at rest: it changes only by requests. Raises ValueError.

    A state is a message status, `attempts-spent`, `batch:` and a batch's status, or one of
    `before-cutover`, `other-creator` and `special-values`.
    """
    in_batch = state.startswith(BATCH)
    batch = Batch(service.new_id("batch"), state.removeprefix(BATCH)) if in_batch else None
    if not in_batch and state not in (*STATUSES, SPENT, BEFORE_CUTOVER, OTHER_CREATOR, SPECIAL):
        raise ValueError(f"no such state: {state}")
    status = state if state in STATUSES else FAILED
    values = _SPECIAL_VALUES if state == SPECIAL else {"name": "Tést 测试"}
    message = service.add_message(campaign, simulator_number(), dict(values))
    if state == OTHER_CREATOR:
        message.creator = service.new_id("user")
    error = message.outcome if status == FAILED else None
    message.created_at -= _LONG_AGO if state == BEFORE_CUTOVER else timedelta(seconds=17)
    message.updated_at -= timedelta(seconds=8.5)
    sends = CAP + (service.settings.cap == "retries") if state == SPENT else 1
    message.attempts = [Attempt(status, message.created_at, error)] * sends
    message.course, message.status, message.batch = (), status, batch
    return message
