"""The documented service as a pure model: no socket, no clock of its own, no sleep."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retry_contract.contract.catalogue import Contract, Kind, catalogue
from retry_contract.contract.validator import error_response_problem, validate
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Service, Settings, simulator_number
from retry_contract.service.records import RETRYABLE_BATCHES, SIMULATOR, Campaign, Message
from retry_contract.service.seeds import SPENT, STATUSES, seed

CONTRACTS = catalogue()
BEFORE, AFTER = CONTRACTS.values()
ALIASES = ("before", "after")
CUTOVER = datetime(2025, 2, 23, 16, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
TOO_MANY = "too_many_message_attempts_error"
ORDINARY = "6591234567"
SEND = {"recipient": simulator_number(), "language": "english", "values": {"name": "Tan"}}


class World:
    """A service with two campaigns and a clock that only the test moves."""

    def __init__(
        self,
        alias: str = "after",
        *,
        in_force: Callable[[datetime], Contract] | None = None,
        now: datetime = datetime(2024, 5, 16, 8, tzinfo=UTC),
        **options: Any,
    ) -> None:
        numbers = itertools.count(1)
        self.now = now
        self.service = Service(
            clock=lambda: self.now,
            new_id=lambda kind: f"{kind}_{next(numbers)}",
            in_force=in_force or (lambda _: CONTRACTS[alias]),
            settings=Settings(**options),
        )
        self.own: Campaign = self.service.add_campaign()
        self.other: Campaign = self.service.add_campaign()

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        authorization: str | None = "own",
    ) -> Response:
        headers = {}
        if authorization is not None:
            headers["authorization"] = (
                f"Bearer {self.own.key}" if authorization == "own" else authorization
            )
        return self.service.handle(Request(method, f"/api/v2/{path}", headers, body))

    def send(self, wanted: object = SEND) -> Response:
        return self.ask("POST", f"campaigns/{self.own.id}/messages", json.dumps(wanted).encode())

    def retry(self, message: str) -> Response:
        return self.ask("POST", f"campaigns/{self.own.id}/messages/{message}/retry")

    def retrieve(self, message: str) -> Response:
        return self.ask("GET", f"campaigns/{self.own.id}/messages/{message}")

    def seed(self, state: str) -> Message:
        return seed(self.service, self.own, state)


def _code(response: Response) -> str:
    code: str = response.json()["error"]["code"]
    return code


# Single Send


def test_single_send_makes_a_created_message_with_one_timestamp() -> None:
    world = World()
    response = world.send()
    payload = response.json()
    assert response.status == 201
    assert payload["latestStatus"] == "created"
    assert payload["createdAt"] == payload["updatedAt"] == "2024-05-16T16:00:00.000+08:00"
    assert payload["recipient"] == SEND["recipient"]
    assert payload["values"] == SEND["values"]
    assert payload["campaignId"] == world.own.id
    assert "Tan" in payload["fullMessage"]


FAULTY_MEMBERS: tuple[dict[str, object], ...] = (
    {"recipient": None},
    {"recipient": 6522222222},
    {"recipient": "+6522222222"},
    {"recipient": "0622222222"},
    {"recipient": "652222"},
    {"recipient": "6" * 16},
    {"recipient": "6522222222\n"},
    {"recipient": "\uff16" * 10},
    {"language": "klingon"},
    {"language": None},
    {"values": None},
    {"values": []},
    {"values": "name"},
    {"values": {"name": ""}},
    {"values": {"name": 7}},
    {"values": {"name": None}},
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff",
        pytest.param(b"[" * 100_000, id="nested deep"),
        *(json.dumps({**SEND, **change}).encode() for change in FAULTY_MEMBERS),
        *(
            json.dumps({k: v for k, v in SEND.items() if k != name}).encode()
            for name in ("recipient", "language", "values")
        ),
    ],
)
def test_faulty_single_send_is_refused_and_makes_no_message(body: bytes) -> None:
    world = World()
    response = world.ask("POST", f"campaigns/{world.own.id}/messages", body)
    assert (response.status, _code(response)) == (400, "parameter_invalid")
    assert not world.service.messages


@pytest.mark.parametrize("recipient", ["6522222", "6" * 15])
def test_shortest_and_longest_phone_number_is_accepted(recipient: str) -> None:
    assert World().send({**SEND, "recipient": recipient}).status == 201


# Retrieve, and the course of a message


def test_unknown_message_is_not_found_by_retrieve() -> None:
    response = World().retrieve("message_0")
    assert (response.status, _code(response)) == (404, "message_not_found")


def test_message_of_another_campaign_is_as_good_as_unknown() -> None:
    world = World()
    message = seed(world.service, world.other, "failure")
    assert world.retrieve(message.id).status == 404
    response = world.retry(message.id)
    assert (response.status, _code(response)) == (400, UNRETRYABLE)
    assert message.status == "failure"


@pytest.mark.parametrize(("number", "error"), SIMULATOR.items())
def test_simulator_number_leads_to_its_failure(number: str, error: tuple[str, str]) -> None:
    world = World()
    message = world.send({**SEND, "recipient": number}).json()["id"]
    world.pass_(1)
    payload = world.retrieve(message).json()
    assert payload["latestStatus"] == "failure"
    (attempt,) = payload["attempts"]
    assert attempt["error"] == dict(zip(("type", "code"), error, strict=True))
    assert simulator_number(error[1]) == number


def test_message_to_another_number_arrives() -> None:
    world = World()
    message = world.send({**SEND, "recipient": ORDINARY}).json()["id"]
    world.pass_(1)
    payload = world.retrieve(message).json()
    assert payload["latestStatus"] == "success"
    assert "error" not in payload["attempts"][0]
    assert world.retry(message).status == 400


def test_message_passes_through_the_documented_statuses() -> None:
    world = World(delivery=timedelta(seconds=4))
    message = world.send().json()["id"]
    seen = []
    for _ in range(5):
        payload = world.retrieve(message).json()
        seen.append((payload["latestStatus"], payload["updatedAt"][17:19]))
        world.pass_(1)
    assert seen == [
        ("created", "00"),
        ("enqueued", "01"),
        ("sending", "02"),
        ("sent", "03"),
        ("failure", "04"),
    ]


def test_message_fails_at_the_end_of_its_delivery_and_not_a_millisecond_before() -> None:
    world = World()
    message = world.send().json()["id"]
    world.now += timedelta(seconds=1) - MILLISECOND
    assert world.retry(message).status == 400
    world.now += MILLISECOND
    assert world.retry(message).status == 201


# Retry


def test_retry_keeps_the_message_and_sets_it_back_to_created() -> None:
    world = World()
    sent = world.send().json()
    world.pass_(9)
    response = world.retry(sent["id"])
    payload = response.json()
    assert response.status == 201
    assert payload == {
        **{name: sent[name] for name in payload},
        "updatedAt": "2024-05-16T16:00:09.000+08:00",
        "latestStatus": "created",
    }
    assert world.retrieve(sent["id"]).json()["latestStatus"] == "created"


def test_attempts_are_shown_newest_first() -> None:
    world = World()
    message = world.send().json()["id"]
    world.pass_(2)
    world.retry(message)
    attempts = world.retrieve(message).json()["attempts"]
    assert [a["status"] for a in attempts] == ["created", "failure"]
    assert attempts[0]["createdAt"] > attempts[1]["createdAt"]


def test_unknown_message_is_not_retried() -> None:
    response = World().retry("message_0")
    assert (response.status, _code(response)) == (400, UNRETRYABLE)


@pytest.mark.parametrize("state", [s for s in STATUSES if s != "failure"])
def test_only_a_failed_message_is_retried(state: str) -> None:
    world = World()
    message = world.seed(state)
    shown = world.retrieve(message.id)
    response = world.retry(message.id)
    assert (response.status, _code(response)) == (400, UNRETRYABLE)
    assert world.retrieve(message.id) == shown


def test_second_retry_is_refused_while_the_first_is_on_its_way() -> None:
    world = World()
    message = world.seed("failure")
    assert world.retry(message.id).status == 201
    response = world.retry(message.id)
    assert (response.status, _code(response)) == (400, UNRETRYABLE)


@pytest.mark.parametrize(("cap", "retries"), [("attempts", 2), ("retries", 3)])
def test_attempts_are_capped_by_either_reading(
    cap: Literal["attempts", "retries"], retries: int
) -> None:
    world = World(cap=cap)
    message = world.send().json()["id"]
    for _ in range(retries):
        world.pass_(1)
        assert world.retry(message).status == 201
    world.pass_(1)
    response = world.retry(message)
    assert (response.status, _code(response)) == (400, TOO_MANY)
    assert world.retrieve(message).json()["latestStatus"] == "failure"


@pytest.mark.parametrize("status", RETRYABLE_BATCHES)
def test_message_of_a_permitted_batch_is_retried(status: str) -> None:
    world = World()
    message = world.seed(f"batch:{status}")
    assert message.batch is not None
    shown = world.retrieve(message.id).json()["batches"]
    assert shown == [{"id": message.batch.id, "status": status}]
    assert world.retry(message.id).status == 201


@settings(max_examples=60)
@given(status=st.text(max_size=40).filter(lambda s: s not in RETRYABLE_BATCHES))
def test_message_of_a_batch_in_any_other_status_is_refused(status: str) -> None:
    world = World()
    message = world.seed(f"batch:{status}")
    response = world.retry(message.id)
    assert (response.status, _code(response)) == (400, UNRETRYABLE)
    assert message.status == "failure"


# Keys, paths and methods


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer key_test_0", "Basic {key}", "{key}", "Bearer {key} "],
)
@pytest.mark.parametrize("errors", ["nested", "flat"])
def test_bad_key_is_401_and_flat_in_either_envelope(authorization: str | None, errors: str) -> None:
    world = World(errors=errors)
    message = world.seed("failure")
    path = f"campaigns/{world.own.id}/messages/{message.id}/retry"
    given = None if authorization is None else authorization.format(key=world.own.key)
    response = world.ask("POST", path, authorization=given)
    assert response.status == 401
    assert response.json() == {"message": "Unauthorized", "statusCode": 401}
    assert message.status == "failure"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_of_the_key_is_case_insensitive(scheme: str) -> None:
    world = World()
    message = world.seed("failure")
    path = f"campaigns/{world.own.id}/messages/{message.id}"
    response = world.ask("GET", path, authorization=f"{scheme} {world.own.key}")
    assert response.status == 200


@pytest.mark.parametrize("campaign", ["other", "unknown"])
def test_key_of_another_campaign_is_403(campaign: str) -> None:
    world = World()
    id_ = world.other.id if campaign == "other" else "campaign_0"
    message = seed(world.service, world.other, "failure")
    response = world.ask("POST", f"campaigns/{id_}/messages/{message.id}/retry")
    assert (response.status, _code(response)) == (403, "forbidden")
    assert message.status == "failure"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "campaigns",
        "campaigns/campaign_1",
        "campaigns/campaign_1/messages/",
        "campaigns//messages",
        "campaigns/campaign_1/messages/m/retry/",
        "campaigns/campaign_1/messages/m/retries",
        "campaigns/campaign_1/batch/messages",
    ],
)
def test_unknown_path_is_404(path: str) -> None:
    response = World().ask("POST", path)
    assert (response.status, _code(response)) == (404, "not_found")


@pytest.mark.parametrize(
    ("rest", "allowed"), [("", "POST"), ("/message_1", "GET"), ("/message_1/retry", "POST")]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_other_method_is_405_and_names_the_allowed_one(
    rest: str, allowed: str, method: str
) -> None:
    world = World()
    response = world.ask(method, f"campaigns/{world.own.id}/messages{rest}")
    assert (response.status == 405) is (method != allowed)
    assert response.headers.get("allow") == (None if method == allowed else allowed)


# Rate


def test_requests_above_the_rate_are_429_until_the_second_has_passed() -> None:
    world = World(rate=2)
    message = world.seed("failure")
    assert world.retrieve(message.id).status == 200
    world.pass_(0.5)
    assert world.retrieve(message.id).status == 200
    response = world.retry(message.id)
    assert (response.status, _code(response)) == (429, "too_many_requests")
    assert message.status == "failure"
    world.now += timedelta(seconds=0.5) - MILLISECOND
    assert world.retrieve(message.id).status == 429
    world.now += MILLISECOND
    assert world.retry(message.id).status == 201
    assert world.retrieve(message.id).status == 429


def test_rate_counts_from_now_where_the_clock_was_moved_back() -> None:
    world = World(rate=1)
    message = world.seed("failure")
    assert world.retrieve(message.id).status == 200
    world.now -= timedelta(days=2)
    assert world.retrieve(message.id).status == 200
    assert world.retrieve(message.id).status == 429


def test_rate_is_counted_for_each_campaign() -> None:
    world = World(rate=1)
    own, other = world.seed("failure"), seed(world.service, world.other, "failure")
    path = f"campaigns/{world.other.id}/messages/{other.id}"
    assert world.retrieve(own.id).status == 200
    assert world.ask("GET", path, authorization=f"Bearer {world.other.key}").status == 200
    assert world.retrieve(own.id).status == 429


def test_without_a_rate_nothing_is_429() -> None:
    world = World()
    message = world.seed("failure")
    assert {world.retrieve(message.id).status for _ in range(50)} == {200}


# The cutover


def _across() -> World:
    timeline = CONTRACTS.timeline
    return World(
        in_force=lambda now: CONTRACTS.of(timeline.at(now)), now=CUTOVER - timedelta(seconds=5)
    )


@pytest.mark.parametrize("kind", ["retry", "single-send", "retrieve"])
@pytest.mark.parametrize(
    ("instant", "creator"),
    [(CUTOVER - MILLISECOND, False), (CUTOVER, True), (CUTOVER + MILLISECOND, True)],
)
def test_cutover_changes_every_response_from_its_instant_on(
    kind: Kind, instant: datetime, creator: bool
) -> None:
    world = _across()
    message = world.seed("failure")
    world.now = instant
    ask: dict[Kind, Callable[[], Response]] = {
        "retry": lambda: world.retry(message.id),
        "single-send": world.send,
        "retrieve": lambda: world.retrieve(message.id),
    }
    response = ask[kind]()
    assert response.status < 300
    assert ("creatorId" in response.json()) is creator
    assert not validate(response.json(), AFTER if creator else BEFORE, kind).violations


def test_message_made_before_the_cutover_and_retried_after_it_gains_its_creator() -> None:
    world = _across()
    sent = world.send().json()
    assert "creatorId" not in sent
    world.now = CUTOVER
    payload = world.retry(sent["id"]).json()
    assert payload["creatorId"] == world.own.creator
    assert payload["createdAt"] == sent["createdAt"] == "2025-02-23T23:59:55.000+08:00"
    assert payload["updatedAt"] == "2025-02-24T00:00:00.000+08:00"


# Every response is one of the contract


def _successes(world: World) -> dict[Kind, Response]:
    message = world.seed("failure")
    return {
        "retrieve": world.retrieve(message.id),
        "retry": world.retry(message.id),
        "single-send": world.send(),
    }


@pytest.mark.parametrize("alias", ALIASES)
def test_responses_hold_exactly_the_fields_of_the_contract(alias: str) -> None:
    contract = CONTRACTS[alias]
    for kind, response in _successes(World(alias)).items():
        assert tuple(response.json()) == contract.fields(kind)
        validation = validate(response.json(), contract, kind)
        assert (validation.violations, validation.drift) == ((), ())
        assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("state", [*STATUSES, SPENT, *(f"batch:{s}" for s in RETRYABLE_BATCHES)])
def test_seeded_message_is_in_its_state_and_stays_there(alias: str, state: str) -> None:
    world = World(alias)
    message = world.seed(state)
    world.pass_(60)
    response = world.retrieve(message.id)
    payload = response.json()
    assert not validate(payload, CONTRACTS[alias], "retrieve").violations
    assert payload["latestStatus"] == (state if state in STATUSES else "failure")
    assert payload["createdAt"] < payload["updatedAt"] < "2024-05-16T16:00"
    assert len(payload["attempts"]) == (3 if state == SPENT else 1)
    retried = world.retry(message.id)
    if state == SPENT:
        assert (retried.status, _code(retried)) == (400, TOO_MANY)
    else:
        assert (retried.status == 201) is (payload["latestStatus"] == "failure")


def test_spent_message_has_one_attempt_more_where_retries_are_capped() -> None:
    world = World(cap="retries")
    message = world.seed(SPENT)
    assert len(world.retrieve(message.id).json()["attempts"]) == 4
    assert _code(world.retry(message.id)) == TOO_MANY


@pytest.mark.parametrize("state", ["", "failed", "FAILURE", "spent", "batch"])
def test_unknown_state_is_a_value_error(state: str) -> None:
    world = World()
    with pytest.raises(ValueError, match="no such state"):
        world.seed(state)
    assert not world.service.messages


@pytest.mark.parametrize("errors", ["nested", "flat"])
@pytest.mark.parametrize("alias", ALIASES)
def test_every_refusal_is_a_documented_envelope(alias: str, errors: str) -> None:
    world = World(alias, errors=errors, rate=8)
    own = f"campaigns/{world.own.id}/messages"
    responses = [
        world.send({}),
        world.retry("message_0"),
        world.retrieve("message_0"),
        world.ask("POST", f"{own}/message_0/retry", authorization=None),
        world.ask("POST", f"campaigns/{world.other.id}/messages/message_0/retry"),
        world.ask("DELETE", own),
        world.ask("GET", "elsewhere"),
        world.retry(world.seed(SPENT).id),
        *(world.retrieve("message_0") for _ in range(5)),
    ]
    assert {r.status for r in responses} == {400, 401, 403, 404, 405, 429}
    for response in responses:
        assert error_response_problem(response.json(), CONTRACTS[alias]) is None
        nested = errors == "nested" and response.status != 401
        assert ("error" in response.json()) is nested
        assert response.json().get("statusCode") == (None if nested else response.status)
        assert response.headers["content-type"].startswith("application/json")


def test_trace_id_differs_from_refusal_to_refusal() -> None:
    world = World()
    traces = {world.retry("message_0").json()["error"]["id"] for _ in range(3)}
    assert len(traces) == 3


def test_keys_stay_out_of_reprs() -> None:
    world = World()
    request = Request("GET", "/", {"authorization": f"Bearer {world.own.key}"})
    assert world.own.key not in repr(world.own) + repr(request)


def test_service_and_campaign_do_not_show_a_key() -> None:
    service = World().service
    campaign = service.add_campaign()
    assert campaign.key not in repr(campaign) + repr(service)
