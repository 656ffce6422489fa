"""What one call says about a client, by what the service saw of it and what it answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.trying import PAIR

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.calls import Scenario, scenarios
from retry_contract.consumer.made import Made, paired, tried
from retry_contract.consumer.readiness import Result
from retry_contract.consumer.stage import MOST_RETRIES, UNKNOWN, Call, Stage, Visit
from retry_contract.contract.catalogue import catalogue
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Request

AT = datetime(2025, 3, 1, tzinfo=UTC)
CALL = Call("after-2025-02-24", AT)
RETURNED = Answer(Kind.READ, told=True, read=True)
RAISED = Answer(Kind.REFUSED, error="ValueError: 400")
HUNG = Answer(Kind.HUNG, error="no answer within 2 s")


def visited(call: Call, *requests: str) -> Visit:
    """Bring about a visit: the requests in turn, `retry`, `retrieve`, `send` or another path."""
    stage = Stage(catalogue())
    visit = stage.begin(call)
    campaign = f"/api/v2/campaigns/{visit.campaign}/messages"
    known = {
        "retry": ("POST", f"{campaign}/{visit.message}/retry"),
        "retrieve": ("GET", f"{campaign}/{visit.message}"),
        "send": ("POST", campaign),
    }
    for name in requests:
        method, path = known.get(name, ("POST", name))
        stage.handle(Request(method, path, {"authorization": f"Bearer {visit.key}"}))
    return visit


def judged(
    call: Call, answer: Answer, *requests: str, leaked: bool = False, accepted: Any = True
) -> Any:
    made = Made(call, visited(call, *requests), answer, leaked)
    known = [] if accepted is None else [accepted]
    return tried(Scenario("name", "after-2025-02-24", (call,)), [made], known, counts=True)


MUST = replace(CALL, must_succeed=True)
REFUSED = replace(CALL, state="sent")


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
        (MUST, RAISED, [], "it raised ValueError: 400"),
        (MUST, RETURNED, ["/api/v2/elsewhere"], "it returned, but no retry of the message was"),
        (MUST, RETURNED, [], "it returned, but no retry of the message was accepted"),
        (REFUSED, RETURNED, ["retry"], "it returned the same as after a retry that was accepted"),
        (replace(CALL, state=UNKNOWN), RETURNED, ["retry"], "it returned the same as after"),
        (replace(CALL, key="wrong"), RETURNED, ["retry"], "it returned the same as after"),
        (replace(CALL, key="foreign"), RETURNED, ["retry"], "it returned the same as after"),
        (REFUSED, RAISED, ["retry", "send"], "it made a Single Send: the person would get"),
        (REFUSED, RAISED, ["retry"] * MOST_RETRIES, "it asked for the retry 20 times, and went"),
        (REFUSED, HUNG, ["retry"] * 3, "no answer within 2 s; it had asked 3 times"),
        (CALL, HUNG, ["retry"], "no answer within 2 s"),
        (CALL, Answer(Kind.CRASHED, error="ended with exit status 7"), [], "ended with exit"),
    ],
)
def test_what_a_client_must_not_do(call: Call, answer: Answer, requests: Any, error: str) -> None:
    found = judged(call, answer, *requests)
    assert (found.result, found.failed) == (Result.BREAKS, 1)
    assert found.finding.error.startswith(error)
    assert found.finding.requests


def test_a_key_that_is_printed_is_told_first() -> None:
    found = judged(REFUSED, RETURNED, "retry", leaked=True)
    assert found.finding.error == "it printed the API key, or raised an error that holds it"


def test_a_retry_of_what_may_pass_is_not_called_endless_at_the_timeout() -> None:
    busy = next(s for s in scenarios(PAIR, catalogue().timeline) if s.name == "429 each time")
    found = judged(busy.calls[0], HUNG, "retry", "retry")
    assert found.result is Result.NOT_TESTED
    assert found.finding.error.endswith("it had asked 2 times, and may be about to stop")


def test_nothing_is_told_from_a_success_that_never_was() -> None:
    found = judged(REFUSED, RETURNED, "retry", accepted=None)
    assert found.result is Result.NOT_TESTED


def test_the_requests_are_told_without_ids_and_keys() -> None:
    visit = visited(REFUSED, "retry", "retry", "/else/where")
    assert visit.told() == [
        "POST /api/v2/campaigns/:campaignId/messages/:messageId/retry: 400, 2 times",
        "POST /else/where: 404",
    ]
    assert visit.key not in repr(visit)


def test_each_call_has_a_message_of_its_own_and_a_stray_request_is_not_its() -> None:
    stage = Stage(catalogue())
    first = stage.begin(MUST)
    second = stage.begin(MUST)
    assert first.message != second.message
    path = f"/api/v2/campaigns/{first.campaign}/messages/{first.message}/retry"
    stage.handle(Request("POST", path, {"authorization": f"Bearer {first.key}"}))
    assert not second.retries()


def test_each_situation_is_what_it_is_called() -> None:
    """The status that a single retry gets, in every call of every situation."""
    expected = {"before": 201, "after": 201, "through the cutover": 201, "429 once": 429}
    for scenario in scenarios(PAIR, catalogue().timeline):
        status = expected.get(scenario.name) or int(scenario.name.split()[0])
        visits = [visited(call, "retry") for call in scenario.calls]
        assert {visit.statuses()[0] for visit in visits} == {status}, scenario.name


def test_the_cutover_passes_between_the_calls_and_within_one() -> None:
    scenario = next(s for s in scenarios(PAIR, catalogue().timeline) if "cutover" in s.name)
    early, across, late = (visited(call, "retry").payload() or {} for call in scenario.calls)
    assert [("creatorId" in reply) for reply in (early, across, late)] == [False, False, True]
    waited = visited(scenario.calls[1], "retrieve", "retry").payload() or {}
    assert "creatorId" in waited


def test_a_retried_message_arrives() -> None:
    visit = visited(MUST, "retry", "retrieve", "retrieve")
    assert [seen.reply.json()["latestStatus"] for seen in visit.seen] == [
        *("created", "sent", "success")
    ]


def made(contract: str, read: Any) -> Made:
    call = replace(MUST, contract=contract)
    return Made(call, visited(call, "retry"), Answer(Kind.READ, told=True, read=read), leaked=False)


def test_paired_readings_may_differ_by_the_field_and_by_what_always_differs() -> None:
    old, new = "before-2025-02-24", "after-2025-02-24"
    creator = (made(new, None).visit.payload() or {})["creatorId"]
    before = made(old, {"id": "a", "took": 1, "headers": {"content-length": "9"}})
    reading = {"id": "a", "headers": {"content-length": "99"}, "creatorId": creator}
    after = [made(new, {**reading, "took": number}) for number in (2, 3)]
    assert paired(PAIR, before, after).result is Result.OK


def test_paired_readings_may_not_differ_in_another_field() -> None:
    old, new = "before-2025-02-24", "after-2025-02-24"
    reply = made(new, None).visit.payload() or {}
    before = made(old, None)
    before = replace(before, answer=replace(RETURNED, read={"id": before.visit.message}))
    after = [made(new, {"id": reply["creatorId"]}) for _ in range(2)]
    found = paired(PAIR, before, after)
    assert found.result is Result.DIFFERS
    assert found.finding is not None
    assert found.finding.differs == ("/id",)


def test_paired_readings_need_both() -> None:
    old, new = "before-2025-02-24", "after-2025-02-24"
    raised = replace(made(old, 1), answer=RAISED)
    found = paired(PAIR, raised, [made(new, 1)] * 2)
    assert (found.result, found.counts) == (Result.NOT_TESTED, False)
