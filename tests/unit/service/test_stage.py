"""The service that a call of a client meets, and the record of what it was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.http import Pace, Request, Response
from retry_contract.service.model import Refusal, Settings
from retry_contract.service.stage import (
    MOST_RETRIES,
    UNKNOWN,
    Call,
    Record,
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


# What a visit says of its requests

RETRY = Request("POST", "/api/v2/campaigns/c_1/messages/m_1/retry")
RETRIEVE = Request("GET", "/api/v2/campaigns/c_1/messages/m_1")
PACES: tuple[Pace, Pace] = ("at once", "stall")
ACCEPTED = Response(201, b'{"id": "m_1"}')


def visit_of(*seen: Request | Record) -> Visit:
    records = [s if isinstance(s, Record) else Record(s, Response(200, b"{}")) for s in seen]
    return Visit("key_1", "c_1", "m_1", records, scrub=lambda text: text.replace("pin", "[masked]"))


@pytest.mark.parametrize(
    ("status", "pace", "outcome"),
    [
        (201, "at once", "201"),
        (400, "at once", "400"),
        (201, "drip", "201 (a byte at a time)"),
        (201, "stall", "201 (headers, then nothing)"),
        (201, "silent", "no response, though accepted"),
        (201, "reset", "connection reset, though accepted"),
        (503, "silent", "no response"),
        (503, "reset", "connection reset"),
        (503, "stall", "503 (headers, then nothing)"),
    ],
)
def test_outcome_of_a_request_says_how_the_response_arrived(
    status: int, pace: Pace, outcome: str
) -> None:
    assert Record(RETRY, Response(status, pace=pace)).outcome() == outcome


@pytest.mark.parametrize(
    ("pace", "waits"),
    [("at once", False), ("reset", False), ("silent", True), ("stall", True), ("drip", True)],
)
def test_client_waits_for_a_response_that_does_not_arrive_whole(pace: Pace, waits: bool) -> None:
    last = Record(RETRY, Response(201, pace=pace))
    assert visit_of(RETRIEVE, last).waits() is waits
    assert visit_of(last, RETRIEVE).waits() is False


def test_client_that_asked_for_nothing_waits_for_nothing() -> None:
    visit = visit_of()
    assert (visit.waits(), visit.is_accepted(), visit.is_endless()) == (False, False, False)
    assert (visit.retries(), visit.retrieves(), visit.lines()) == ([], [], ())
    assert (visit.change(), visit.payload()) == (None, None)


def test_retrieves_are_those_of_this_message_after_the_last_retry() -> None:
    other = Request("GET", "/api/v2/campaigns/c_1/messages/m_2")
    assert len(visit_of(RETRIEVE, RETRIEVE, other).retrieves()) == 2
    assert len(visit_of(RETRIEVE, RETRY, RETRIEVE, RETRY, RETRIEVE, other).retrieves()) == 1
    assert visit_of(RETRIEVE, RETRY).retrieves() == []


def test_retries_are_those_of_this_message_by_post() -> None:
    put, other = replace(RETRY, method="PUT"), replace(RETRY, path=RETRY.path.replace("m_1", "m_2"))
    visit = visit_of(put, other, Record(RETRY, ACCEPTED))
    assert visit.retries() == visit.seen[2:]
    assert visit.is_accepted()
    assert not visit_of(Record(other, ACCEPTED), RETRY).is_accepted()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/campaigns/c_1/messages", "made a Single Send"),
        ("/campaigns/c_1/messages/", "made a Single Send"),
        ("/campaigns/c_1/batch/messages", "sent or retried a batch"),
        ("/campaigns/c_1/messages/m_2/retry", "asked for the retry of another message"),
        ("/campaigns/c_2/messages/m_1/retry", "asked for the retry of another message"),
        ("/campaigns/c_1/messages/m_1/retry", None),
        ("/campaigns/c_1/messages/m_1", None),
        ("/x/campaigns/c_1/messages", None),
    ],
)
def test_what_else_was_changed_is_named_with_its_request(path: str, what: str | None) -> None:
    path = "/api/v2" + path
    found = visit_of(RETRY, RETRIEVE, Request("POST", path)).change()
    assert found == (what and (what, visit_of().show(Request("POST", path))))
    assert visit_of(RETRY, Request("GET", path)).change() is None


@pytest.mark.parametrize(
    ("body", "payload"),
    [(b'{"id": "m_1"}', {"id": "m_1"}), (b"[]", None), (b"{", None), (b"", None)],
)
def test_payload_is_that_of_the_latest_retry(body: bytes, payload: object) -> None:
    first, last = (Record(RETRY, Response(201, b)) for b in (b'{"id": "m_0"}', body))
    assert visit_of(first, last, RETRIEVE).payload() == payload


def test_what_counts_is_the_last_of_many_requests() -> None:
    whole, stalled = (Record(RETRY, Response(201, b'{"id": 1}', pace=p)) for p in PACES)
    last = Record(RETRY, Response(201, b'{"id": 2}'))
    assert visit_of(whole, stalled, last).payload() == {"id": 2}
    assert visit_of(whole, stalled, last).waits() is False
    assert visit_of(whole, last, stalled).waits() is True


def test_lines_have_names_in_place_of_ids_and_hold_no_secret() -> None:
    lines = visit_of(
        Request("PUT", "/pin/key_1"), Record(RETRY, ACCEPTED), RETRIEVE, RETRIEVE
    ).lines()
    place = "/api/v2/campaigns/:campaignId/messages/:messageId"
    assert lines == (
        "PUT /[masked]/:apiKey: 200",
        f"POST {place}/retry: 201",
        f"GET {place}: 200, 2 times",
    )


@pytest.mark.parametrize(("retries", "endless"), [(MOST_RETRIES - 1, False), (MOST_RETRIES, True)])
def test_client_is_endless_from_the_twentieth_retry_on(retries: int, endless: bool) -> None:
    assert MOST_RETRIES == 20
    assert visit_of(*[RETRY] * retries, *[RETRIEVE] * 5).is_endless() is endless


def test_key_is_in_no_repr() -> None:
    assert "key_1" not in repr(visit_of())


# The stage


def test_before_a_call_nothing_is_served() -> None:
    assert Stage(catalogue()).handle(RETRY).status == 503


def test_endless_client_waits_for_a_body_that_never_comes() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(CALL)
    responses = [retry(stage, visit) for _ in range(MOST_RETRIES + 1)]
    assert (responses[-1].pace, responses[-1].body) == ("stall", b" ")
    assert len(visit.seen) == MOST_RETRIES


def test_end_of_one_call_is_not_that_of_the_next() -> None:
    stage, ended = Stage(catalogue()), list[int]()
    stage.begin(CALL)
    stage.end_by(lambda: ended.append(1))
    visit = stage.begin(CALL)
    for _ in range(MOST_RETRIES + 1):
        retry(stage, visit)
    assert ended == []


def test_delivery_takes_a_request_for_each_status() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(CALL)
    retry(stage, visit)
    statuses = [retrieve(stage, visit).json()["latestStatus"] for _ in range(3)]
    assert statuses == ["sent", "success", "success"]


def test_each_call_begins_at_the_same_instant_with_another_message() -> None:
    stage = Stage(catalogue())
    visits, bodies = [], []
    for _ in range(3):
        visit = stage.begin(CALL)
        visits.append(visit.message)
        bodies.append(visit.mask(retry(stage, visit).body.decode()))
    assert len(set(bodies)) == 1
    assert len(set(visits)) == 3
    assert Stage(catalogue(), 1).begin(CALL).message == visits[1]


def test_what_is_kept_of_a_request_is_bounded() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(CALL)
    stage.handle(Request("POST", "/" + "x" * 2_000, {"authorization": "Bearer x"}, b"body"))
    kept = visit.seen[0].request
    assert (len(kept.path), kept.headers, kept.body) == (1_000, {}, b"")


def test_refusal_once_is_of_the_first_retry_and_of_nothing_else() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(replace(CALL, wrap=refuse(BUSY, once=True)))
    assert retrieve(stage, visit).status == 200
    assert retry(stage, visit).json()["error"]["code"] == "too_many_requests"
    assert retrieve(stage, visit).status == 200
    stage.begin(replace(CALL, wrap=refuse(BUSY)))
    assert retrieve(stage, visit).status == 429


def test_one_response_is_that_of_each_retry_and_of_nothing_else() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(replace(CALL, wrap=answer_by(Response(500, b"no"))))
    assert [retry(stage, visit).body for _ in range(2)] == [b"no", b"no"]
    assert retrieve(stage, visit).status == 200


def test_unknown_message_has_an_id_like_any_other() -> None:
    assert Stage(catalogue()).begin(replace(CALL, state=UNKNOWN)).message.startswith("message_")


def test_visit_masks_by_the_change_of_text_that_the_stage_was_given() -> None:
    stage = Stage(catalogue(), scrub=str.upper)
    assert stage.begin(CALL).mask("pin") == "PIN"


def test_call_has_its_contract_and_its_envelope() -> None:
    stage = Stage(catalogue())
    visit = stage.begin(replace(CALL, contract="before-2025-02-24"))
    assert "creatorId" not in retry(stage, visit).json()
    visit = stage.begin(replace(CALL, state="sent", settings=Settings(errors="flat")))
    assert retry(stage, visit).json()["statusCode"] == 400
