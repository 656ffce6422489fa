"""What is wrong with the calls of a client, by the policy of docs/consumer.md."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from retry_contract.consumer.advice import advise
from retry_contract.consumer.client.calls import CallResult, Client
from retry_contract.consumer.compare import differences
from retry_contract.consumer.process.attempt import Ending
from retry_contract.consumer.readiness import Finding, Result
from retry_contract.privacy.descriptions import cut
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
class Baseline:
    """What the plain calls show: what was read of each contract, and the form of a success.

    `silent` says that it returns None after an accepted retry. `left_out` are the places that are
    not compared, of which the `unsteady` ones differ from call to call.
    """

    old: tuple[Any, ...]
    new: tuple[Any, ...]
    silent: bool
    unsteady: tuple[str, ...]
    left_out: tuple[str, ...]
    accept: tuple[str, ...] = ()

    def reports_success(self, call: CallResult) -> bool:
        """Say whether a client reported success; None is one if it is returned after one."""
        success = call.attempt.success
        return self.silent and call.attempt.is_read if success is None else success


def baseline_of(
    before: Sequence[CallResult], after: Sequence[CallResult], accept: tuple[str, ...]
) -> Baseline:
    """Return what the plain calls by the older and by the newer contract show."""
    accepted = [call for call in (*before, *after) if call.visit.is_accepted()]
    silent = any(call.attempt.success is None and call.attempt.is_read for call in accepted)
    first = Baseline((), (), silent, (), ())
    read = [call for call in accepted if first.reports_success(call)]
    old, new = (tuple(c.reading for c in calls if c in read) for calls in (before, after))
    unsteady = tuple(dict.fromkeys(p.pointer for r in new for p in differences(new[0], r)))
    opaque = (pointer for call in accepted for pointer in call.attempt.opaque)
    return Baseline(old, new, silent, unsteady, (*unsteady, *opaque, *accept), accept)


def check_call(call: CallResult, client: Client, baseline: Baseline) -> Finding | None:
    """Return what is wrong with a call; None if nothing is."""
    for error, advice in _harm(call):
        return _finding(call, error, advice)
    return _wrong_report(call, client, baseline)


def _finding(call: CallResult, error: str, advice: str, result: Result = Result.BREAKS) -> Finding:
    requests = call.visit.lines() or ("nothing of the base URL",)
    return Finding(result, error, None, call.attempt.where, requests=requests, advice=advice)


def _harm(call: CallResult) -> Iterator[tuple[str, str]]:
    """Yield what is wrong whatever the client reported, with what to do, the worst first."""
    visit, attempt, change = call.visit, call.attempt, call.visit.change()
    if change is not None:
        use = f"use the campaign_id and message_id that it is given: {_DOCUMENTED}"
        alone = "retry by the retry endpoint alone; it keeps the message and its id"
        yield f"it {': '.join(change)}", use if "another" in change[0] else alone
    if call.leak:
        yield f"it printed the API key: {call.leak}", _KEEP_OUT
    for line in attempt.trace.splitlines():
        if visit.key in line:
            yield f"it raised an error that holds the API key: {line.strip()}", _KEEP_OUT
    if visit.is_endless():
        yield f"it asked for the retry {MOST_RETRIES} times, and went on", _BOUND
    if attempt.ending is Ending.HUNG:
        waits = visit.waits() and len(visit.retries()) == 1
        yield attempt.error, _DEADLINE if waits else _END if visit.is_accepted() else _LONGER


def _wrong_report(call: CallResult, client: Client, baseline: Baseline) -> Finding | None:
    visit, expects, success = call.visit, call.call.expects, baseline.reports_success(call)
    accepted = visit.is_accepted()
    if success and not accepted:
        return _false_success(call, client, baseline) if visit.seen else _missing_retry(call)
    if expects in ("accepted", "either") and accepted and not success:
        return _false_failure(call)
    if expects == "accepted" and not success:
        return _missing_retry(call)
    if expects == "refused" and accepted:
        kept = "send the api_key that it is given, at each call"
        met = "the retry was accepted, so no refusal was met"
        return _finding(call, met, kept, Result.NOT_TESTED)
    if not visit.retries() and not visit.retrieves():
        return _finding(call, "it did not ask for the retry", "", Result.NOT_TESTED)
    shown = any(seen.response.status == 200 for seen in visit.retrieves())
    if expects == "lost" and success and baseline.new and not shown:
        left_out = (*baseline.left_out, *call.attempt.opaque)
        for place in differences(baseline.new[0], call.reading, (), left_out):
            return _finding(call, f"it reported success, but read something else: {place}", _WHOLE)
    return None


def _false_success(call: CallResult, client: Client, baseline: Baseline) -> Finding:
    if client.command is not None:
        error = "no retry was accepted, but it ended with exit status 0"
        return _finding(call, error, f"{_BY_STATUS}: end with another exit status")
    returned = cut(json.dumps(call.attempt.read, ensure_ascii=False), _LONGEST)
    error = f"no retry was accepted, but it reported success: it returned {returned}"
    advice = f"{_BY_STATUS}: raise, or return False"
    after = baseline.new[0] if baseline.new else None
    if after is not None and after is not True:
        same = isinstance(after, str | int) and not baseline.unsteady and ":" not in str(after)
        word = "latestStatus" if "latestStatus" in str(after) else "created"
        how = f"result == {after!r}" if same else f'"{word}" in str(result)'
        given = f"--accepted-when {client.target.partition(':')[0]}:accepted"
        predicate = f"def accepted(result):\n    return {how}"
        advice += f"\nor, if what it returns says so, give {given}, with\n{predicate}"
    return _finding(call, error, advice)


def _false_failure(call: CallResult) -> Finding:
    attempt = call.attempt
    did = f"raised {attempt.error}" if attempt.ending is Ending.RAISED else attempt.error
    if attempt.is_read:
        did = f"returned {cut(json.dumps(attempt.read, ensure_ascii=False), _LONGEST)}"
    error, advice = f"the retry was accepted, but it {did}", advise(attempt.text, attempt.clues)
    return replace(_finding(call, error, advice), payload=call.visit.payload())


def _missing_retry(call: CallResult) -> Finding:
    visit = call.visit
    if not visit.seen:
        why = f" ({call.attempt.error})" if call.attempt.error else ""
        base = "send every request to the base URL that it is given (RETRY_CONTRACT_ENDPOINT)"
        return _finding(call, f"it asked nothing of the base URL that it was given{why}", base)
    last = visit.seen[-1]
    asked = f"it asked for {visit.show(last.request)} and got {last.outcome()}"
    path = f"the documented path, below the base URL, is {_DOCUMENTED}"
    key = "send `Authorization: Bearer <api_key>` with the key given"
    advice = key if visit.retries() else path
    return _finding(call, f"no retry was accepted: {asked}", advice)
