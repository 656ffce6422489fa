"""A service that moves on by itself: no false alarm, and what is wrong is still found."""

from __future__ import annotations

import functools
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from support.runs import check_all

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import MockEndpoint
from retry_contract.outcome import ContractResult, RuleState
from retry_contract.rules import ESSENTIAL
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Settings, simulator_number
from retry_contract.service.seeds import seed
from retry_contract.verification.run import Run

CONTRACTS = catalogue()
MOVED_ON = "the message moved on"
VERIFICATIONS, FAULTY = 200, 50
CAPS: tuple[Literal["attempts", "retries"], ...] = ("attempts", "retries")


class Moving(MockEndpoint):
    """A service in use: at each request some time has gone by, and each delivery takes its own.

    Its clock is virtual, so that a seed says all that happens.
    """

    real_time = True
    source: random.Random
    longest_pause: float
    delivery: tuple[float, float]

    def message_in(self, state: str) -> str | None:
        return None

    def twin_at(self, instant: Any) -> Any:
        return None

    def _tick_and_handle(self, request: Request) -> Response:
        self.now += timedelta(seconds=self.source.uniform(0.001, self.longest_pause))
        delivery = timedelta(seconds=self.source.uniform(*self.delivery))
        self.service.settings = replace(self.service.settings, delivery=delivery)
        return super()._tick_and_handle(request)


def _verify(
    number: int,
    *faults: str,
    pause: float,
    delivery: tuple[float, float] = (0, 1),
    named_messages: tuple[str, ...] = ("failure", "failure"),
) -> ContractResult:
    """Verify it; the number chooses contract, reading of the cap, and where messages come from."""
    contract = CONTRACTS[("before", "after")[number % 2]]
    endpoint = Moving(
        CONTRACTS,
        CONTRACTS.timeline.instant_within(contract.period),
        lambda _: contract,
        settings=Settings(cap=CAPS[number // 2 % 2]),
        faults=[FAULTS[fault] for fault in faults],
        tick=timedelta(0),
    )
    endpoint.source = random.Random(number)
    endpoint.longest_pause, endpoint.delivery = pause, delivery
    own = endpoint.service.campaigns[endpoint.campaign]
    endpoint.foreign_campaign = None
    if number // 4 % 2:
        endpoint.simulator = None
    at_rest = [seed(endpoint.service, own, state).id for state in named_messages]
    moving = [endpoint.service.add_message(own, simulator_number(), {"a": "b"}) for _ in range(2)]
    endpoint.named = (*at_rest, *(message.id for message in moving))
    try:
        return check_all(Run(endpoint, expect(CONTRACTS, contract.name)))
    finally:
        endpoint.close()


@functools.cache
def _healthy() -> list[ContractResult]:
    pauses = (0.02, 0.15, 0.6)
    return [_verify(number, pause=pauses[number % 3]) for number in range(VERIFICATIONS)]


def _states(results: list[ContractResult]) -> Counter[tuple[str, RuleState, str | None]]:
    return Counter((r.rule, r.state, r.reason) for result in results for r in result.rules)


@pytest.mark.slow
def test_no_false_alarm() -> None:
    broken = [r for result in _healthy() for r in result.rules if r.violations]
    assert broken == []


@pytest.mark.slow
def test_rules_are_exercised_all_the_same() -> None:
    states = _states(_healthy())
    kept = {rule: states[rule, RuleState.KEPT, None] for rule, _, _ in states}
    assert {rule for rule in ESSENTIAL if kept[rule] < VERIFICATIONS} == {
        "same-shape-as-single-send"
    }
    assert kept["refusal-changes-nothing"] == VERIFICATIONS
    assert kept["second-retry-refused"] > VERIFICATIONS / 4
    assert kept["unfailed-message-refused"] > VERIFICATIONS / 4
    assert kept["attempts-capped"] == VERIFICATIONS


@pytest.mark.slow
def test_what_moved_on_is_not_checked() -> None:
    states = _states(_healthy())
    moved_on = {rule for rule, _, reason in states if reason == MOVED_ON}
    assert moved_on == {"second-retry-refused", "unfailed-message-refused"}


@pytest.mark.slow
@pytest.mark.parametrize("delivery", [pytest.param(0.0, marks=pytest.mark.slow), 0.0005])
def test_service_that_fails_at_once(delivery: float) -> None:
    results = [
        _verify(number, pause=0.003, delivery=(0, delivery), named_messages=("failure",))
        for number in range(16)
    ]
    assert [r for result in results for r in result.rules if r.violations] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "fewest"),
    [
        ("second-retry-accepted", 45),
        ("unfailed-accepted", 45),
        ("refusal-sends-message", 45),
        ("state-not-changed", 50),
    ],
)
def test_fault_is_found_when_nothing_moves_on(fault: str, fewest: int) -> None:
    resting = ("failure", "failure", "created", "sent", "success")
    found = 0
    for number in range(FAULTY):
        result = _verify(number, fault, pause=0.01, delivery=(2, 4), named_messages=resting)
        found += any(r.violations for r in result.rules if r.rule == FAULTS[fault].rule)
    assert found >= fewest, found
