"""What goes wrong only after other calls in the same process does not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.visits import CALL, HUNG, MUST, RAISED, REFUSED, RETURNED, visited

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.again import Calls, settled
from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.made import Made

OPEN = Answer(Kind.REFUSED, error="CircuitError: the circuit is open")
CRASHED = Answer(Kind.CRASHED, error="ended with exit status 7")
NAMES = ("400", "401", "403", "429", "500")


def scenario(name: str) -> Scenario:
    return Scenario(name, "after-2025-02-24", ())


def made(answer: Answer | None, *requests: str, first: bool = False, leaked: bool = False) -> Made:
    return Made(REFUSED, visited(REFUSED, *requests), answer, leaked, first)


SUCCESS = scenario("after"), (Made(MUST, visited(MUST, "retry"), RETURNED, leaked=False),)
REFUSING = made(RAISED, "retry")
UNASKED = made(OPEN)


class Alone:
    """Answers each call anew as it was told to, and counts them."""

    def __init__(self, *anew: Made) -> None:
        self._anew = anew
        self.asked: list[str] = []

    def __call__(self, scenario: Scenario) -> Iterator[Made]:
        for call in self._anew:
            self.asked.append(scenario.name)
            yield call


def called(*calls: Made, names: tuple[str, ...] = ("400",)) -> dict[Scenario, Calls]:
    return dict([SUCCESS, *((scenario(name), calls) for name in names)])


def test_what_goes_well_in_a_process_of_its_own_counts_and_gets_a_note() -> None:
    alone = Alone(REFUSING, REFUSING)
    final, notes = settled(called(REFUSING, UNASKED, names=NAMES), alone)
    assert [final[scenario(name)] for name in NAMES] == [(REFUSING, REFUSING)] * 5
    assert notes == (
        "After other calls in the same process it did otherwise (400; 401; 403; and 2 more): "
        "CircuitError: the circuit is open. What it did in a process of its own counts.",
    )


def test_an_error_gets_one_note_whatever_it_brought_about() -> None:
    failed = Made(MUST, visited(MUST), OPEN, leaked=False)
    before = {**called(UNASKED), scenario("cutover"): (failed,)}
    _, (note,) = settled(before, Alone(SUCCESS[1][0]))
    assert "(400; cutover): CircuitError: " in note


def test_what_goes_wrong_there_too_is_asked_for_once() -> None:
    alone, before = Alone(UNASKED, UNASKED), called(UNASKED, UNASKED, names=NAMES)
    assert settled(before, alone) == (before, ())
    assert alone.asked == ["400"]


def test_another_thing_that_goes_wrong_there_counts() -> None:
    for answer in (replace(RETURNED, read=True), HUNG, CRASHED):
        final, (note,) = settled(called(UNASKED), Alone(made(answer, "retry")))
        assert final[scenario("400")][0].answer == answer
        assert "(400): CircuitError: " in note


def test_what_goes_wrong_between_accepted_retries_may_go_well_alone() -> None:
    """They share a process, in which a client may work once only."""
    failed = Made(MUST, visited(MUST), OPEN, leaked=False)
    before = {**called(UNASKED), SUCCESS[0]: (SUCCESS[1][0], failed)}
    alone = Alone(SUCCESS[1][0], failed)
    final, notes = settled(before, lambda s: alone(s) if s is SUCCESS[0] else iter([REFUSING]))
    assert (final, len(notes)) == ({**before, scenario("400"): (REFUSING,)}, 1)


def test_what_is_not_tried_any_more_counts_as_it_was() -> None:
    before = called(UNASKED)
    assert settled(before, Alone(made(None))) == (before, ())


@pytest.mark.parametrize(
    "certain",
    [
        made(RETURNED, "retry"),
        made(RAISED, "retry", "send"),
        made(RAISED, "retry", leaked=True),
        made(HUNG, "retry"),
        made(OPEN, first=True),
        made(CRASHED, first=True),
    ],
)
def test_what_is_wrong_whatever_came_before_is_not_called_again(certain: Made) -> None:
    alone, before = Alone(), called(certain)
    assert settled(before, alone) == (before, ())
    assert alone.asked == []


def test_the_first_success_may_come_in_a_process_of_its_own() -> None:
    """What is returned on a refusal is then compared with it."""
    call = replace(CALL, expects="accepted")
    failed = Made(call, visited(call), OPEN, leaked=False)
    succeeded = Made(call, visited(call, "retry"), RETURNED, leaked=False)
    lie = made(RETURNED, "retry")
    alone = Alone(succeeded)
    final, notes = settled({scenario("after"): (failed,), scenario("400"): (lie,)}, alone)
    assert list(final.values()) == [(succeeded,), (lie,)]
    assert (alone.asked, len(notes)) == (["after"], 1)
