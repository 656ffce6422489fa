"""A rule is checked by generated cases; an interrupt loses no case that broke it."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.fuzz import plan
from retry_contract.fuzz.generate import Generator
from retry_contract.outcome import RuleState
from retry_contract.rules import RULES
from retry_contract.rules.generated_cases import REQUESTS, SEQUENCES
from retry_contract.service.faults import FAULTS
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.options import read_options
from retry_contract.verification.run import Interrupted, Run


@pytest.fixture(autouse=True)
def few_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_MOST_SHRINKS", 20)


BOTH = pytest.mark.parametrize("rule", one_in(2, [REQUESTS, SEQUENCES]))


def _run(*faults: str) -> Run:
    contracts = catalogue()
    given = {"endpoint": "mock", "contract": "after", "seed": "7", "fuzz": "10"}
    options = read_options(given, catalogue=contracts)
    mock = mock_of(contracts, contracts["after"], faults=[FAULTS[name] for name in faults])
    return Run(mock, expect(contracts, "after"), callbacks=Callbacks(Generator(options)))


@BOTH
def test_kept_rule_has_its_traffic_counted(rule: str, wire: Any) -> None:
    run = _run()
    assert run.check(RULES[rule]).state is RuleState.KEPT
    assert run.traffic.requests == len(wire.requests) >= 10


@BOTH
def test_broken_rule_says_how_to_replay_the_case(rule: str) -> None:
    result = _run("id-changed").check(RULES[rule])
    assert result.state is RuleState.BROKEN
    for violation in result.violations:
        assert violation.message.startswith(f"{violation.rule}: ")
        assert violation.replay is not None
        assert violation.replay.startswith("retry-contract verify --contract after-2025-02-24 ")
        assert violation.case is not None
        assert violation.case in shlex.split(violation.replay)


@BOTH
def test_interrupt_loses_no_case_that_was_found(rule: str, wire: Any) -> None:
    fault = {REQUESTS: "unknown-is-500", SEQUENCES: "unfailed-is-409"}[rule]
    complete = _run(fault).check(RULES[rule])
    # The last request of all is one of those that look for a smaller case.
    wire.fail_at, wire.error = len(wire.requests), KeyboardInterrupt
    wire.requests.clear()
    with pytest.raises(Interrupted) as interrupt:
        _run(fault).check(RULES[rule])
    result = interrupt.value.result
    assert (result.rule, result.state) == (rule, RuleState.BROKEN)
    assert result.contract == complete.contract
    assert all(violation.replay for violation in result.violations)


@BOTH
def test_interrupt_before_anything_was_found_is_one(rule: str, wire: Any) -> None:
    wire.fail_at, wire.error = 1, KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt) as interrupt:
        _run("id-changed").check(RULES[rule])
    assert not isinstance(interrupt.value, Interrupted)
