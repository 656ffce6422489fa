"""Which calls are made, and in which process, by what came of those before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from support.visits import HUNG, MUST, RAISED, REFUSED, RETURNED

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.caller import Caller
from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.stage import MOST_RETRIES, Stage
from retry_contract.consumer.process.lines import Lines
from retry_contract.contract.catalogue import catalogue
from retry_contract.service.http import Request

SECRET = "key_test_0123456789abcdef"
CRASHED = Answer(Kind.CRASHED, error="ended with exit status 7")
THRICE = Scenario("name", "after-2025-02-24", (MUST,) * 3)


class Client:
    """Answers in turn, after so many requests, and tells what is done with its process."""

    def __init__(self, stage: Stage, *answers: Answer, requests: int = 0) -> None:
        self._stage, self._answers, self._requests = stage, list(answers), requests
        self.done: list[str] = []

    def ask(self, lines: Sequence[str]) -> list[Answer | None]:
        self.done.append("ask")
        _, key, campaign, message = json.loads(lines[0])
        path = f"/api/v2/campaigns/{campaign}/messages/{message}/retry"
        for _ in range(self._requests):
            self._stage.handle(Request("POST", path, {"authorization": f"Bearer {key}"}))
        return [self._answers.pop(0)]

    def give_up(self) -> None:
        self.done.append("give up")

    def start_anew(self) -> None:
        self.done.append("start anew")


def calling(folder: Path, *answers: Answer, requests: int = 0) -> tuple[Client, Caller]:
    stage, output = Stage(catalogue()), folder / "output"
    output.touch()
    client = Client(stage, *answers, requests=requests)
    return client, Caller(cast(Lines, client), stage, "http://sandbox", output, SECRET)


@pytest.mark.parametrize(
    ("answer", "first"), [(RETURNED, [True, False, False]), (CRASHED, [True, True, True])]
)
def test_a_call_is_the_first_of_its_process_at_the_start_and_after_a_loss(
    answer: Answer, first: list[bool], tmp_path: Path
) -> None:
    _, caller = calling(tmp_path, *[answer] * 3)
    assert [made.first for made in caller.calls(THRICE)] == first


def test_refusals_alone_have_a_process_each(tmp_path: Path) -> None:
    client, caller = calling(tmp_path, *[RAISED] * 3)
    thrice = Scenario("name", "after-2025-02-24", (REFUSED,) * 3)
    assert [made.first for made in caller.calls(thrice, alone=True)] == [True] * 3
    assert client.done == ["start anew", "ask"] * 3


def test_accepted_retries_alone_have_a_process_together(tmp_path: Path) -> None:
    """What breaks at the cutover is what was learned from the reply before it."""
    client, caller = calling(tmp_path, *[RETURNED] * 3)
    assert [made.first for made in caller.calls(THRICE, alone=True)] == [True, False, False]
    assert client.done == ["start anew", *["ask"] * 3]


def test_a_situation_ends_with_a_hang_and_all_do_with_the_fourth(tmp_path: Path) -> None:
    client, caller = calling(tmp_path, *[HUNG] * 4)
    made = [[made.answer for made in caller.calls(THRICE)] for _ in range(5)]
    assert made == [*[[HUNG]] * 4, [None] * 3]
    assert client.done == ["ask"] * 4


def test_a_call_without_end_is_given_up_once_and_is_no_hang(tmp_path: Path) -> None:
    client, caller = calling(tmp_path, *[HUNG] * 5, requests=MOST_RETRIES + 5)
    for _ in range(5):
        (made,) = caller.calls(THRICE)
        assert (made.answer, made.hung, made.first) == (HUNG, False, True)
    assert client.done == ["ask", "give up", "start anew"] * 5


def test_a_secret_is_neither_in_what_was_returned_nor_in_an_error(tmp_path: Path) -> None:
    told = [
        Answer(Kind.READ, told=True, read={"a": [f"key {SECRET}"]}),
        Answer(Kind.REFUSED, error=f"ValueError: {SECRET}"),
        RETURNED,
    ]
    _, caller = calling(tmp_path, *told)
    one, other, _ = caller.calls(THRICE)
    assert one.reading == {"a": ["key [masked]"]}
    assert other.answer is not None
    assert other.answer.error == "ValueError: [masked]"
