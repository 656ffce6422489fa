"""Where a run's messages come from: in turn, by what Retrieve shows, and none for nothing."""

from __future__ import annotations

import pytest
from support.scripted import Scripted, message

from retry_contract.outcome import NotExercised, NotTested
from retry_contract.verification.messages import Failed, Messages
from retry_contract.verification.prober import Prober

SHOWN = (200, message())
MISSING = (404, {"error": {"code": "not_found"}})


def _messages(endpoint: Scripted) -> Messages:
    return Messages(Prober(endpoint))


def test_a_named_message_is_met_by_a_retrieve_and_only_once() -> None:
    endpoint = Scripted(SHOWN)
    endpoint.named = ("message_1",)
    messages = _messages(endpoint)
    messages.meet()
    messages.meet()
    assert endpoint.asked == ["GET message_1"]


def test_message_that_was_made_to_be_met_is_the_first_to_be_retried() -> None:
    endpoint = Scripted((201, message("created")), SHOWN)
    messages = _messages(endpoint)
    messages.meet()
    asked = ["POST messages"] * 5 + ["GET message_1"] * 5
    assert endpoint.asked == asked
    failed = messages.failed()
    assert failed.id == "message_1"
    assert failed.sent is not None
    assert (failed.sent.kind, failed.sent.number) == ("single-send", 1)
    assert endpoint.asked == asked


def test_message_of_the_hook_is_met_by_a_retrieve() -> None:
    endpoint = Scripted(SHOWN)
    endpoint.simulator = None
    endpoint.states = {"failure": ["message_9"]}
    _messages(endpoint).meet()
    assert endpoint.asked == ["GET message_9"]


def test_without_a_message_nothing_is_met_and_nothing_fails() -> None:
    endpoint = Scripted(SHOWN)
    endpoint.simulator = None
    _messages(endpoint).meet()
    assert endpoint.asked == []


def test_named_messages_are_taken_in_turn_by_what_a_retrieve_shows() -> None:
    endpoint = Scripted((200, message("sent", recipient="6511111111")), SHOWN, SHOWN)
    endpoint.named, endpoint.simulator = ("message_1", "message_2", "message_3"), None
    messages = _messages(endpoint)
    assert messages.failed().id == "message_2"
    assert messages.failed().id == "message_3"
    assert messages.in_state("sent") == "message_1"
    assert endpoint.asked == ["GET message_1", "GET message_2", "GET message_3"]
    with pytest.raises(NotExercised, match="no named message is left that has failed, in fewer"):
        messages.failed()
    with pytest.raises(NotExercised, match="no message in state created is at hand"):
        messages.in_state("created")


@pytest.mark.parametrize(("recipient", "taken"), [("6591234567", None), ("6511111111", "m")])
def test_message_that_has_not_failed_is_retried_only_if_it_can_reach_nobody(
    recipient: str, taken: str | None
) -> None:
    endpoint = Scripted((200, message("sent", recipient=recipient)))
    endpoint.named, endpoint.expendable = ("m",), False
    if taken is not None:
        assert _messages(endpoint).in_state("sent") == taken
        return
    with pytest.raises(NotExercised, match="no message in state sent is at hand"):
        _messages(endpoint).in_state("sent")


def test_named_messages_are_met_in_turn_until_the_service_has_one() -> None:
    endpoint = Scripted(MISSING, SHOWN)
    endpoint.named, endpoint.simulator = ("message_1", "message_2", "message_3"), None
    messages = _messages(endpoint)
    messages.meet()
    assert len(endpoint.asked) == 2
    assert messages.known() == "message_2"
    assert messages.failed() == Failed("message_2", named=True)
    assert len(endpoint.asked) == 2, "what was shown is not asked for again"


def test_named_messages_that_are_all_unknown_are_not_tested() -> None:
    endpoint = Scripted(MISSING)
    endpoint.named = ("message_1", "message_2")
    with pytest.raises(NotTested, match="answered with 404 and no message"):
        _messages(endpoint).meet()
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("recipient", [{"type": "NRIC", "value": "x"}, ["6511111111"], None, 7])
def test_recipient_that_is_no_number_is_no_simulator(recipient: object) -> None:
    endpoint = Scripted((200, message(recipient=recipient)))
    endpoint.named, endpoint.expendable = ("message_1",), False
    assert not _messages(endpoint).is_harmless("message_1")
