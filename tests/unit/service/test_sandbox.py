"""The sandbox's controls, without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.controls import CONTROL, STATES, Sandbox, Start
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Settings

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
CUTOVER = datetime(2025, 2, 23, 16, tzinfo=UTC)


class Bench:
    """A sandbox, and the time of day that the test gives it."""

    def __init__(self, start: Start | None = None) -> None:
        self.time = NOON
        self.sandbox = Sandbox(catalogue(), start or Start(), lambda: self.time)

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Response:
        headers = {"authorization": f"Bearer {key or self.sandbox.own.key}"}
        content = b"" if body is None else json.dumps(body).encode()
        return self.sandbox.handle(Request(method, path, headers, content))

    def control(self, method: str, path: str, body: Any = None) -> Any:
        response = self.ask(method, CONTROL + path, body)
        assert response.status < 300, response.body
        return response.json()

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        response = self.ask(method, CONTROL + path, body)
        return response.status, response.json()["error"]

    def retry(self, message: str) -> Response:
        campaign = self.sandbox.own.id
        return self.ask("POST", f"/api/v2/campaigns/{campaign}/messages/{message}/retry")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def _accepted(bench: Bench) -> dict[str, Any]:
    (message,) = bench.control("POST", "/messages", {})["messages"]
    response = bench.retry(message)
    assert response.status == 201
    payload: dict[str, Any] = response.json()
    return payload


def test_it_has_a_message_in_each_state(bench: Bench) -> None:
    described = bench.control("GET", "")
    assert list(described["messages"]) == list(STATES)
    accepted = {s for s, m in described["messages"].items() if bench.retry(m).status == 201}
    assert accepted == {
        "failure",
        "batch:messages_enqueued",
        "batch:messages_enqueuing_failed",
        *("before-cutover", "other-creator", "special-values"),
    }
    assert described["foreign"]["campaign"] != described["campaign"]
    assert described["contract"] == "after-2025-02-24"


def test_description_has_what_a_client_needs(bench: Bench) -> None:
    described = bench.control("GET", "/")
    assert described == bench.control("GET", "")
    own, foreign = bench.sandbox.own, bench.sandbox.foreign
    assert (described["campaign"], described["key"]) == (own.id, own.key)
    assert described["foreign"]["key"] == foreign.key
    (message,) = described["foreign"]["messages"].values()
    assert bench.sandbox.service.messages[message].campaign == foreign.id
    assert (described["now"], described["faults"]) == ("2026-03-02T12:00:00+08:00", [])


def test_statuses_of_the_controls(bench: Bench) -> None:
    asked = {
        ("GET", "/"): 200,
        ("GET", "/requests"): 200,
        ("POST", "/messages"): 400,
        ("PUT", "/clock"): 400,
        ("PUT", "/contract"): 400,
        ("PUT", "/faults"): 400,
        ("POST", "/reset"): 200,
        ("GET", "/openapi.json"): 200,
    }
    before = bench.control("GET", "/")
    for (method, path), status in asked.items():
        assert bench.ask(method, CONTROL + path).status == status
    assert bench.control("GET", "/") == before
    assert bench.ask("POST", CONTROL + "/messages", {}).status == 201


def test_document_of_the_controls_is_what_they_do(bench: Bench) -> None:
    document = bench.control("GET", "/openapi.json")
    validate(document)
    assert document["components"]["schemas"]["State"]["enum"] == list(STATES)
    assert document["components"]["schemas"]["Fault"]["enum"] == list(FAULTS)
    _, said = bench.refused("GET", "/nothing")
    assert said.endswith(", ".join(CONTROL + path for path in document["paths"]))
    bodies: dict[str, Any] = {
        "/messages": {"state": "failure", "count": 2, "campaign": "own"},
        "/clock": {"forward": 60},
        "/contract": {"contract": "before"},
        "/faults": {"faults": ["id-changed"]},
    }
    bench.retry(bench.sandbox.messages["failure"])
    for path, operations in document["paths"].items():
        ((method, operation),) = operations.items()
        body = bodies.get(path)
        assert (body is None) is ("requestBody" not in operation)
        response = bench.ask(method.upper(), CONTROL + path, body)
        (status, success), *_ = operation["responses"].items()
        assert response.status == int(status)
        content = success["content"]["application/json"]["schema"]
        assert not _wrong(document, content, response.json())
        if body is not None:
            asked = operation["requestBody"]["content"]["application/json"]["schema"]
            assert not _wrong(document, asked, body)
            assert _wrong(document, asked, {**body, "more": 1})
            refusal = bench.ask(method.upper(), CONTROL + path, {**body, "more": 1})
            error = document["components"]["schemas"]["Error"]
            assert (refusal.status, _wrong(document, error, refusal.json())) == (400, [])


def _wrong(document: Any, schema: Any, payload: Any) -> list[str]:
    whole = {"components": document["components"], **schema}
    return [error.message for error in Draft202012Validator(whole).iter_errors(payload)]


@pytest.mark.parametrize("body", [b"null", b"[]", b'""', b"{", b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_is_refused(body: bytes, bench: Bench) -> None:
    form = 'the body is no JSON object: send one such as {"state": "failure", "count": 2}'
    for path, said in (("/messages", form), ("/reset", "this needs no body: leave it out")):
        response = bench.sandbox.handle(Request("POST", CONTROL + path, {}, body))
        assert (response.status, response.json()) == (
            400,
            {"error": said},
        )


@pytest.mark.parametrize("body", [{"at": "2000-01-01"}, {"at": "2099-12-31"}])
def test_clock_goes_from_the_first_to_the_last_year_that_it_says(
    body: dict[str, str], bench: Bench
) -> None:
    assert bench.control("PUT", "/clock", body)["now"].startswith(body["at"])
    status, said = bench.refused("PUT", "/clock", {"at": "2100-01-02"})
    assert (status, said.endswith("from 2000 to 2099")) == (400, True)


def test_settings_of_the_start_are_obeyed() -> None:
    bench = Bench(Start(settings=Settings(errors="flat", rate=1)))
    assert bench.retry("message_of_nobody").json().keys() == {"message", "statusCode"}
    assert bench.retry("message_of_nobody").status == 429


def test_more_messages_are_made_in_a_state(bench: Bench) -> None:
    made = bench.control("POST", "/messages", {"state": "attempts-spent", "count": 3})["messages"]
    assert len(set(made)) == 3
    assert {bench.retry(message).status for message in made} == {400}
    (foreign,) = bench.control("POST", "/messages", {"campaign": "foreign"})["messages"]
    assert bench.sandbox.service.messages[foreign].campaign == bench.sandbox.foreign.id


def test_clock_is_moved_and_goes_on(bench: Bench) -> None:
    moved = bench.control("PUT", "/clock", {"at": "2025-02-23T23:59:59+08:00"})
    assert (moved["now"], moved["contract"]) == ("2025-02-23T23:59:59+08:00", "before-2025-02-24")
    assert "creatorId" not in _accepted(bench)
    bench.time += timedelta(seconds=1)
    assert "creatorId" in _accepted(bench)
    assert bench.control("PUT", "/clock", {"forward": 60})["now"] == "2025-02-24T00:01:00+08:00"


def test_contract_is_switched(bench: Bench) -> None:
    for contract, has in (("before", False), ("after", True), ("before", False), ("auto", True)):
        bench.control("PUT", "/contract", {"contract": contract})
        assert ("creatorId" in _accepted(bench)) is has


def test_faults_are_switched_on_and_off(bench: Bench) -> None:
    wanted = ["id-changed", "answers-200", "cutover-late"]
    assert bench.control("PUT", "/faults", {"faults": wanted})["faults"] == wanted
    message = bench.sandbox.messages["failure"]
    response = bench.retry(message)
    assert (response.status, response.json()["id"] == message) == (200, False)
    bench.control("PUT", "/faults", {"faults": []})
    assert _accepted(bench)["id"] in bench.sandbox.service.messages


def test_fault_that_is_named_twice_is_one(bench: Bench) -> None:
    held = bench.control("PUT", "/faults", {"faults": ["id-changed", "id_changed", "id-changed"]})
    assert held["faults"] == ["id-changed"]


def test_head_is_answered_where_get_is(bench: Bench) -> None:
    for path in ("/", "/requests", "/openapi.json"):
        whole = bench.ask("GET", CONTROL + path)
        assert bench.ask("HEAD", CONTROL + path) == whole
    assert bench.ask("HEAD", CONTROL + "/reset").status == 405


def test_refusal_is_json_of_utf_8_whatever_was_asked(bench: Bench) -> None:
    half, long = "\ud800", "x" * 100_000
    for path, body in (
        ("/messages", {"state": half}),
        ("/messages", {half: 1}),
        ("/messages", {"state": long}),
        ("/faults", {"faults": [half]}),
        ("/faults", {"faults": [long]}),
        ("/contract", {"contract": long}),
        ("/messages", {long: 1}),
    ):
        method = "POST" if path == "/messages" else "PUT"
        response = bench.ask(method, CONTROL + path, body)
        assert (response.status, len(response.body) < 1_000) == (400, True)
        assert json.loads(response.body.decode("utf-8"))["error"]


def test_reset_goes_back_to_the_start() -> None:
    bench = Bench(Start("before", CUTOVER, ("id-changed",), Settings(errors="flat")))
    first = bench.control("GET", "")
    bench.control("PUT", "/faults", {"faults": []})
    bench.control("PUT", "/contract", {"contract": "after"})
    bench.control("PUT", "/clock", {"forward": 9})
    bench.retry(first["messages"]["failure"])
    bench.time += timedelta(hours=1)
    held = {name: first[name] for name in ("contract", "now", "faults")}
    assert bench.control("POST", "/reset") == held
    assert bench.control("GET", "/") == first
    assert bench.control("GET", "/requests") == {"requests": []}


def test_requests_are_listed_without_what_is_secret(bench: Bench) -> None:
    message = bench.sandbox.messages["failure"]
    bench.retry(message)
    bench.retry(message)
    bench.control("GET", "")
    listed = bench.control("GET", "/requests")["requests"]
    assert [(r["number"], r["method"], r["status"]) for r in listed] == [
        (1, "POST", 201),
        (2, "POST", 400),
    ]
    assert listed[0]["at"] == "2026-03-02T12:00:00+08:00"
    assert listed[0]["path"].endswith(f"{message}/retry")
    assert bench.sandbox.own.key not in json.dumps(listed)


def test_what_it_keeps_is_bounded() -> None:
    bench = Bench()
    first, service = list(bench.sandbox.service.messages), bench.sandbox.service
    vars(bench.sandbox)["_most_held"] = service.held + 30 * service.messages[first[0]].size
    made = bench.control("POST", "/messages", {"count": 40})["messages"]
    assert {*service.messages} == {*first, *made[-30:]}
    assert service.held == sum(message.size for message in service.messages.values())
    for _ in range(1200):
        bench.retry("message_of_nobody")
    listed = bench.control("GET", "/requests")["requests"]
    assert (len(listed), listed[-1]["number"]) == (1000, 1200)


NO_FAULT = "faults: x: no such fault; see: retry-contract sandbox --fault list"
REFUSED = {
    ("GET", "/nothing", ""): (404, "there is nothing here; there are /_sandbox/, /_sandbox/mess"),
    ("GET", "/requestsX", ""): (404, "there is nothing here; there are /_sandbox/, /_sandbox/mess"),
    ("DELETE", "/clock", ""): (405, "use PUT"),
    ("POST", "/messages", "[]"): (400, "the body is no JSON object: send one such as {"),
    ("POST", "/messages", "{"): (400, "the body is no JSON object: send one such as {"),
    ("POST", "/messages", '{"state": "lost"}'): (
        400,
        "lost: no such state; use one of failure,",
    ),
    ("POST", "/messages", '{"state": "failed"}'): (400, "failed: no such state; did you mean fail"),
    ("POST", "/messages", '{"count": 0}'): (400, "count must be a number from 1 to 10000"),
    ("POST", "/messages", '{"count": true}'): (400, "count must be a number from 1 to 10000"),
    ("POST", "/messages", '{"campaign": "x"}'): (400, "campaign must be own or foreign"),
    ("PUT", "/clock", '{"at": "2025-02-30"}'): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/clock", '{"at": 7}'): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/clock", '{"forward": 1e300}'): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/clock", '{"forward": NaN}'): (400, "give at, a date or an RFC 3339 instant"),
    ("POST", "/messages", '{"campaign": []}'): (400, "campaign must be own or foreign"),
    ("POST", "/messages", "[" * 100_000): (400, "the body is no JSON object: send one such as {"),
    ("PUT", "/clock", '{"forward": "x"}'): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/clock", '{"at": "1066-10-14"}'): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/contract", '{"contract": "x"}'): (
        400,
        "x: no such contract; use one of before,",
    ),
    ("PUT", "/contract", "{}"): (400, "(none): no such contract; use one of before, after, auto"),
    ("PUT", "/contract", '{"contract": "after-2025"}'): (400, "after-2025: no such contract; did"),
    ("PUT", "/faults", '{"faults": ["x"]}'): (400, NO_FAULT),
    ("PUT", "/faults", '{"faults": ["no-reply"]}'): (400, "faults: no-reply was renamed: use no-r"),
    ("PUT", "/faults", '{"faults": ["no-respons"]}'): (
        400,
        "faults: no-respons: no such fault;",
    ),
    ("PUT", "/faults", '{"faults": "x"}'): (400, "faults must be an array of names"),
    ("PUT", "/clock", '{"at": "2099-12-31T23:59:59-12:00"}'): (400, "give at, a date or an RFC"),
    ("PUT", "/clock", '{"at": "2000-01-01T00:00:00+12:00"}'): (400, "give at, a date or an RFC"),
    ("PUT", "/clock", '{"at": "9999-12-31T23:59:59-12:00"}'): (400, "give at, a date or an RFC"),
    ("POST", "/messages", '{"state": null}'): (400, "state must be a name"),
    ("POST", "/messages", '{"state": ""}'): (400, "state must be a name"),
    ("PUT", "/contract", '{"contract": 7}'): (400, "contract must be a name"),
    ("PUT", "/faults", '{"faults": [null]}'): (400, "faults must be an array of names"),
    ("PUT", "/faults", ""): (400, 'the body is missing: send one such as {"faults": ["no-resp'),
    ("PUT", "/faults", "faults=no-response"): (400, "the body is no JSON object: send one such as"),
    ("PUT", "/clock", "{}"): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/clock", '{"forward": true}'): (400, "give at, a date or an RFC 3339 instant"),
    ("PUT", "/clock", '{"at": "2025-02-24", "forward": 1}'): (400, "give at, a date or an RFC"),
    ("PUT", "/clock", '{"forwrd": 60}'): (400, "forwrd: no such member; did you mean forward?"),
    ("POST", "/messages", '{"cuont": 2}'): (400, "cuont: no such member; did you mean count?"),
    ("PUT", "/faults", '{"fault": ["id-changed"]}'): (400, "fault: no such member; did you mean"),
    ("POST", "/reset", '{"contract": "after"}'): (400, "this needs no body: leave it out"),
    ("GET", "/", '{"x": 1}'): (400, "this needs no body: leave it out"),
}


@pytest.mark.parametrize(("method", "path", "body"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_granted_is_said_and_changes_nothing(
    method: str, path: str, body: str, bench: Bench
) -> None:
    before = bench.control("GET", "")
    response = bench.sandbox.handle(Request(method, CONTROL + path, {}, body.encode()))
    status, said = REFUSED[method, path, body]
    assert response.status == status
    assert response.json()["error"].startswith(said)
    assert bench.control("GET", "") == before
