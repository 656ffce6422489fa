"""Cases that are played side by side: what is found, and in what order, is the same."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from support.scripted import Scripted
from support.server import serve

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.fuzz.conformance import violation
from retry_contract.fuzz.engine import Tally, run_cases
from retry_contract.fuzz.plan import Broken, Kind, Plan
from retry_contract.fuzz.play import Play
from retry_contract.fuzz.stateful import fuzz_sequences
from retry_contract.outcome import Drift, NotExercised, NotTested
from retry_contract.service.model import Settings

Played = Callable[[int, Play], None]
PATIENCE = 20.0
FAST = Settings(delivery=timedelta(milliseconds=2))


def _plan(**more: Any) -> Plan:
    return Plan(Scripted((200, {})), expect(catalogue(), "after"), 12, 1, **more)


def _kind(play: Played) -> Kind[int]:
    numbers = st.integers(0, 10**6)
    return Kind("number", numbers, int, play, smaller=_round)


def _round(number: int) -> tuple[int, ...]:
    return number // 2, number - 2, number - 1


def _broken(number: int, rule: str = "no-server-error") -> Broken:
    return Broken({"number": number}, violation(rule, "", "a", "b"))


def _numbers(plan: Plan) -> list[int]:
    """Return the cases of a plan, in the order of generation."""
    seen: list[int] = []

    def play(number: int, _: Play) -> None:
        seen.append(number)

    with pytest.raises(NotExercised):
        run_cases(plan, Tally(0), _kind(play))
    return seen


def _first_above(least: int) -> int:
    """Return the first case that is so large."""
    return next(number for number in _numbers(_plan(side_by_side=1)) if number > least)


def _run(play: Played, *, shrinks: int = 0, **more: Any) -> Tally:
    tally = Tally(shrinks)
    try:
        run_cases(_plan(**more), tally, _kind(play))
    except (NotExercised, NotTested) as reason:
        tally.reason = tally.reason or reason
    return tally


def test_so_many_are_played_at_once() -> None:
    barrier = threading.Barrier(3, timeout=PATIENCE)

    def play(_: int, __: Play) -> None:
        barrier.wait()

    assert _run(play, side_by_side=3).played == 12


@pytest.mark.parametrize("workers", [3, 16])
def test_first_that_breaks_is_the_first_in_order_and_not_in_time(workers: int) -> None:
    order = _numbers(_plan(side_by_side=1))
    later_broke = threading.Event()

    def play(number: int, one: Play) -> None:
        one.drift[Drift(f"/{order.index(number)}", "")] = None
        if number == order[1]:
            assert later_broke.wait(PATIENCE)
            raise _broken(number)
        if number == order[2]:
            later_broke.set()
            raise _broken(number)

    tally = _run(play, side_by_side=workers)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": order[1]}
    assert [drift.pointer for drift in tally.drift] == ["/0", "/1"]
    assert tally.played == 2


# The smallest that breaks


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_smallest_is_found_in_rounds(workers: int) -> None:
    def play(number: int, _: Play) -> None:
        if number >= 10:
            raise _broken(number)

    tally = _run(play, shrinks=200, side_by_side=workers)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": 10}


def test_cases_of_a_round_are_played_at_once_and_none_but_once() -> None:
    first, played = _first_above(1000), list[int]()
    barrier = threading.Barrier(3, timeout=PATIENCE)

    def play(number: int, _: Play) -> None:
        played.append(number)
        if number == first:
            raise _broken(number)
        if number in _round(first):
            barrier.wait()

    tally = _run(play, shrinks=200, side_by_side=3)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first}
    assert {*_round(first)} <= {*played}
    assert len(set(played)) == len(played)


def test_what_was_kept_is_not_tried_again() -> None:
    first, played = _first_above(1000), list[int]()

    def play(number: int, _: Play) -> None:
        played.append(number)
        if number in (first, first - 1):
            raise _broken(number)

    tally = _run(play, shrinks=200, side_by_side=3)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first - 1}
    assert played.count(first - 2) == 1  # it is smaller than both


def test_other_rule_is_another_failure() -> None:
    first = _first_above(1000)

    def play(number: int, _: Play) -> None:
        if number in [first >> halved for halved in range(5)]:
            raise _broken(number, "no-server-error" if number > first // 8 else "body-is-json")

    tally = _run(play, shrinks=200)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first // 4}


def test_outage_begins_no_further_round() -> None:
    first, played, gone = _first_above(1000), list[int](), threading.Event()

    def play(number: int, _: Play) -> None:
        played.append(number)
        if number == first - 2:
            gone.set()
            raise NotTested("it is gone")
        if number == first // 2:
            assert gone.wait(PATIENCE)
        if number in (first, first // 2):
            raise _broken(number)

    tally = _run(play, shrinks=200, side_by_side=3)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first // 2}
    assert first // 4 not in played


@pytest.mark.parametrize("tries", [0, 1, 3])
def test_so_many_are_tried_at_the_most(tries: int) -> None:
    first = _first_above(1000)

    def play(number: int, _: Play) -> None:
        if number in [first >> halved for halved in range(5)]:
            raise _broken(number)

    tally = _run(play, shrinks=tries)
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first // 2**tries}


@pytest.mark.parametrize("interrupted", [True, False])
def test_smallest_so_far_is_kept_whatever_ends_the_search(interrupted: bool) -> None:
    first, tally, reached = _first_above(1000), Tally(200), threading.Event()

    def play(number: int, one: Play) -> None:
        if number in (first, first // 2):
            raise _broken(number)
        if number == first // 4:
            reached.set()
            if not interrupted:
                raise NotTested("it is gone")
            one.bounds.wait(60)

    def progress(text: str) -> None:
        if reached.is_set() and interrupted:
            assert text == "looking for a smaller number, 4 tried"
            raise KeyboardInterrupt

    begin = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        run_cases(_plan(side_by_side=3, progress=progress), tally, _kind(play))
    assert time.monotonic() - begin < 5
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first // 2}


def test_seconds_bound_the_search_too() -> None:
    first = _first_above(1000)

    def play(number: int, one: Play) -> None:
        if number == first:
            raise _broken(number)
        if number in _round(first):
            one.bounds.wait(60)

    begin = time.monotonic()
    tally = _run(play, shrinks=200, side_by_side=3, seconds=1)
    assert time.monotonic() - begin < 10
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": first}


# What ends a run


def test_outage_begins_no_further_case() -> None:
    begun: list[int] = []

    def play(number: int, _: Play) -> None:
        begun.append(number)
        raise NotTested("it is gone")

    tally = _run(play, side_by_side=3)
    assert str(tally.reason) == "it is gone"
    assert len(begun) <= 3


def test_error_inside_the_kit_is_raised_in_the_main_thread() -> None:
    def play(_: int, __: Play) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _run(play, side_by_side=3)


def test_interrupt_ends_every_wait_and_keeps_what_broke() -> None:
    order, tally = _numbers(_plan(side_by_side=1)), Tally(5)

    def play(number: int, one: Play) -> None:
        if number == order[2]:
            raise _broken(number)
        one.bounds.wait(60)

    def progress(text: str) -> None:
        if "2 wait for a message to fail" in text:
            raise KeyboardInterrupt

    begin = time.monotonic()
    plan = _plan(side_by_side=3, progress=progress)
    with pytest.raises(KeyboardInterrupt):
        run_cases(plan, tally, _kind(play))
    assert time.monotonic() - begin < 2
    assert tally.smallest is not None
    assert tally.smallest.case == {"number": order[2]}


@pytest.mark.parametrize("calls", range(1, 30, 4))
@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_sent_is_counted_wherever_the_interrupt_comes(workers: int, calls: int) -> None:
    """Each case sends one request; every call of `progress` from one on is interrupted."""
    sent, seen, tally = itertools.count(), itertools.count(1), Tally(0)

    def play(_: int, one: Play) -> None:
        with one.open() as prober:
            prober.send("retrieve", "campaigns/c/messages/m", method="GET")
        next(sent)

    def progress(_: str) -> None:
        if next(seen) >= calls:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt, NotExercised):
        run_cases(_plan(side_by_side=workers, progress=progress), tally, _kind(play))
    assert tally.sent.requests == next(sent)


@pytest.mark.parametrize("workers", [1, 4])
def test_seconds_bound_the_waiting_and_what_is_cut_is_said(workers: int) -> None:
    order = _numbers(_plan(side_by_side=1))

    def play(number: int, one: Play) -> None:
        if number != order[0]:
            one.bounds.wait(60)

    begin = time.monotonic()
    tally = _run(play, side_by_side=workers, seconds=0.2)
    assert time.monotonic() - begin < 5
    assert (tally.cut, tally.played) == (True, 1)
    assert str(tally.reason) == "no generated retry was accepted"


def test_function_of_the_user_is_called_in_the_main_thread() -> None:
    threads: list[threading.Thread] = []

    def refuse() -> None:
        threads.append(threading.current_thread())
        raise LookupError

    def play(_: int, one: Play) -> None:
        with pytest.raises(LookupError):
            one.bounds.in_main_thread(refuse)

    assert _run(play, side_by_side=3).played == 12
    assert set(threads) == {threading.main_thread()}


@pytest.mark.parametrize("fault", [None, "unknown-is-500"])
def test_same_seed_same_cases_same_verdict(
    fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, smallest, real = [], list[Any](), Play.__init__
    cases: list[Any] = []

    def init(self: Play, case: Any, *rest: Any) -> None:
        cases.append(case)
        real(self, case, *rest)

    monkeypatch.setattr(Play, "__init__", init)
    for workers in (1, 3, 16):
        cases.clear()
        with serve(faults=[fault] if fault else [], settings=FAST) as served:
            settings = LiveSettings(served.url, served.key, served.campaign, simulate=True)
            endpoint = LiveEndpoint(settings)
            plan = Plan(endpoint, expect(catalogue(), "after"), 5, 3, side_by_side=workers)
            tally = Tally(plan.most_shrinks)
            broken = fuzz_sequences(plan, tally)
            endpoint.close()
        violations = broken and broken.violations
        found.append((list(cases[:1]), violations, tally.played))
        # What cannot be reached for a moment ends the search for a smaller case, and no more.
        if tally.reason is None:
            smallest.append(broken and broken.case)
        assert (broken is None) == (fault is None)
        if fault is None:
            assert len(cases) == tally.played == 5
    assert found[0] == found[1] == found[2]
    assert smallest[1:] == smallest[:-1]
