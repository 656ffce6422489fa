"""What a client meets, and whether it reads the same by either contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.trying import PAIR
from support.visits import MUST, RAISED, REFUSED, RETURNED, visited

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.calls import scenarios
from retry_contract.consumer.client.made import Made
from retry_contract.consumer.client.stage import MOST_REQUESTS, Stage
from retry_contract.consumer.client.verdicts import paired
from retry_contract.consumer.readiness import Result, Tried
from retry_contract.contract.catalogue import catalogue
from retry_contract.service.http import Request


def test_the_requests_are_told_without_ids_and_keys() -> None:
    visit = visited(REFUSED, "retry", "retry", "/else/where")
    assert visit.told() == [
        "POST /api/v2/campaigns/:campaignId/messages/:messageId/retry: 400, 2 times",
        "POST /else/where: 404",
    ]
    assert visit.key not in repr(visit)
    strayed = visited(REFUSED, f"/{visit.key}/where")
    assert strayed.told() == ["POST /:apiKey/where: 404"]


def test_each_call_has_a_message_of_its_own() -> None:
    """A client may remember which it has retried, by their ids."""
    every = [call for s in scenarios(PAIR, catalogue().timeline) for call in s.calls]
    stage = Stage(catalogue())
    messages = [stage.begin(call).message for call in every]
    assert len({*messages}) == len(every)


def test_each_call_has_a_message_of_its_own_and_a_stray_request_is_not_its() -> None:
    stage = Stage(catalogue())
    first = stage.begin(MUST)
    second = stage.begin(MUST)
    assert first.message != second.message
    path = f"/api/v2/campaigns/{first.campaign}/messages/{first.message}/retry"
    stage.handle(Request("POST", path, {"authorization": f"Bearer {first.key}"}))
    assert not second.retries()


def test_the_requests_of_a_call_are_bounded() -> None:
    visit = visited(MUST, *["retrieve"] * (MOST_REQUESTS + 5))
    assert len(visit.seen) == MOST_REQUESTS
    stage = Stage(catalogue())
    stage.begin(MUST)
    replies = [stage.handle(Request("GET", "/")) for _ in range(MOST_REQUESTS + 1)]
    assert [reply.pace for reply in replies[-2:]] == ["at once", "stall"]


def test_a_call_is_ended_as_soon_as_it_is_endless_and_once() -> None:
    stage, ended = Stage(catalogue()), list[int]()
    visit = stage.begin(MUST, lambda: ended.append(len(visit.seen)))
    for _ in range(MOST_REQUESTS + 5):
        stage.handle(Request("GET", "/"))
    assert ended == [MOST_REQUESTS]


def test_a_call_that_came_back_is_not_ended_any_more() -> None:
    stage, ended = Stage(catalogue()), list[None]()
    visit = stage.begin(MUST, lambda: ended.append(None))
    stage.leave()
    for _ in range(MOST_REQUESTS):
        stage.handle(Request("GET", "/"))
    assert visit.endless()
    assert not ended


def test_each_situation_is_what_it_is_called() -> None:
    """What a single retry is answered, in every call of every situation."""
    accepted = dict.fromkeys(("before", "after", "through the cutover"), "201")
    unanswered = {
        "connection closed": "connection reset",
        "no answer": "no answer",
        "201 stalls": "no answer, though accepted",
    }
    expected = {**accepted, **unanswered}
    for scenario in scenarios(PAIR, catalogue().timeline):
        answer = expected.get(scenario.name) or scenario.name.split()[0]
        visits = [visited(call, "retry") for call in scenario.calls]
        assert {visit.seen[0].answer for visit in visits} == {answer}, scenario.name


def test_a_retry_may_be_accepted_and_no_reply_arrive() -> None:
    found = {s.name: s.calls[0] for s in scenarios(PAIR, catalogue().timeline)}
    for name, accepted in (("no answer", False), ("201 stalls", True)):
        visit = visited(found[name], "retry", "retrieve")
        assert (visit.accepted(), visit.sent()) == (accepted, accepted)
        assert (visit.statuses(), visit.payload()) == ([], None)


def test_the_cutover_passes_between_the_calls_and_within_one() -> None:
    scenario = next(s for s in scenarios(PAIR, catalogue().timeline) if "cutover" in s.name)
    early, across, late = (visited(call, "retry").payload() or {} for call in scenario.calls)
    assert [("creatorId" in reply) for reply in (early, across, late)] == [False, False, True]
    waited = visited(scenario.calls[1], "retrieve", "retry").payload() or {}
    assert "creatorId" in waited


def test_the_cutover_counts_where_the_older_reply_is_served_or_read() -> None:
    """What nothing serves any more need not be read."""
    old, new = "before-2025-02-24", "after-2025-02-24"
    found = {s.name: s for s in scenarios(PAIR, catalogue().timeline)}
    cutover, after = found["through the cutover"], found["after"]
    assert not cutover.counts({new}, set())
    assert cutover.counts({new}, {old})
    assert cutover.counts({old, new}, set())
    assert after.counts({new}, set())


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
    before = replace(
        before, answer=Answer(Kind.READ, told=True, read={**before.reading, "at": "q"})
    )
    after = [made(new, {**reading, "took": n, "at": f"error {n}"}) for n in (2, 3)]
    assert paired(PAIR, before, after).result is Result.OK


def compared(one: Any, other: Any) -> Tried:
    """Judge what is returned by the older contract, and twice the same by the newer one."""
    after = [made("after-2025-02-24", other)] * 2
    return paired(PAIR, made("before-2025-02-24", one), after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (3, 5),
        ("0.25", "0.5"),
        ({"ok": True, "ms": 3}, {"ok": True, "ms": 0}),
        ("HTTP 201 in 0.0012s", "HTTP 201 in 0.01s"),
        ({"elapsed": "0:00:00.003000"}, {"elapsed": "0:00:00.004000"}),
        ({"at": "2025-03-01T00:00:00+08:00"}, {"at": "2025-03-01T00:00:01+08:00"}),
        (
            {"headers": {"date": "Fri, 28 Feb 2025 23:59:59 GMT"}},
            {"headers": {"date": "Sat, 01 Mar 2025 00:00:00 GMT"}},
        ),
    ],
)
def test_what_a_client_tells_of_its_own_may_differ_by_chance(one: Any, other: Any) -> None:
    found = compared(one, other)
    assert (found.result, found.remark) == (Result.OK, "")


@pytest.mark.parametrize(
    ("one", "other", "at"),
    [
        ({"ok": True, "form": "old"}, {"ok": True, "form": "new"}, " at /form"),
        ("done", "fine", ""),
    ],
)
def test_what_a_client_tells_of_its_own_is_a_remark(one: Any, other: Any, at: str) -> None:
    found = compared(one, other)
    assert found.result is Result.OK
    assert found.remark == f"what it tells{at} may depend on creatorId"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("created", None),
        (True, False),
        ({"ok": True}, {"ok": False}),
        ({"status": "created"}, {"status": "6511111111"}),
        ({"last": "latestStatus"}, {"last": 10}),
    ],
)
def test_what_is_lost_or_of_a_field_is_a_misreading(one: Any, other: Any) -> None:
    assert compared(one, other).result is Result.DIFFERS


def test_paired_readings_may_not_differ_in_another_field() -> None:
    old, new = "before-2025-02-24", "after-2025-02-24"
    reply = made(new, None).visit.payload() or {}
    before = made(old, None)
    before = replace(before, answer=replace(RETURNED, read={"id": before.visit.message}))
    after = [made(new, {"id": reply["creatorId"]}) for _ in range(2)]
    found = paired(PAIR, before, after)
    assert found.result is Result.DIFFERS
    assert found.finding is not None
    (place,) = found.finding.differs
    user = f'"{reply["creatorId"]}"'
    assert (place.pointer, place.expected, place.actual) == ("/id", '":messageId"', user)


def test_paired_readings_need_both() -> None:
    old, new = "before-2025-02-24", "after-2025-02-24"
    raised = replace(made(old, 1), answer=RAISED)
    found = paired(PAIR, raised, [made(new, 1)] * 2)
    assert (found.result, found.counts) == (Result.NOT_TESTED, False)
