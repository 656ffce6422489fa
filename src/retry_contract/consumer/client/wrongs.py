"""What is wrong with a call of a client: what it must not do, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retry_contract.consumer.advice import advice_for, advise
from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.made import Known, Made
from retry_contract.consumer.client.stage import MOST_RETRIES, Visit
from retry_contract.consumer.client.told import EASILY_MISSED, Told, told_by
from retry_contract.consumer.readiness import Result
from retry_contract.service.faults.model import is_retry, is_send
from retry_contract.service.http import Request

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
FINAL = (400, 401, 403)
"""By what is refused that does not pass."""
BOUND_IT = "bound the attempts, and wait longer before each; a 400, 401 or 403 does not pass"
_PATH = "POST to /campaigns/:campaignId/messages/:messageId/retry below the base URL given"
_KEY = "send the api_key that it is given, as `Authorization: Bearer <api_key>`, at each call"
_CREATED = "take the status 201 for a success: the body is the message, with its new status"
_BY_STATUS = "raise on any status but 201 (raise_for_status), or return what tells it"
_BY_ERROR = "let an error of the connection be seen: raise it, or return what tells it"
_KEPT = "look at what it keeps of the calls before: the reply of either contract alone is read"
_ELSEWHERE = "ask Retrieve what became of it: the sandbox has Single Send, Retry and Retrieve only"
_BASE = (
    "send every request to the base_url that it is given; if it remembers messages (a store, a "
    "breaker), that may be why: the ids are the same in every run"
)
_SLOW = "send every request to the base_url that it is given; if it takes longer, give --timeout"
_NOTHING = "asked nothing of the base_url that it was given"
_OF_STATUS = re.compile(r"\b201\b|\bstatus\b", re.IGNORECASE)
LONGER = "give --timeout longer than all attempts take"
TIMEOUT = (
    "give the request a timeout (requests and urllib have none of their own); if it has a longer "
    "one, give --timeout"
)


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong with a call, and what to do about it.

    `of_body` says that the body of the reply had a part in it, `doubtful` that the calls before it
    in the same process may have had one.
    """

    error: str
    advice: str = ""
    result: Result = Result.BREAKS
    of_body: bool = False
    doubtful: bool = False


def wrongs(calls: Sequence[Made], known: Known) -> list[tuple[Made, Wrong]]:
    """Return the calls of one situation that went wrong, each with the worst that was wrong."""
    found = [(made, _wrong(made, known) or _two_minded(made, calls, known)) for made in calls]
    return [(made, wrong) for made, wrong in found if wrong is not None]


def _wrong(made: Made, known: Known) -> Wrong | None:
    answer = made.answer
    if answer is None:
        return None
    return _harm(made) or _stuck(made, answer) or _misled(made, answer, known)


def _harm(made: Made) -> Wrong | None:
    """Return what is wrong whatever the service answered."""
    visit = made.visit
    for request in visit.others():
        if visit.misspells(request):
            return _MISSPELT
        if (strayed := _strayed(request)) is not None:
            return strayed
    if made.leaked:
        return Wrong(
            "it printed the API key, or raised an error that holds it",
            "write no header and no setting into a log or an error",
        )
    return _endless(visit) if visit.endless() else None


_MISSPELT = Wrong(
    "it asked for the retry by a path with a slash too many, which the service does not have",
    f"join the base URL and the rest by one slash, and end without one: {_PATH}",
)


def _strayed(request: Request) -> Wrong | None:
    """Return what a request changes that is not the retry of this message, if it changes any."""
    if request.method in _HARMLESS:
        return None
    if request.method == "POST" and "/batch/" in request.path:
        alone = "retry the message that it is given alone"
        return Wrong("it sent or retried a batch: others would get a text once more", alone)
    if is_send(request):
        kept = "retry by the retry endpoint alone; it keeps the message and its id"
        return Wrong("it made a Single Send: the person would get the text once more", kept)
    if is_retry(request) and "/messages/" in request.path:
        own = "use the campaign_id and message_id that it is given, and end all requests in time"
        return Wrong("it asked for the retry of another message", own)
    return Wrong(f"it made a {request.method} that is not the retry of the message", _PATH)


def _endless(visit: Visit) -> Wrong:
    if len(visit.retries()) >= MOST_RETRIES:
        return Wrong(f"it asked for the retry {MOST_RETRIES} times, and went on", BOUND_IT)
    bound = "bound how often it asks, and wait longer before each time"
    return Wrong(f"it made {len(visit.seen)} requests, and went on", bound)


def _stuck(made: Made, answer: Answer) -> Wrong | None:
    """Return how a call came to no end, if it did."""
    if answer.kind is Kind.READ or answer.kind is Kind.REFUSED:
        return None
    if answer.kind is not Kind.HUNG:
        ended = "raise an error: it ended the program that it runs in"
        return Wrong(answer.error, ended, of_body=made.visit.accepted(), doubtful=True)
    return _unended(made.visit, answer.error)


def _unended(visit: Visit, error: str) -> Wrong:
    """Return what is wrong where a call was ended at the timeout.

    One that was answered waits on itself, and one that asked again has a timeout of its own.
    """
    asked = len(visit.retries())
    if not visit.seen:
        return Wrong(f"{error}; it had {_NOTHING}", _SLOW)
    if asked > 1:
        error = f"{error}; it had asked {asked} times"
    elif not visit.is_answered():
        return Wrong(error, TIMEOUT)
    if sum(status in FINAL for status in visit.statuses()) > 1:
        return Wrong(error, BOUND_IT)
    waits = "may be about to stop" if asked > 1 else "went on waiting although it was answered"
    return Wrong(f"{error}, and {waits}", LONGER, Result.NOT_TESTED)


def _misled(made: Made, answer: Answer, known: Known) -> Wrong | None:
    """Return what is wrong with what a call returned or raised."""
    if made.call.expects == "accepted":
        return _failed(made, answer, known)
    if made.visit.accepted():
        return _UNMET if made.call.expects == "refused" else None
    if made.exited and not made.visit.sent():
        return _EXITED
    if not known.accepted:
        return None if made.visit.seen and made.raised else _INCOMPARABLE
    told = told_by(made, known) if made.returned and not made.visit.sent() else Told.OTHER
    if told is Told.LIKE_A_SUCCESS:
        lied = "it returned the same as after a retry that was accepted"
        return Wrong(lied, _tell(made.visit))
    if told is Told.IN_PRIVATE:
        return _IN_PRIVATE
    return None if made.visit.seen else _unasked(made, answer, Result.NOT_TESTED)


def _tell(visit: Visit) -> str:
    """Return how to tell that a retry was refused."""
    if not visit.retries():
        return _reach(visit)
    return _BY_STATUS if visit.statuses() else _BY_ERROR


def _unasked(made: Made, answer: Answer, result: Result) -> Wrong:
    """Return that a call asked for nothing, and what it did instead."""
    did = "returned" if made.returned else f"raised {answer.error}"
    return Wrong(f"it {_NOTHING}, and {did}", _BASE, result, doubtful=True)


_UNMET = Wrong(
    "the retry was accepted, so no refusal was met", _KEY, Result.NOT_TESTED, doubtful=True
)
_IN_PRIVATE = Wrong(
    f"it returned {Told.IN_PRIVATE.value}",
    "let a public attribute, a property, bool() or the class tell a refusal; no method is called",
    Result.NOT_TESTED,
)
_EXITED = Wrong(
    "it ended the program with the exit status 0, as after a success",
    "end it with another exit status, or raise an error",
)
_INCOMPARABLE = Wrong(
    "it succeeded nowhere, so there is nothing to compare this with",
    "mend first what goes wrong where the retry is accepted",
    Result.NOT_TESTED,
)


def _failed(made: Made, answer: Answer, known: Known) -> Wrong | None:
    """Return why a call is no success that had to be one."""
    took = made.visit.accepted()
    if made.returned and took:
        return None
    if not made.visit.seen:
        return _unasked(made, answer, Result.BREAKS)
    if not took:
        returned = "it returned, but no retry of the message was accepted"
        error = returned if made.returned else f"it raised {answer.error}"
        return Wrong(error, _reach(made.visit), doubtful=True)
    error = f"the retry was accepted, but it raised {answer.error}"
    return Wrong(error, _succeed(made.visit, answer, known), of_body=True, doubtful=True)


def _succeed(visit: Visit, answer: Answer, known: Known) -> str:
    """Return what to do where an accepted retry was no success; empty if nothing is known."""
    if visit.found_nothing():
        return _ELSEWHERE
    if found := advise(answer):
        return found
    if _OF_STATUS.search(answer.error):
        return _CREATED
    if known.reads_old and known.reads_new:
        return _KEPT
    return advice_for(answer, only_newer=known.reads_old)


def _reach(visit: Visit) -> str:
    """Return how to be accepted."""
    if not visit.seen:
        return _BASE
    refused = {seen.status for seen in visit.seen} & {401, 403}
    return _KEY if refused else _PATH


def _two_minded(made: Made, calls: Sequence[Made], known: Known) -> Wrong | None:
    """Return that a call returned, by an accident, where another one raised.

    A refusal is one in any envelope. A value of the client's own may tell a code that it knows.
    """
    raised = [other for other in calls if other.raised and not other.visit.accepted()]
    if made.call.expects != "refused" or not (made.returned and raised):
        return None
    told = told_by(made, known)
    if told not in EASILY_MISSED:
        return None
    one, other = (it.call.settings.errors for it in (made, raised[0]))
    error = f"it returned {told.value} when the error was {one}, and raised when it was {other}"
    advice = f"go by the status, not by what the body holds: {_BY_STATUS}"
    return Wrong(error, advice, of_body=True, doubtful=True)
