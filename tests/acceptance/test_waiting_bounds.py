"""A service that answers 429, or with large bodies, does not keep a run busy for long."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.bounded import run_bounded
from support.outcomes import outcome
from support.scripted import CONTRACTS, Answer, Scripted, message
from support.server import serve

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.waiting import LONGEST_IN_ALL, Waiting
from retry_contract.outcome import ContractResult, NotTested, RuleState, Verdict
from retry_contract.report.json_document import outcome_document
from retry_contract.rules import RULES
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Service
from retry_contract.verification.options import read_options
from retry_contract.verification.prober import Prober
from retry_contract.verification.run import Run
from retry_contract.verification.verification import Verification

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


def _members(number: int, value: str) -> str:
    return ",".join(f'"m{index:05d}":{value}' for index in range(number))


TEXT = '""'
BODIES: dict[str, tuple[str, str]] = {
    "values of numbers": ("values", f"{{{_members(60_000, '0')}}}"),
    "values of texts": ("values", f"{{{_members(60_000, TEXT)}}}"),
    "attempts": ("attempts", "[" + ",".join(["{}"] * 49_000) + "]"),
    "too many attempts": ("attempts", "[" + ",".join(["{}"] * 300_000) + "]"),
    "undocumented members": ("", _members(60_000, "0")),
    "twofold names": ("", f"{_members(30_000, '0')},{_members(30_000, '0')}"),
    "a text": ("fullMessage", f'"{"a" * 900_000}"'),
}


def _hostile(name: str, text: str) -> Callable[[Service, Request], Response]:
    plain = Service.handle

    def handle(service: Service, request: Request) -> Response:
        response = plain(service, request)
        if response.status >= 400 or not response.body:
            return response
        members = {k: v for k, v in json.loads(response.body).items() if k != name}
        own = f'"{name}":{text}' if name else text
        body = f"{json.dumps(members)[:-1]},{own}}}".encode()
        return dataclasses.replace(response, body=body)

    return handle


@pytest.mark.slow
@pytest.mark.parametrize("name", BODIES)
def test_large_bodies_end_soon_and_little_of_them_is_shown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is learnt of a response to mask it later has bounds, and tests, of its own.
    monkeypatch.setattr(Service, "handle", _hostile(*BODIES[name]))
    monkeypatch.setattr("retry_contract.privacy.scrubber.Scrubber.learn", lambda *_: None)
    with serve() as served:
        given: dict[str, Any] = {"endpoint": served.url, "campaign": served.campaign}
        given |= {"fuzz": "0", "message": served.failed(2)}
        key = {"POSTMAN_API_KEY": served.key}
        verification = Verification(read_options(given, catalogue=catalogue(), environment=key))
        begin = time.monotonic()
        (run,) = verification.names
        results = tuple(verification.check(run, rule) for rule in RULES)
        drift, more = verification.run(run).drift()
        verification.close()
        assert time.monotonic() - begin < 60
    shown = outcome_document(outcome(Verdict.BROKEN, ContractResult(run, results, drift, more)))
    assert len(json.dumps(shown)) < 300_000
