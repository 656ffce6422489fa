"""What is worth a remark about a call of a client that did nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retry_contract.consumer.client.made import Known, Made
from retry_contract.consumer.client.told import EASILY_MISSED, Told, told_by
from retry_contract.consumer.client.wrongs import BOUND_IT, FINAL, LONGER, TIMEOUT

_LOOK = "its caller must look"
_AGAIN = "asked again after a 201, though Retrieve tells what became of it"
_SENT = "having seen by Retrieve that it is on its way, or has arrived"

_SEVERAL = 3
"""So often, since a client may ask once more with a key that it renewed."""


def remark(made: Made, known: Known) -> str:
    """Return how a refusal was told, and whether the client asked for what it had or cannot get."""
    return ", ".join(part for part in (_told(made, known), *_repeated(made)) if part)


def notes(calls: Sequence[Made], known: Known) -> Iterator[str]:
    """Yield what must be known of how a refusal is told, and of what was not tried."""
    if any(made.answer is None for made in calls):
        hung = [made.visit for made in calls if made.hung and made.visit.seen]
        again = any(sum(s in FINAL for s in visit.statuses()) > 1 for visit in hung)
        advice = LONGER if all(visit.is_answered() for visit in hung) else TIMEOUT
        advice = BOUND_IT if again else advice
        yield f"Too many calls did not end in time, so the rest was not tried: {advice}."
    returned = {told_by(made, known) for made in calls if _is_told_by_value(made)}
    for told in EASILY_MISSED:
        if told in returned:
            what = told.value
            yield f"On a refusal it may return {what}, and raise nothing: {_LOOK} at what it gets."


def _told(made: Made, known: Known) -> str:
    if made.call.expects == "accepted":
        return ""
    if made.exited:
        return "ended the program with the exit status 0"
    if _is_told_by_value(made):
        return f"returned {_value(made, known)}"
    error = made.answer.error if made.answer else ""
    return "returned" if made.returned else f"raised {error.partition(':')[0]}"


def _is_told_by_value(made: Made) -> bool:
    accepted = made.call.expects == "accepted" or made.visit.accepted()
    return made.returned and not accepted


def _value(made: Made, known: Known) -> str:
    told = told_by(made, known)
    if told is not Told.LIKE_A_SUCCESS:
        return f"{told.value}: {_LOOK}"
    return f"{told.value}, {_SENT}" if made.visit.sent() else told.value


def _repeated(made: Made) -> Iterator[str]:
    statuses = made.visit.statuses()
    if 201 in statuses[:-1]:
        yield _AGAIN
    for status in FINAL:
        if (times := statuses.count(status)) >= _SEVERAL:
            yield f"asked {times} times for what {status} refused"
