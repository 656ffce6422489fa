"""A service that answers 429 does not keep a run waiting for long."""

from __future__ import annotations

from typing import Any

import pytest
from support.bounded import run_bounded
from support.scripted import CONTRACTS, Answer, Scripted, message
from support.server import serve

from retry_contract.contract.expectation import expect
from retry_contract.endpoint.waiting import LONGEST_IN_ALL, Waiting
from retry_contract.outcome import NotTested, RuleState
from retry_contract.rules import RULES
from retry_contract.service.http import Response
from retry_contract.service.model import Service
from retry_contract.verification.prober import Prober
from retry_contract.verification.run import Run

BUSY: Answer = (429, {}, {"content-type": "application/json", "retry-after": "30"})
IN_ALL = r"\(429\): at most {:g} seconds of a run are waited for that in all; --max-seconds"


class _Clocked(Scripted):
    """A service in whose time nothing passes but what is waited."""

    def __init__(self, *answers: Any, seconds: float | None = None) -> None:
        super().__init__(*answers)
        self.passed = 0.0
        self.waiting = Waiting(seconds, lambda: self.passed)

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self.passed += seconds


@pytest.mark.parametrize(("seconds", "waits"), [(None, 10), (100.0, 3), (20.0, 0)])
def test_run_waits_so_long_in_all_and_is_then_not_tested(seconds: float | None, waits: int) -> None:
    script = [*[BUSY] * 3, (200, message())] * 4
    endpoint = _Clocked(*script, seconds=seconds)
    probers = (Prober(endpoint) for _ in range(4))
    with pytest.raises(NotTested, match=IN_ALL.format(seconds or LONGEST_IN_ALL)):
        _ = [prober.retrieve("message_1") for prober in probers]
    assert endpoint.waited == [30.0] * waits


def test_run_that_was_refused_too_long_has_one_reason() -> None:
    endpoint = _Clocked(BUSY, seconds=60)
    endpoint.named = ("message_1",)
    run = Run(endpoint, expect(CONTRACTS, "after"))
    results = [run.check(rule) for rule in RULES.values()]
    assert {result.state for result in results} == {RuleState.NOT_EXERCISED}
    assert run.failure is not None
    assert "at most 60 seconds of a run" in run.failure
    assert endpoint.waited == [30.0, 30.0]


def test_waits_side_by_side_count_once() -> None:
    now = [0.0]
    waiting = Waiting(60, lambda: now[0])
    for _ in range(4):
        waiting.take(30)
    now[0] = 20.0
    waiting.take(30)  # until 50: twenty more
    now[0] = 100.0
    waiting.take(10)
    now[0] = 110.0
    with pytest.raises(NotTested):
        waiting.take(1)


@pytest.mark.slow
def test_max_seconds_bounds_the_wait_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Response(429, b"{}", {"content-type": "application/json", "retry-after": "20"})
    monkeypatch.setattr(Service, "handle", lambda self, request: busy)
    with serve() as served:
        named = ["--message", "message_1", "--max-seconds", "2"]
        done = run_bounded(
            ["verify", *served.options, *named],
            env={"POSTMAN_API_KEY": served.key},
            seconds=15,
        )
    assert done.returncode == 3
    assert "at most 2 seconds of a run" in done.stdout
