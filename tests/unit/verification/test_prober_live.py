"""How a run asks a service whose time is real: what it sends, waits for, and gives up over."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.scripted import Scripted, message

from retry_contract.exchange import Exchange
from retry_contract.outcome import NotExercised, NotTested, Traffic
from retry_contract.rules.scenarios import ACCEPTED, NO_KEY, WRONG_METHOD
from retry_contract.verification.prober import Prober

SHOWN = (200, message())
MISSING = (404, {"error": {"code": "not_found"}})
DOWN = (503, {"error": {"code": "internal_server"}})
TOO_MANY = (429, {"error": {"code": "too_many_requests"}})


def test_too_many_requests_are_sent_again_after_a_wait() -> None:
    endpoint = Scripted(TOO_MANY, (*TOO_MANY, {"retry-after": "7"}), SHOWN)
    heard: list[Exchange] = []
    prober = Prober(endpoint, heard.append)
    assert prober.send("retrieve", "campaigns/c/messages/m", method="GET").status == 200
    assert endpoint.waited == [1.0, 7.0]
    assert prober.traffic == Traffic(3, {"200": 1, "429": 2})
    assert [exchange.number for exchange in heard] == [1, 2, 3]
    assert heard == prober.exchanges


def test_too_many_requests_in_a_row_are_not_tested() -> None:
    endpoint = Scripted(TOO_MANY)
    with pytest.raises(NotTested, match=r"\(429\), however long was waited: see --rate"):
        Prober(endpoint).retrieve("message_1")
    assert endpoint.waited == [1.0, 2.0, 4.0, 8.0]
    assert len(endpoint.asked) == 5


@pytest.mark.parametrize(("expendable", "posts"), [(True, 2), (False, 1)])
def test_retry_that_moved_its_message_and_got_429_is_not_sent_again(
    expendable: bool, posts: int
) -> None:
    moved = (200, message("created", updatedAt="2024-05-16T16:49:01.000+08:00"))
    endpoint = Scripted(SHOWN, TOO_MANY, *([] if expendable else [moved]), (201, message()), SHOWN)
    endpoint.expendable = expendable
    prober = Prober(endpoint)
    if expendable:
        assert prober.probe(ACCEPTED, "message_1").exchange.status == 201
    else:
        with pytest.raises(
            NotTested, match="answered with 429, and Retrieve does not show its message unch"
        ):
            prober.probe(ACCEPTED, "message_1")
    assert endpoint.asked.count("POST retry") == posts


def test_retry_that_got_429_and_left_its_message_alone_is_sent_again() -> None:
    endpoint = Scripted(SHOWN, TOO_MANY, SHOWN, (201, message("created")), SHOWN)
    endpoint.expendable = False
    assert Prober(endpoint).probe(ACCEPTED, "message_1").exchange.status == 201


def test_message_to_another_recipient_is_left_alone() -> None:
    endpoint = Scripted((201, message("created")), (200, message(recipient="6590001234")))
    endpoint.expendable = False
    prober = Prober(endpoint)
    made, _ = prober.simulate()
    with pytest.raises(NotTested, match="answered with a message to another recipient"):
        prober.wait_until_failed(made)
    assert "POST retry" not in endpoint.asked


def test_no_response_is_not_tested() -> None:
    prober = Prober(Scripted(httpx.ReadTimeout("x")))
    with pytest.raises(NotTested, match=r"^no response from mock: it did not answer in time; see"):
        prober.retrieve("message_1")
    assert prober.traffic == Traffic(requests=1)


def test_id_that_no_url_can_hold_is_not_tested() -> None:
    endpoint = Scripted(SHOWN)
    with pytest.raises(NotTested, match="a message has an id that cannot be put into a path"):
        Prober(endpoint).retrieve("a\0b")
    assert endpoint.asked == []


def test_key_goes_as_a_bearer_unless_another_or_none_is_asked_for() -> None:
    endpoint = Scripted(SHOWN)
    prober = Prober(endpoint)
    for given in ({}, {"authorization": None}, {"authorization": "Basic x"}):
        prober.send("retrieve", "campaigns/c/messages/m", method="GET", **given)
    sent = [request.headers.get("authorization") for request in endpoint.sent]
    assert sent == [f"Bearer {endpoint.key}", None, "Basic x"]


# The first request


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((401, {}), r"the key was refused \(401\)"),
        ((403, {}), "refused with 403: this machine's address"),
        (MISSING, "answered with 404 and no message"),
        (DOWN, "the service is down: the first request was answered with 503"),
        ((302, b""), "redirected with 302"),
    ],
)
def test_first_response_that_is_no_welcome_ends_the_run(
    answer: tuple[int, object], reason: str
) -> None:
    with pytest.raises(NotTested, match=reason):
        Prober(Scripted(answer)).retrieve("message_1")
    with pytest.raises(NotTested, match=reason):
        Prober(Scripted(answer)).simulate()


def test_first_retry_is_a_welcome_too_unless_its_key_was_not_the_run_s() -> None:
    with pytest.raises(NotTested, match="the key was refused"):
        Prober(Scripted((401, {}))).probe(ACCEPTED, "message_1", known=False)
    prober = Prober(Scripted((401, {})))
    seen = prober.probe(NO_KEY, "message_1", known=False, authorization=None)
    assert seen.exchange.status == 401


# A probe


def test_probe_is_between_two_retrieves() -> None:
    endpoint = Scripted(SHOWN, (201, message("created")), (200, message("created")))
    seen = Prober(endpoint).probe(ACCEPTED, "message_1")
    assert endpoint.asked == ["GET message_1", "POST retry", "GET message_1"]
    assert seen.before is not None
    assert seen.after is not None
    statuses = [e.members["latestStatus"] for e in (seen.before, seen.exchange, seen.after)]
    assert statuses == ["failure", "created", "created"]
    assert (seen.campaign, seen.message) == (endpoint.campaign, "message_1")


def test_retrieve_just_had_serves_the_probe() -> None:
    endpoint = Scripted(SHOWN)
    prober = Prober(endpoint)
    first = prober.retrieve("message_1")
    seen = prober.probe(ACCEPTED, "message_1")
    assert seen.before is first
    assert endpoint.asked == ["GET message_1", "POST retry", "GET message_1"]
    assert prober.probe(ACCEPTED, "message_1").before is seen.after


def test_wrong_method_is_no_retry_and_may_go_to_another_campaign() -> None:
    endpoint = Scripted(SHOWN)
    prober = Prober(endpoint)
    seen = prober.probe(
        WRONG_METHOD, "message_1", known=False, method="DELETE", campaign="campaign_2"
    )
    assert (seen.exchange.kind, seen.exchange.method) == ("other", "DELETE")
    assert seen.campaign == "campaign_2"
    assert "/campaigns/campaign_2/messages/message_1/retry" in seen.exchange.path
    assert (seen.before, seen.after) == (None, None)


def test_failure_of_the_retry_alone_is_a_fault_and_no_outage() -> None:
    seen = Prober(Scripted(SHOWN, DOWN, SHOWN)).probe(ACCEPTED, "message_1")
    assert seen.exchange.status == 503


def test_failure_of_the_retrieve_too_is_an_outage() -> None:
    with pytest.raises(
        NotTested, match="a Retrieve that must work got 503, on a new connection too"
    ):
        Prober(Scripted(SHOWN, DOWN)).probe(ACCEPTED, "message_1")


def test_outage_after_a_retry_that_failed_says_what_may_have_come_of_it() -> None:
    with pytest.raises(NotTested, match=r"retry of message_1 was answered with 503, and may have"):
        Prober(Scripted(SHOWN, DOWN)).probe(ACCEPTED, "message_1")


def test_retrieve_that_fails_once_is_a_fault_and_no_outage() -> None:
    prober = Prober(Scripted(SHOWN, DOWN, SHOWN))
    assert prober.retrieve("message_1").status == 200
    assert prober.retrieve("message_1").status == 200
    assert [exchange.status for exchange in prober.exchanges] == [200, 503, 200]


def test_control_that_breaks_on_a_used_connection_is_asked_on_a_new_one() -> None:
    endpoint = Scripted(SHOWN, DOWN, httpx.ReadError("closed"), SHOWN)
    prober = Prober(endpoint, pooled=True)
    prober.retrieve("message_1")
    assert prober.probe(ACCEPTED, "message_1").exchange.status == 503
    assert [request.extensions["single"] for request in endpoint.sent[1:]] == [False, False, True]
    assert "connection" in endpoint.sent[-1].headers


def test_control_that_breaks_on_its_own_connection_is_an_outage() -> None:
    prober = Prober(Scripted(SHOWN, DOWN, httpx.ReadError("closed"), SHOWN))
    with pytest.raises(NotTested, match="no response from"):
        prober.probe(ACCEPTED, "message_1")


def test_message_that_was_once_seen_tells_an_outage_from_a_fault() -> None:
    endpoint = Scripted(SHOWN, DOWN, SHOWN)
    prober = Prober(endpoint)
    prober.retrieve("message_1")
    assert prober.probe(ACCEPTED, "message_2", known=False).exchange.status == 503
    assert endpoint.asked[-1] == "GET message_1"


def test_failure_with_no_message_to_ask_about_is_not_tested() -> None:
    with pytest.raises(NotTested, match=r"answered with 503, .*: give --message ID"):
        Prober(Scripted(DOWN)).probe(ACCEPTED, "message_1", known=False)


def test_redirected_retry_is_not_tested() -> None:
    with pytest.raises(NotTested, match="redirected with 307"):
        Prober(Scripted(SHOWN, (307, b""), SHOWN)).probe(ACCEPTED, "message_1")


# Messages


def test_single_send_is_to_the_simulator_with_the_values_of_the_template() -> None:
    endpoint = Scripted((201, message("created")))
    endpoint.values = {"code": "1"}
    prober = Prober(endpoint)
    assert prober.simulate()[0] == "message_1"
    prober.simulate({"code": "2"})
    bodies = [json.loads(request.content) for request in endpoint.sent]
    assert [body["values"] for body in bodies] == [{"code": "1"}, {"code": "2"}]
    assert {body["recipient"] for body in bodies} == {endpoint.simulator}


@pytest.mark.parametrize("id_", [None, 7, "", "a/b", "../campaigns"])
def test_single_send_without_an_id_to_go_on_with_is_not_exercised(id_: object) -> None:
    endpoint = Scripted((201, message("created", id=id_)))
    with pytest.raises(NotExercised, match="the Single Send was answered with status 201"):
        Prober(endpoint).simulate()
    assert len(endpoint.asked) == 1


def test_without_a_simulator_none_is_sent() -> None:
    endpoint = Scripted(SHOWN)
    endpoint.simulator = None
    with pytest.raises(NotExercised, match="needs --provision simulator"):
        Prober(endpoint).simulate()
    assert endpoint.asked == []


def test_message_is_polled_until_it_has_failed() -> None:
    endpoint = Scripted((200, message("created")), (200, message("sent")), SHOWN)
    Prober(endpoint).wait_until_failed("message_1")
    assert endpoint.waited == [0.05, 0.1, 0.002]


def test_a_message_that_was_delivered_is_not_polled_any_more() -> None:
    endpoint = Scripted((200, message("sent")), (200, message("success")))
    with pytest.raises(NotExercised, match='did not fail: it is "success"'):
        Prober(endpoint).wait_until_failed("message_1")
    assert len(endpoint.asked) == 2


def test_off_this_machine_it_is_polled_more_slowly_and_not_for_ever() -> None:
    endpoint = Scripted((200, message("sending")))
    endpoint.expendable = False
    with pytest.raises(NotExercised, match='did not fail: it is "sending"'):
        Prober(endpoint).wait_until_failed("message_1")
    assert endpoint.waited == [0.5, 1.0, 2.0, 4.0, 5.0]
    endpoint.patience = 90.0
    with pytest.raises(NotExercised, match="after 90 s; --max-seconds waits longer"):
        Prober(endpoint).wait_until_failed("message_1")
    assert 90 <= sum(endpoint.waited[5:]) < 95


REFUSALS = [
    (401, {"message": "Unauthorized", "statusCode": 401}),
    (403, {"message": "Forbidden", "statusCode": 403}),
    (403, b"error code: 1010"),
    (400, {"error": {"code": "invalid_ip_address_used"}}),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal_that_begins_in_the_middle_of_a_run_is_not_tested(refusal: tuple[int, Any]) -> None:
    prober = Prober(Scripted(SHOWN, SHOWN, refusal))
    prober.retrieve("message_1")
    prober.retrieve("message_1")
    with pytest.raises(NotTested, match=r"since request 4 of the run, .*refused"):
        prober.probe("unknown", "message_2", known=False)
    assert len(prober.exchanges) == 4, "the Retrieve of a known message, and nothing else"


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal_of_one_retry_alone_is_for_the_rules(refusal: tuple[int, Any]) -> None:
    prober = Prober(Scripted(SHOWN, refusal, SHOWN))
    prober.retrieve("message_1")
    assert prober.probe("unknown", "message_2", known=False).exchange.status == refusal[0]


def test_refusal_of_another_key_is_no_sign_of_anything() -> None:
    prober = Prober(Scripted(SHOWN, REFUSALS[0]))
    prober.retrieve("message_1")
    prober.probe(NO_KEY, "message_1", known=False, authorization=None)
    prober.probe(NO_KEY, "message_1", known=False, campaign="campaign_2")
    assert len(prober.exchanges) == 3


@pytest.mark.parametrize("body", [b"{", b'{"id": NaN}', b"\xff"])
def test_retrieve_that_cannot_be_read_is_an_outage(body: bytes) -> None:
    prober = Prober(Scripted(SHOWN, (200, body)))
    prober.retrieve("message_1")
    with pytest.raises(NotTested, match="got 200 and no message, on a new connection too"):
        prober.retrieve("message_1")
