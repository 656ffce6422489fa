"""What one call says about a client, by what the service saw of it and what it answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.trying import PAIR
from support.visits import (
    CALL,
    HUNG,
    MUST,
    RAISED,
    REFUSED,
    RETURNED,
    finding,
    judged,
    judged_together,
    visited,
)

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.calls import scenarios
from retry_contract.consumer.client.made import Known, Made, known
from retry_contract.consumer.client.remarks import notes
from retry_contract.consumer.client.stage import MOST_REQUESTS, MOST_RETRIES, UNKNOWN, Call, Stage
from retry_contract.consumer.readiness import Result
from retry_contract.contract.catalogue import catalogue
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Request
from retry_contract.service.model import Settings
from retry_contract.service.sandbox import AUTO
from retry_contract.service.seeds import SPENT


def situation(name: str) -> Call:
    """Return the first call of a situation."""
    return next(s for s in scenarios(PAIR, catalogue().timeline) if s.name == name).calls[0]


STALLS = situation("201 stalls")


@pytest.mark.parametrize(
    ("call", "answer", "requests", "remark"),
    [
        (MUST, RETURNED, ["retry"], ""),
        (MUST, RETURNED, ["retrieve", "retry", "retrieve"], ""),
        (REFUSED, RAISED, ["retry"], "raised ValueError"),
        (REFUSED, RAISED, ["retrieve"], "raised ValueError"),
        (REFUSED, replace(RETURNED, read=False), ["retry"], "returned another value: its caller"),
        (CALL, RETURNED, ["retry"], "returned"),
        (replace(CALL, wrap=FAULTS["body-cut-off"].wrap), RAISED, ["retry"], "raised ValueError"),
    ],
)
def test_what_a_client_may_do(call: Call, answer: Answer, requests: Any, remark: str) -> None:
    found = judged(call, answer, *requests)
    assert (found.result, found.finding, found.tried, found.failed) == (Result.OK, None, 1, 0)
    assert found.remark.startswith(remark)
    assert bool(found.remark) is bool(remark)


@pytest.mark.parametrize(
    ("call", "answer", "requests", "error"),
    [
        (MUST, RAISED, ["retry"], "the retry was accepted, but it raised ValueError: 400"),
        (MUST, RAISED, [], "it asked nothing of the base_url that it was given, and raised Val"),
        (MUST, RETURNED, ["retrieve"], "it returned, but no retry of the message was accepted"),
        (MUST, RETURNED, ["/api/v2/elsewhere"], "it made a POST that is not the retry of the"),
        (REFUSED, RAISED, ["retry", "batch"], "it sent or retried a batch: others would get a"),
        (REFUSED, RAISED, ["retry", "another"], "it asked for the retry of another message"),
        (MUST, RETURNED, ["retry", "delete"], "it made a DELETE that is not the retry of the"),
        (REFUSED, HUNG, ["retrieve"] * MOST_REQUESTS, "it made 100 requests, and went on"),
        (MUST, RETURNED, [], "it asked nothing of the base_url that it was given, and returned"),
        (MUST, HUNG, [], "no answer within 2 s; it had asked nothing of the base_url that it was"),
        (REFUSED, RETURNED, ["retry"], "it returned the same as after a retry that was accepted"),
        (replace(CALL, state=UNKNOWN), RETURNED, ["retry"], "it returned the same as after"),
        (replace(CALL, key="wrong"), RETURNED, ["retry"], "it returned the same as after"),
        (replace(CALL, key="foreign"), RETURNED, ["retry"], "it returned the same as after"),
        (REFUSED, RAISED, ["retry", "send"], "it made a Single Send: the person would get"),
        (REFUSED, RAISED, ["retry"] * MOST_RETRIES, "it asked for the retry 20 times, and went"),
        (REFUSED, HUNG, ["retry"] * 3, "no answer within 2 s; it had asked 3 times"),
        (STALLS, HUNG, ["retry"], "no answer within 2 s"),
        (CALL, Answer(Kind.CRASHED, error="ended with exit status 7"), [], "ended with exit"),
    ],
)
def test_what_a_client_must_not_do(call: Call, answer: Answer, requests: Any, error: str) -> None:
    found = judged(call, answer, *requests)
    assert (found.result, found.failed) == (Result.BREAKS, 1)
    assert finding(found).error.startswith(error)
    assert finding(found).requests


EXITED = Answer(Kind.REFUSED, error="SystemExit: 0: the code ends the program", exits_well=True)


def test_the_exit_status_of_a_success_is_one() -> None:
    found = judged(MUST, EXITED, "retry")
    assert (found.result, found.finding) == (Result.OK, None)
    made = Made(MUST, visited(MUST, "retry"), EXITED, leaked=False)
    assert (made.succeeded, made.raised, made.reading) == (True, False, 0)


@pytest.mark.parametrize("accepted", [None, True, 0])
def test_the_exit_status_of_a_success_is_no_refusal(accepted: Any) -> None:
    for call in (REFUSED, situation("429 once")):
        found = judged(call, EXITED, "retry", accepted=accepted)
        assert found.result is Result.BREAKS
        assert finding(found).error == (
            "it ended the program with the exit status 0, as after a success"
        )
        assert found.remark == "ended the program with the exit status 0"
    assert judged(REFUSED, EXITED, "retry", "retrieve", accepted=0).result is Result.OK


@pytest.mark.parametrize(
    "path", ["/api/v2//campaigns/{}/messages/{}/retry", "/api/v2/campaigns/{}/messages/{}/retry/"]
)
def test_a_slash_too_many_is_another_path_and_not_another_message(path: str) -> None:
    visit = visited(MUST)
    found = judged(MUST, RAISED, path.format(visit.campaign, visit.message))
    assert finding(found).error.startswith("it asked for the retry by a path with a slash too many")
    assert finding(found).advice.startswith("join the base URL and the rest by one slash")


def test_a_key_that_is_printed_is_told_first() -> None:
    found = judged(REFUSED, RETURNED, "retry", leaked=True)
    assert finding(found).error == "it printed the API key, or raised an error that holds it"


@pytest.mark.parametrize("name", ["429 each time", "500 HTML page", "connection closed"])
def test_a_retry_of_what_may_pass_is_not_called_endless_at_the_timeout(name: str) -> None:
    found = judged(situation(name), HUNG, "retry", "retry")
    assert found.result is Result.NOT_TESTED
    assert finding(found).error.endswith("it had asked 2 times, and may be about to stop")


@pytest.mark.parametrize(
    ("call", "requests"),
    [
        *((situation(name), ["retry"]) for name in ("429 once", "500 HTML page")),
        (situation("connection closed"), ["retry"]),
        (REFUSED, ["retry"]),
        (replace(REFUSED, key="wrong"), ["retry", "retrieve"]),
        (MUST, ["retry"]),
        (MUST, ["retry", "retrieve"]),
    ],
)
def test_a_client_that_was_answered_waits_on_itself(call: Call, requests: list[str]) -> None:
    found = judged(call, HUNG, *requests)
    assert found.result is Result.NOT_TESTED
    assert finding(found).error.endswith("and went on waiting although it was answered")
    assert finding(found).advice == "give --timeout longer than all attempts take"


def test_a_client_that_asks_again_after_no_reply_has_a_timeout_of_its_own() -> None:
    found = judged(STALLS, HUNG, "retry", "retry")
    assert found.result is Result.NOT_TESTED
    assert finding(found).error.endswith("it had asked 2 times, and may be about to stop")


@pytest.mark.parametrize(
    ("answer", "requests"), [(RETURNED, ["retry"]), (RETURNED, []), (RAISED, [])]
)
def test_nothing_is_told_from_a_success_that_never_was(answer: Answer, requests: Any) -> None:
    found = judged(REFUSED, answer, *requests, accepted=None)
    assert found.result is Result.NOT_TESTED
    assert finding(found).error == "it succeeded nowhere, so there is nothing to compare this with"
    assert finding(found).advice == "mend first what goes wrong where the retry is accepted"


@pytest.mark.parametrize(
    ("call", "answer", "requests", "shown"),
    [
        (MUST, RAISED, ["retry"], True),
        (MUST, Answer(Kind.CRASHED, error="ended with exit status 7"), ["retry"], True),
        (REFUSED, Answer(Kind.CRASHED, error="ended with exit status 7"), ["retry"], False),
        (replace(MUST, key="wrong"), RAISED, ["retry"], False),
        (REFUSED, RETURNED, ["retry"], False),
        (REFUSED, RAISED, ["retry", "send"], False),
        (CALL, HUNG, ["retry"], False),
    ],
)
def test_a_reply_is_shown_where_its_body_had_a_part_in_what_went_wrong(
    call: Call, answer: Answer, requests: Any, shown: bool
) -> None:
    payload = finding(judged(call, answer, *requests)).payload
    assert (payload is not None) is shown


def test_what_was_not_tried_after_calls_without_an_end_gets_a_note() -> None:
    untried = Made(CALL, visited(CALL), None, leaked=False)
    longer = "give --timeout longer than all"
    for call, requests, advice in (
        (STALLS, ["retry"], "give the request a timeout"),
        (REFUSED, ["retry", "retry"], "bound the attempts"),
        (REFUSED, ["retry"], longer),
        (REFUSED, [], longer),
    ):
        calls = [Made(call, visited(call, *requests), HUNG, leaked=False)] * 4
        (note,) = notes([*calls, untried], SUCCESS)
        assert note.startswith("Too many calls did not end in time, so the rest was not tried: ")
        assert f": {advice}" in note
        assert list(notes(calls, SUCCESS)) == []


def enveloped(nested: Answer, flat: Answer) -> list[Made]:
    """Bring about the two calls of a refusal, one by each envelope."""
    calls = [replace(REFUSED, settings=Settings(errors=kind)) for kind in ("nested", "flat")]
    answers = (nested, flat)
    return [
        Made(call, visited(call, "retry"), answer, leaked=False)
        for call, answer in zip(calls, answers, strict=True)
    ]


CODE = "message_not_found_or_retry_message_not_in_failure_status"
NULL = replace(RETURNED, read=None)
SUCCESS = Known(({"id": "a"},))


@pytest.mark.parametrize(
    ("nested", "flat", "error"),
    [
        (NULL, RAISED, "it returned null when the error was nested, and raised when it was flat"),
        (RAISED, NULL, "it returned null when the error was flat, and raised when it was nested"),
        (replace(NULL, read=CODE), RAISED, "it returned the error's body or part of it when the"),
    ],
)
def test_a_refusal_is_one_in_any_envelope(nested: Answer, flat: Answer, error: str) -> None:
    found = judged_together(enveloped(nested, flat), SUCCESS)
    assert (found.result, found.tried, found.failed) == (Result.BREAKS, 2, 1)
    assert finding(found).error.startswith(error)
    assert finding(found).advice.startswith("go by the status, not by what the body holds: ")
    assert finding(found).payload is not None


def test_a_refusal_may_be_told_by_two_values_or_two_errors() -> None:
    values = replace(NULL, read="domain_error"), replace(NULL, read=400)
    errors = RAISED, replace(RAISED, error="KeyError: 'error'")
    for pair in (values, errors):
        assert judged_together(enveloped(*pair), SUCCESS).result is Result.OK


@pytest.mark.parametrize("read", [False, "no", 0, {"done": False}])
def test_a_value_of_its_own_may_tell_what_it_knows_of(read: Any) -> None:
    found = judged_together(enveloped(replace(NULL, read=read), RAISED), SUCCESS)
    assert (found.result, found.finding) == (Result.OK, None)
    assert found.remark == "returned another value: its caller must look or raised ValueError"


@pytest.mark.parametrize("requests", [["retry", "retrieve"], ["retrieve"]])
def test_a_message_that_was_seen_to_be_sent_may_be_called_retried(requests: list[str]) -> None:
    found = judged(REFUSED, RETURNED, *requests)
    assert (found.result, found.finding) == (Result.OK, None)
    assert found.remark == (
        "returned the same as after a success, having seen by Retrieve that it is on its way, or "
        "has arrived"
    )


@pytest.mark.parametrize(
    ("call", "requests"),
    [
        (REFUSED, ["retrieve", "retry"]),
        (REFUSED, ["retry", "another-retrieve"]),
        (replace(REFUSED, key="wrong"), ["retry", "retrieve"]),
        (replace(REFUSED, state=UNKNOWN), ["retry", "retrieve"]),
        (replace(REFUSED, state=SPENT), ["retry", "retrieve"]),
    ],
)
def test_a_message_that_was_not_seen_to_be_sent_may_not(call: Call, requests: list[str]) -> None:
    found = judged(call, RETURNED, *requests)
    assert finding(found).error == "it returned the same as after a retry that was accepted"


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (None, "null"),
        (CODE, "the error's body or part of it"),
        ({"statusCode": 400, "message": "The message was not found, or is not in failure status."},
         "the error's body or part of it"),
        ("retried :messageId", ""),
        (False, ""),
        (400, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_refusal_that_is_returned_gets_a_note_if_it_is_easily_missed(
    read: Any, what: str
) -> None:
    calls = enveloped(replace(RETURNED, read=read), replace(RETURNED, read=read))
    found = judged_together(calls, SUCCESS)
    assert found.result is Result.OK
    assert f"returned {what or 'another value'}: its caller must look" in found.remark
    said = list(notes(calls, SUCCESS))
    assert said == [
        f"On a refusal it may return {what}, and raise nothing: its caller must look at what it "
        "gets."
    ] * bool(what)


def test_null_is_no_sign_where_a_success_is_null_too() -> None:
    known = Known((None, None))
    assert list(notes(enveloped(NULL, NULL), known)) == []


def kept_key(call: Call, answer: Answer) -> Made:
    """Make a call with the key of the call before it."""
    stage = Stage(catalogue())
    key = stage.begin(CALL).key
    visit = stage.begin(call)
    path = f"/api/v2/campaigns/{visit.campaign}/messages/{visit.message}/retry"
    stage.handle(Request("POST", path, {"authorization": f"Bearer {key}"}))
    return Made(call, visit, answer, leaked=False)


@pytest.mark.parametrize("answer", [RETURNED, RAISED])
def test_a_refusal_that_was_never_met_is_not_tested(answer: Answer) -> None:
    wrong = replace(CALL, key="wrong", expects="refused")
    found = judged_together([kept_key(wrong, answer)], SUCCESS)
    assert (found.result, found.failed) == (Result.NOT_TESTED, 1)
    assert finding(found).error == "the retry was accepted, so no refusal was met"
    assert finding(found).advice.startswith("send the api_key that it is given")
    unasked = judged(wrong, RAISED)
    assert finding(unasked).error == (
        "it asked nothing of the base_url that it was given, and raised ValueError: 400"
    )
    assert (unasked.result, finding(unasked).requests) == (
        Result.NOT_TESTED,
        ("nothing of the base URL",),
    )


def test_an_accepted_retry_that_is_asked_for_again_gets_a_remark() -> None:
    cut = replace(CALL, wrap=FAULTS["body-cut-off"].wrap)
    assert judged(cut, RAISED, "retry").remark == "raised ValueError"
    for call in (cut, MUST):
        found = judged(call, RETURNED, "retry", "retry")
        assert found.result is Result.OK
        assert found.remark.endswith(
            "asked again after a 201, though Retrieve tells what became of it"
        )


@pytest.mark.parametrize(
    ("call", "times", "remark"),
    [
        (REFUSED, 3, "raised ValueError, asked 3 times for what 400 refused"),
        (replace(REFUSED, key="wrong"), 4, "raised ValueError, asked 4 times for what 401 refused"),
        (replace(REFUSED, key="foreign"), 2, "raised ValueError"),
        (situation("429 each time"), 5, "raised ValueError"),
        (situation("connection closed"), 5, "raised ValueError"),
    ],
)
def test_a_refusal_that_is_asked_for_again_gets_a_remark(
    call: Call, times: int, remark: str
) -> None:
    found = judged(call, RAISED, *["retry"] * times)
    assert (found.result, found.remark) == (Result.OK, remark)


@pytest.mark.parametrize(
    ("name", "answer"),
    [("connection closed", "connection reset"), ("no answer", "no answer")],
)
def test_a_connection_that_fails_is_no_success(name: str, answer: str) -> None:
    found = judged(situation(name), RETURNED, "retry")
    assert found.result is Result.BREAKS
    assert finding(found).error == "it returned the same as after a retry that was accepted"
    assert finding(found).advice.startswith("let an error of the connection be seen")
    assert finding(found).requests == (
        f"POST /api/v2/campaigns/:campaignId/messages/:messageId/retry: {answer}",
    )


ELSEWHERE = (
    "send every request to the base_url that it is given; if it remembers messages (a store, a "
    "breaker), that may be why: the ids are the same in every run"
)
REFUSES_201 = replace(RAISED, error="RuntimeError: failed with status 201")
KEY_ERROR = replace(RAISED, error="KeyError: 'latestStatus'")
TYPE_ERROR = Answer(
    Kind.REFUSED, error="TypeError: __init__() got an unexpected keyword argument 'creatorId'"
)


@pytest.mark.parametrize(
    ("call", "answer", "requests", "reads_old", "advice"),
    [
        (MUST, RAISED, ["retry"], True, "let the code pass over fields"),
        (MUST, REFUSES_201, ["retry"], False, "take the status 201 for a success"),
        (MUST, REFUSES_201, ["retry"], True, "take the status 201 for a success"),
        (MUST, KEY_ERROR, ["retry"], True, "let the code pass over fields"),
        (MUST, REFUSES_201, ["retry", "list"], False, "ask Retrieve what became of it"),
        (MUST, TYPE_ERROR, ["retry"], False, "Python: let the function take **others"),
        (MUST, RAISED, [], True, ELSEWHERE),
        (MUST, RETURNED, [], True, ELSEWHERE),
        (MUST, HUNG, [], True, "send every request to the base_url that it is given; if it takes"),
        (STALLS, HUNG, ["retry"], True, "give the request a timeout"),
        (REFUSED, HUNG, ["retry"] * 2, True, "bound the attempts"),
        (MUST, RAISED, ["retrieve"], True, "POST to /campaigns/:campaignId/messages/:messageId/r"),
        (REFUSED, RAISED, [], True, ELSEWHERE),
        (REFUSED, RETURNED, [], True, ELSEWHERE),
        (REFUSED, RETURNED, ["another-retrieve"], True, "POST to /campaigns/:campaignId/messages"),
        (REFUSED, RETURNED, ["retry"], True, "raise on any status but 201"),
        (replace(MUST, key="wrong"), RAISED, ["retry"], False, "send the api_key that it is given"),
        (replace(MUST, key="wrong"), RETURNED, ["retrieve"], False, "send the api_key that it is"),
    ],
)
def test_the_advice_is_for_what_went_wrong(
    call: Call, answer: Answer, requests: list[str], reads_old: bool, advice: str
) -> None:
    found = judged(call, answer, *requests, reads_old=reads_old)
    assert finding(found).advice.startswith(advice)


@pytest.mark.parametrize("answer", [RAISED, KEY_ERROR])
def test_no_advice_is_better_than_a_wrong_one(answer: Answer) -> None:
    found = judged(MUST, answer, "retry", reads_old=False)
    assert (found.result, finding(found).advice) == (Result.BREAKS, "")


def test_a_client_that_reads_either_reply_keeps_something_of_the_calls_before() -> None:
    made = Made(MUST, visited(MUST, "retry"), KEY_ERROR, leaked=False)
    found = judged_together([made], Known((True,), reads_old=True, reads_new=True))
    assert finding(found).advice.startswith("look at what it keeps of the calls before")


def test_what_is_read_is_known_by_the_calls_that_succeed() -> None:
    calls = [
        Made(replace(MUST, contract=name), visited(MUST, "retry"), RETURNED, leaked=False)
        for name in ("before-2025-02-24", AUTO, "after-2025-02-24")
    ]
    for some, reads_new in ((calls[:2], False), (calls, True)):
        assert known(calls[0], some) == Known((True,) * len(some), True, reads_new)
