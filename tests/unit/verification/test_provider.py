"""What the hook for messages does, and what is said where it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.scripted import Scripted, message

from retry_contract.outcome import NotExercised, NotTested
from retry_contract.verification.prober import Prober
from retry_contract.verification.provider import HookError, Mistake, Provider
from retry_contract.verification.states import STATES

OLD, NEW = "2025-02-23T23:59:59.999+08:00", "2025-02-24T00:00:00.000+08:00"
FAILED = {"status": "failure"}


class Team(Scripted):
    """Asks a hook for messages, and shows each with the members that are scripted."""

    def __init__(self, hook: Callable[[str], Any], *answers: Any) -> None:
        super().__init__(*answers or ((200, message()),))
        self.hook = hook

    def message_in(self, state: str) -> Any:
        try:
            return self.hook(state)
        except Exception as error:
            raise HookError(error) from error


def _provided(state: str, **members: Any) -> str | None:
    endpoint = Team(lambda _: "message_1", (200, message(**members)))
    return Provider().message(state, Prober(endpoint))


@pytest.mark.parametrize(
    ("state", "members"),
    [
        ("failure", {"attempts": [FAILED] * 2}),
        ("failure", {"batches": [{"status": "messages_enqueued"}]}),
        ("created", {"status": "created"}),
        ("success", {"status": "success", "batches": [{"status": "success"}]}),
        ("batch:success", {"batches": [{"status": "success"}]}),
        ("batch:other", {"batches": [{"status": "paused"}]}),
        ("attempts-spent", {"attempts": [FAILED] * 3}),
        ("attempts-spent", {}),
        ("before-cutover", {"createdAt": OLD}),
        ("other-creator", {"creatorId": "user_2"}),
        ("special-values", {"values": {"name": "O'Hara"}}),
        ("special-values", {"values": {"name": "\N{SLIGHTLY SMILING FACE}"}}),
        ("foreign", {"status": "created"}),
    ],
)
def test_message_that_is_as_its_state_asks_is_given(state: str, members: dict[str, Any]) -> None:
    assert _provided(state, **members) == "message_1"


@pytest.mark.parametrize(
    ("state", "members", "came"),
    [
        ("failure", {"status": "created"}, '"created"'),
        ("failure", {"attempts": [FAILED] * 3}, '"failure" in 3 tries'),
        ("failure", {"batches": [{"status": "sending"}]}, '"failure"'),
        ("created", {"status": "sent"}, '"sent"'),
        ("batch:success", {"batches": [{"status": "messages_enqueued"}]}, '"failure"'),
        ("batch:other", {"batches": [{"status": "messages_enqueued"}]}, '"failure"'),
        ("batch:messages_enqueued", {}, '"failure" in no batch'),
        ("attempts-spent", {"attempts": [FAILED] * 2}, '"failure" in 2 tries'),
        ("before-cutover", {"createdAt": NEW}, '"failure"'),
        ("special-values", {"values": {"name": "Tan"}}, '"failure"'),
    ],
)
def test_message_that_is_not_is_a_mistake(state: str, members: dict[str, Any], came: str) -> None:
    with pytest.raises(Mistake) as raised:
        _provided(state, **members)
    assert str(raised.value) == (
        f'pytest_retry_contract_state("{state}") returned message_1, which Retrieve shows as '
        f"{came}; it must be {STATES[state].about}"
    )


def _raise(error: Exception) -> Callable[[str], Any]:
    def hook(_: str) -> Any:
        raise error

    return hook


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (_raise(KeyError("sent")), "raised KeyError: 'sent' (at test_provider.py:"),
        (_raise(ValueError("no 6591234567 or S1234567D")), "raised ValueError: no [masked] or [ma"),
        (lambda _: 7, "returned a value of type int; give the id of a message, or None"),
        (lambda _: ["message_1"], "returned a value of type list; give the id of a message"),
        (lambda _: "a/b", "returned a string of 3 characters; give the id of a message, or None"),
        (lambda _: "", "returned an empty string; give the id of a message, or None"),
    ],
)
def test_hook_that_fails_is_told_in_its_own_words(hook: Callable[[str], Any], said: str) -> None:
    endpoint, provider = Team(hook), Provider()
    for _ in range(2):
        with pytest.raises(Mistake) as raised:
            provider.message("sent", Prober(endpoint))
        assert str(raised.value).startswith(f'pytest_retry_contract_state("sent") {said}')
    assert list(provider.mistakes) == ["sent"]
    assert endpoint.asked == []


def test_mistake_in_one_state_leaves_the_others() -> None:
    shown = (200, message("sent")), (200, message("sent"))
    endpoint, provider = Team(lambda state: f"message_{state}", *shown), Provider()
    with pytest.raises(Mistake):
        provider.message("created", Prober(endpoint))
    assert provider.message("sent", Prober(endpoint)) == "message_sent"


def test_message_is_given_once_only() -> None:
    endpoint, provider = Team(lambda _: "message_1"), Provider()
    assert provider.message("failure", Prober(endpoint)) == "message_1"
    with pytest.raises(Mistake, match="returned message_1, which it has returned before; each"):
        provider.message("failure", Prober(endpoint))


def test_creator_must_be_another_than_that_of_the_others() -> None:
    answers = [(200, message(creatorId=f"user_{number}")) for number in (1, 1, 2)]
    ids, provider = iter(["message_1", "message_2", "message_3"]), Provider()
    endpoint = Team(lambda _: next(ids), *answers)
    prober = Prober(endpoint)
    provider.message("failure", prober)
    with pytest.raises(Mistake, match="shows as of the same creatorId as the others; it must be"):
        provider.message("other-creator", prober)


@pytest.mark.parametrize("value", [["x"], {"a": 1}, None, 7])
def test_creator_of_any_type_is_looked_at(value: Any) -> None:
    assert _provided("other-creator", creatorId=value) == "message_1"


def test_foreign_message_must_not_be_of_the_campaign_that_is_tested() -> None:
    endpoint = Team(lambda _: "message_1")
    own = (200, message(campaignId=endpoint.campaign))
    with pytest.raises(Mistake, match="returned message_1, which is of the campaign that is te"):
        Provider().message("foreign", Prober(Team(lambda _: "message_1", own)))
    for answer in ((404, {}), (500, {}), (200, message(campaignId="campaign_2"))):
        prober = Prober(Team(lambda _: "message_1", answer))
        assert Provider().message("foreign", prober) == "message_1"


@pytest.mark.parametrize("status", ["success", "created"])
@pytest.mark.parametrize(("recipient", "used"), [("6590001234", False), ("6511112222", True)])
def test_message_to_a_person_is_not_retried_where_that_must_be_refused(
    status: str, recipient: str, used: bool
) -> None:
    endpoint = Team(lambda _: "message_1", (200, message(status, recipient=recipient)))
    endpoint.expendable = False
    provider = Provider()
    if used:
        assert provider.message(status, Prober(endpoint)) == "message_1"
        return
    with pytest.raises(NotExercised, match="off this machine only a message to a simulator"):
        provider.message(status, Prober(endpoint))
    assert provider.mistakes == {}


@pytest.mark.parametrize("met", [False, True])
def test_message_that_is_not_there_yet_is_waited_for(met: bool) -> None:
    first = [(200, message())] if met else []
    endpoint = Team(lambda _: "message_1", *first, *[(404, {})] * 3, (200, message()))
    prober = Prober(endpoint)
    if met:
        prober.retrieve("message_0")
    assert Provider().message("failure", prober) == "message_1"
    assert endpoint.waited == [0.05] * 3


def test_message_that_never_comes_is_a_mistake_within_a_bound() -> None:
    endpoint = Team(lambda _: "message_1", (404, {}))
    with pytest.raises(Mistake, match=r"shows as status 404; it must be failed"):
        Provider().message("failure", Prober(endpoint))
    assert 1 < sum(endpoint.waited) < 3


def test_service_that_is_down_is_no_mistake_of_the_hook() -> None:
    provider = Provider()
    with pytest.raises(NotTested, match="the service is down"):
        provider.message("failure", Prober(Team(lambda _: "message_1", (503, {}))))
    assert provider.mistakes == {}
