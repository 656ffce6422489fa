"""What is wrong with the calls of a client, by the policy of docs/consumer.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from retry_contract.consumer.advice import advise
from retry_contract.consumer.client.calls import Client, Made
from retry_contract.consumer.compare import Difference, differences
from retry_contract.consumer.process.attempt import Ending
from retry_contract.consumer.readiness import Finding, Result
from retry_contract.privacy.descriptions import cut
from retry_contract.privacy.masking import scrubbed
from retry_contract.service.stage import MOST_RETRIES

_DOCUMENTED = "POST /campaigns/:campaignId/messages/:messageId/retry"
_KEEP_OUT = "write no header and no setting into a log or an error"
_BOUND = "bound the attempts, and wait longer before each; a 400, 401 or 403 does not pass"
_DEADLINE = (
    "give the whole call a deadline, the body included (fetch and axios: AbortSignal.timeout; the "
    "JDK: sendAsync(...).get(3, SECONDS), for HttpRequest.timeout ends with the headers; curl: -m; "
    "a timeout of requests, httpx or urllib is for each read)"
)
_END = "end the process once the call is over: something that it opened keeps it"
_WHOLE = (
    "read the body as JSON, and take it for a failure if that fails (axios returns a text then, "
    "unless `transitional: {silentJSONParsing: false}` and `responseType: 'json'` are set)"
)
_LONGER = "give --timeout longer than all attempts take"
_BY_STATUS = "look at the status: anything but a 201 that was read whole is a failure"
_LONGEST = 120


@dataclass(frozen=True)
class Known:
    """What the plain calls say: what was read of each contract, if it was, and a success's form.

    `silent` says that it returns None after an accepted retry. `left_out` are the places that are
    not compared, of which the `unsteady` ones differ from call to call.
    """

    old: tuple[Any, ...]
    new: tuple[Any, ...]
    silent: bool
    unsteady: tuple[str, ...]
    left_out: tuple[str, ...]
    accept: tuple[str, ...] = ()

    def succeeded(self, made: Made) -> bool:
        """Say whether a client reported success: None does where it is returned after one."""
        success = made.attempt.success
        return self.silent and made.attempt.is_read if success is None else success

    def compared(self, old: Made, new: Made, added: Sequence[Any]) -> tuple[Difference, ...]:
        """Return where a client reads another thing after the cutover, `added` values aside."""
        found = differences(_reading(old), _reading(new), added)
        return tuple(place for place in found if not place.is_at(self.left_out))


def known_of(before: Sequence[Made], after: Sequence[Made], accept: tuple[str, ...]) -> Known:
    """Return what the plain calls by the older and by the newer contract say."""
    accepted = [made for made in (*before, *after) if made.visit.is_accepted()]
    silent = any(made.attempt.success is None and made.attempt.is_read for made in accepted)
    first = Known((), (), silent, (), ())
    both = [[m for m in calls if m in accepted and first.succeeded(m)] for calls in (before, after)]
    old, new = (tuple(map(_reading, calls)) for calls in both)
    unsteady = tuple(dict.fromkeys(p.pointer for r in new for p in differences(new[0], r)))
    opaque = (pointer for made in accepted for pointer in made.attempt.opaque)
    return Known(old, new, silent, unsteady, (*unsteady, *opaque, *accept), accept)


def _reading(made: Made) -> Any:
    """Return what was read, with names in place of the ids that no other call has."""
    return scrubbed(made.attempt.read, made.visit.mask)


def validate(made: Made, client: Client, known: Known) -> Finding | None:
    """Return what is wrong with a call; None if nothing is."""
    return _harm(made) or _hung(made) or _report(made, client, known)


def _found(made: Made, error: str, advice: str, result: Result = Result.BREAKS) -> Finding:
    requests = made.visit.lines() or ("nothing of the base URL",)
    return Finding(result, error, None, made.attempt.where, requests=requests, advice=advice)


def _harm(made: Made) -> Finding | None:
    """Return what is wrong whatever the client reported."""
    visit, change = made.visit, made.visit.change()
    if change is not None:
        use = f"use the campaign_id and message_id that it is given: {_DOCUMENTED}"
        alone = "retry by the retry endpoint alone; it keeps the message and its id"
        return _found(made, f"it {': '.join(change)}", use if "another" in change[0] else alone)
    if made.printed:
        return _found(made, f"it printed the API key: {made.printed}", _KEEP_OUT)
    held = next((line for line in made.attempt.trace.splitlines() if visit.key in line), "")
    if held:
        return _found(made, f"it raised an error that holds the API key: {held.strip()}", _KEEP_OUT)
    if visit.is_endless():
        return _found(made, f"it asked for the retry {MOST_RETRIES} times, and went on", _BOUND)
    return None


def _hung(made: Made) -> Finding | None:
    if made.attempt.ending is not Ending.HUNG:
        return None
    ended = _END if made.visit.is_accepted() else _LONGER
    waits = made.visit.waits() and len(made.visit.retries()) == 1
    return _found(made, made.attempt.error, _DEADLINE if waits else ended)


def _report(made: Made, client: Client, known: Known) -> Finding | None:
    """Return what is wrong with what a call reported."""
    expects, accepted, success = made.call.expects, made.visit.is_accepted(), known.succeeded(made)
    if success and not accepted:
        return _false_success(made, client, known) if made.visit.seen else _unaccepted(made)
    if expects in ("accepted", "either") and accepted and not success:
        return _failed(made)
    if expects == "accepted" and not success:
        return _unaccepted(made)
    if expects == "refused" and accepted:
        kept = "send the api_key that it is given, at each call"
        met = "the retry was accepted, so no refusal was met"
        return _found(made, met, kept, Result.NOT_TESTED)
    if not made.visit.retries() and not made.visit.retrieves():
        return _found(made, "it did not ask for the retry", "", Result.NOT_TESTED)
    shown = any(seen.response.status == 200 for seen in made.visit.retrieves())
    if expects == "lost" and success and known.new and not shown:
        return _other_reading(made, known)
    return None


def _false_success(made: Made, client: Client, known: Known) -> Finding:
    if client.command is not None:
        error = "no retry was accepted, but it ended with exit status 0"
        return _found(made, error, f"{_BY_STATUS}: end with another exit status")
    returned = cut(json.dumps(made.attempt.read, ensure_ascii=False), _LONGEST)
    error = f"no retry was accepted, but it reported success: it returned {returned}"
    advice = f"{_BY_STATUS}: raise, or return False"
    after = known.new[0] if known.new else None
    if after is not None and after is not True:
        same = isinstance(after, str | int) and not known.unsteady and ":" not in str(after)
        word = "latestStatus" if "latestStatus" in str(after) else "created"
        how = f"result == {after!r}" if same else f'"{word}" in str(result)'
        given = f"--accepted-when {client.target.partition(':')[0]}:accepted"
        predicate = f"def accepted(result):\n    return {how}"
        advice += f"\nor, if what it returns says so, give {given}, with\n{predicate}"
    return _found(made, error, advice)


def _failed(made: Made) -> Finding:
    attempt = made.attempt
    did = f"raised {attempt.error}" if attempt.ending is Ending.RAISED else attempt.error
    if attempt.is_read:
        did = f"returned {cut(json.dumps(attempt.read, ensure_ascii=False), _LONGEST)}"
    error, advice = f"the retry was accepted, but it {did}", advise(attempt.text, attempt.clues)
    return replace(_found(made, error, advice), payload=made.visit.payload())


def _unaccepted(made: Made) -> Finding:
    visit = made.visit
    if not visit.seen:
        why = f" ({made.attempt.error})" if made.attempt.error else ""
        base = "send every request to the base URL that it is given (RETRY_CONTRACT_ENDPOINT)"
        return _found(made, f"it asked nothing of the base URL that it was given{why}", base)
    last = visit.seen[-1]
    error = (
        f"no retry was accepted: it asked for {visit.show(last.request)} and got {last.outcome()}"
    )
    if visit.retries():
        return _found(made, error, "send `Authorization: Bearer <api_key>` with the key given")
    return _found(made, error, f"the documented path, below the base URL, is {_DOCUMENTED}")


def _other_reading(made: Made, known: Known) -> Finding | None:
    left_out = (*known.left_out, *made.attempt.opaque)
    found = differences(known.new[0], _reading(made))
    place = next((place for place in found if not place.is_at(left_out)), None)
    if place is None:
        return None
    return _found(made, f"it reported success, but read something else: {place}", _WHOLE)
