"""What a message does by itself between two requests: a service in use does not stand still."""

from typing import Any

from retry_contract.exchange import Exchange, Observation

SUCCESS, FAILURE = "success", "failure"
ORDER = {
    status: place
    for place, status in enumerate(("created", "enqueued", "sending", "sent", "sent_to_telco"))
} | {SUCCESS: 5, FAILURE: 5}
"""The published statuses, in the order in which a delivery goes through them."""


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
    `before` may be the response to another retry, which lists none.
    """
    before, after = observation.before, observation.after
    if before is None or after is None or _status(before) == SUCCESS:
        return False
    old, new = attempts_of(before), attempts_of(after)
    retrieved = before.kind == "retrieve"
    if new is None or (retrieved and (_status(before) == FAILURE or old is None)):
        return True
    one_more = len(new) > 1 and (old is None or len(new) == len(old) + 1)
    return one_more and isinstance(new[1], dict) and new[1].get("status") == FAILURE


def attempts_of(exchange: Exchange) -> list[Any] | None:
    """Return the attempts that a Retrieve lists, or None if it lists none."""
    attempts = exchange.members.get("attempts")
    return attempts if isinstance(attempts, list) else None


def sends_before(observation: Observation) -> int | None:
    """Return how often a message had been sent before its retry, if that is known."""
    before = observation.before
    listed = attempts_of(before) if before is not None else None
    return len(listed) if listed else (None if observation.sent is None else 1)


def _status(exchange: Exchange) -> Any:
    return exchange.members.get("latestStatus")
