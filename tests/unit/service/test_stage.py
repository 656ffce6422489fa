"""The service that a call of a client meets, and the record of what it was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Refusal
from retry_contract.service.stage import (
    MOST_RETRIES,
    UNKNOWN,
    Call,
    Stage,
    Visit,
    answer_by,
    refuse,
)

CALL = Call("after-2025-02-24", datetime(2025, 3, 1, tzinfo=UTC))
BUSY = Refusal(429, "too_many_requests", "Too many requests.")


def place(visit: Visit) -> str:
    return f"/api/v2/campaigns/{visit.campaign}/messages/{visit.message}"


def retry(stage: Stage, visit: Visit, suffix: str = "/retry") -> Response:
    headers = {"authorization": f"Bearer {visit.key}"}
    return stage.handle(Request("POST", place(visit) + suffix, headers))


def retrieve(stage: Stage, visit: Visit) -> Response:
    return stage.handle(Request("GET", place(visit), {"authorization": f"Bearer {visit.key}"}))


def test_a_retry_is_accepted_recorded_and_delivered() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(CALL)
    assert retry(stage, visit).status == 201
    statuses = [retrieve(stage, visit).json()["latestStatus"] for _ in range(3)]
    assert statuses[-1] == "success"
    assert visit.is_accepted()
    assert visit.lines() == (
        "POST /api/v2/campaigns/:campaignId/messages/:messageId/retry: 201",
        "GET /api/v2/campaigns/:campaignId/messages/:messageId: 200, 3 times",
    )


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (replace(CALL, state=UNKNOWN), 400),
        (replace(CALL, state="sent"), 400),
        (replace(CALL, key="wrong"), 401),
        (replace(CALL, key="foreign"), 403),
        (replace(CALL, wrap=refuse(BUSY)), 429),
        (replace(CALL, wrap=answer_by(Response(500))), 500),
    ],
)
def test_a_call_is_refused_as_it_says(call: Call, status: int) -> None:
    stage = Stage(catalogue())
    visit = stage.begin(call)
    assert retry(stage, visit).status == status
    assert not visit.is_accepted()
    assert visit.change() is None


def test_a_call_that_is_refused_once_is_accepted_then() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(replace(CALL, wrap=refuse(BUSY, once=True)))
    assert [retry(stage, visit).status for _ in range(2)] == [429, 201]


def test_the_same_requests_get_the_same_responses_but_for_the_message() -> None:
    one, other = Stage(catalogue()), Stage(catalogue(), 10)
    visits = [stage.begin(CALL) for stage in (one, other)]
    assert visits[0].message != visits[1].message
    bodies = [
        visit.mask(retry(stage, visit).body.decode())
        for stage, visit in zip((one, other), visits, strict=True)
    ]
    assert bodies[0] == bodies[1]


def test_an_endless_client_is_ended_once_and_gets_no_more() -> None:
    stage, ended = Stage(catalogue()), list[bool]()
    visit = stage.begin(replace(CALL, state=UNKNOWN))
    stage.end_by(lambda: ended.append(True))
    statuses = [retry(stage, visit).status for _ in range(MOST_RETRIES + 2)]
    assert statuses == [400] * MOST_RETRIES + [503, 503]
    assert ended == [True]


def test_what_is_kept_of_a_call_is_bounded() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(CALL)
    for _ in range(1_100):
        retrieve(stage, visit)
    assert len(visit.seen) == 1_000
    assert retry(stage, visit).status == 201
    assert visit.is_accepted()
