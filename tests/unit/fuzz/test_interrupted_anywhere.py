"""Ctrl-C at any line of the main thread: what was sent is counted, and no case goes on after it."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest
from hypothesis import strategies as st
from support.scripted import Scripted

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.fuzz import engine, play
from retry_contract.fuzz.engine import Tally, run_cases
from retry_contract.fuzz.plan import Kind, Plan
from retry_contract.fuzz.play import Play
from retry_contract.outcome import NotExercised

CASES, REQUESTS = 3, 2
MOMENT, GRACE = 0.005, 3.0
"""In seconds: a case that nobody ends, or waits for, is still in the middle of one."""
TRACED = {engine.__file__, play.__file__}


@dataclass
class Run:
    """Cases that each send a few requests, interrupted at the `line`-th line of this thread."""

    workers: int
    line: int
    reached: bool = False
    lines: int = 0
    requests: int = 0
    going_on: int = 0
    tally: Tally = field(default_factory=lambda: Tally(0))

    def send(self, _: int, one: Play) -> None:
        self.going_on += 1
        try:
            with one.open() as prober:
                for _ in range(REQUESTS):
                    self.requests += 1
                    prober.send("retrieve", "campaigns/c/messages/m", method="GET")
                    one.bounds.wait(MOMENT)
        finally:
            self.going_on -= 1

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in TRACED:
            return None
        self.lines += event == "line"
        if self.lines == self.line and not self.reached:
            self.reached = True
            raise KeyboardInterrupt
        return self.trace

    def play(self) -> None:
        kind = Kind("number", st.integers(0, 10**6), int, self.send)
        endpoint, expectation = Scripted((200, {})), expect(catalogue(), "after")
        plan = Plan(endpoint, expectation, CASES, 1, side_by_side=self.workers)
        before = sys.gettrace()
        sys.settrace(self.trace)
        try:
            run_cases(plan, self.tally, kind)
        except (KeyboardInterrupt, NotExercised):
            pass
        finally:
            sys.settrace(before)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_sent_is_counted_at_whatever_line_the_interrupt_comes(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "_GRACE", GRACE)
    for line in itertools.count(1):
        run = Run(workers, line)
        run.play()
        assert run.going_on == 0, line
        assert run.tally.sent.requests == run.requests, line
        if not run.reached:
            break
    assert run.requests == CASES * REQUESTS
