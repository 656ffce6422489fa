"""What a message does by itself between two requests: a service in use does not stand still."""

from collections.abc import Sequence
from typing import Any

from retry_contract.exchange import Exchange, Observation

SUCCESS, FAILURE = "success", "failure"
ORDER = {
    status: place
    for place, status in enumerate(("created", "enqueued", "sending", "sent", "sent_to_telco"))
} | {SUCCESS: 5, FAILURE: 5}
"""The published statuses, in the order in which a delivery goes through them."""

RETRYABLE_BATCHES = ("messages_enqueued", "messages_enqueuing_failed")
"""The statuses of a batch that permit a retry (the page)."""

FEWEST_SENDS, MOST_SENDS = 3, 4
"""After how many sends a retry may be refused, and must be: the documents disagree about 3."""


def follows(before: object, after: object) -> bool:
    """Whether a delivery leads from one status on to the other, by itself."""
    if not isinstance(before, str) or not isinstance(after, str) or before == FAILURE:
        return False
    return ORDER.get(before, len(ORDER)) < ORDER.get(after, -1)


def moved_on(observation: Observation) -> bool:
    """Whether the Retrieves around a probe show that the message went on being delivered."""
    before, after = observation.before, observation.after
    if before is None or after is None:
        return False
    return follows(_status(before), _status(after))


def was_in_order(observation: Observation) -> bool:
    """Whether the message may have failed before it was retried, so that the retry was in order.

    Retrieve lists the attempts, the newest first: one more, and the one before it has failed.
    `before` may be the response to another retry, which lists none, but `sends` then says how many
    there are.
    """
    before, after = observation.before, observation.after
    if before is None or after is None or _status(before) == SUCCESS:
        return False
    if before.kind == "retrieve" and _status(before) == FAILURE:
        return True
    listed, new = attempts_of(before), attempts_of(after)
    old = observation.sends if listed is None else len(listed)
    if new is None or old is None:
        return True
    one_more = len(new) == old + 1 and len(new) > 1
    return one_more and isinstance(new[1], dict) and new[1].get("status") == FAILURE


def may_all_be_in_order(together: Sequence[Observation]) -> bool | None:
    """Whether the message may have failed before each accepted retry of those sent at once.

    Retrieve lists an attempt more for each, and all but the newest have failed. None where it
    lists none, so that nobody can tell.
    """
    accepted, first = sum(o.exchange.succeeded for o in together), together[0]
    if accepted <= 1:
        return True
    old = attempts_of(first.before) if first.before else None
    new = attempts_of(first.after) if first.after else None
    if old is None or new is None:
        return None
    earlier = new[1:accepted]
    failed = (isinstance(attempt, dict) and attempt.get("status") == FAILURE for attempt in earlier)
    return len(new) == len(old) + accepted and all(failed)


def batch_statuses(exchange: Exchange) -> list[str]:
    """Return the statuses of the batches that a Retrieve shows."""
    batches = exchange.members.get("batches")
    listed = batches if isinstance(batches, list) else ()
    statuses = (batch.get("status") for batch in listed if isinstance(batch, dict))
    return [status for status in statuses if isinstance(status, str)]


def attempts_of(exchange: Exchange) -> list[Any] | None:
    """Return the attempts that a Retrieve lists, or None if it lists none."""
    attempts = exchange.members.get("attempts")
    return attempts if isinstance(attempts, list) else None


def sends_before(observation: Observation) -> tuple[int, int]:
    """Return how often a message had been sent before its retry: at the least, and at the most.

    Where a service lists no attempts, it may be any number that is accepted at all.
    """
    before = observation.before
    listed = attempts_of(before) if before is not None else None
    known = len(listed) if listed else observation.sends
    if known is None and observation.sent is not None:
        known = 1
    return (1, MOST_SENDS) if known is None else (known, known)


def _status(exchange: Exchange) -> Any:
    return exchange.members.get("latestStatus")
