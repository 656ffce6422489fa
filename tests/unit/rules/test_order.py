"""A rule's verdict is the same whatever was checked before it."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

import pytest
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.rules import RULES
from retry_contract.service.faults import FAULTS
from retry_contract.verification.run import Run

Result = tuple[str, str | None, frozenset[tuple[str, str]]]

CONTRACTS = catalogue()
ALIASES = ("before", "after")
EACH_BREAKS = (
    "creator-id-missing",
    "id-changed",
    "body-cut-off",
    "failed-refused",
    "second-retry-accepted",
    "cap-ignored",
    "message-lost",
    "state-not-changed",
    "refusal-loses-message",
    "refusal-touches-message",
    "unknown-is-500",
    "wrong-method-accepted",
    "key-echoed",
    "cutover-of-retry-only",
)
"""Faults that act on the state of a message, or on what other scenarios build upon."""


def _results(alias: str, faults: Sequence[str], order: Sequence[str]) -> dict[str, Result]:
    endpoint = mock_of(CONTRACTS, CONTRACTS[alias], faults=[FAULTS[name] for name in faults])
    run = Run(endpoint, expect(CONTRACTS, alias))
    results = {}
    for rule in order:
        result = run.check(RULES[rule])
        places = frozenset((v.pointer, v.actual) for v in result.violations)
        # Which of two contracts came first is a matter of the order.
        places = frozenset() if rule == "one-contract-served" else places
        results[rule] = (str(result.state), result.reason, places)
    endpoint.close()
    return results


@functools.cache
def _in_order(alias: str, *faults: str | None) -> dict[str, Result]:
    return _results(alias, [fault for fault in faults if fault], list(RULES))


def _shuffled(seed: int) -> list[str]:
    rules = list(RULES)
    random.Random(seed).shuffle(rules)
    return rules


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("fault", one_in(8, [None, *EACH_BREAKS]))
@pytest.mark.parametrize(
    "order",
    [
        lambda: list(RULES)[::-1],
        *(
            pytest.param(functools.partial(_shuffled, seed), marks=pytest.mark.slow)
            for seed in (1, 2)
        ),
    ],
    ids=["reversed", "shuffled 1", "shuffled 2"],
)
def test_order_of_rules_changes_no_result(
    alias: str, fault: str | None, order: Callable[[], list[str]]
) -> None:
    assert _results(alias, [fault] if fault else [], order()) == _in_order(alias, fault)


@pytest.mark.parametrize("rule", one_in(4, RULES))
@pytest.mark.parametrize(
    "fault",
    [
        None,
        *(
            pytest.param(fault, marks=pytest.mark.slow)
            for fault in ("status-not-reset", "cap-ignored", "failed-refused")
        ),
    ],
)
def test_rule_checked_alone_has_its_result_of_the_whole(rule: str, fault: str | None) -> None:
    alone = _results("after", [fault] if fault else [], [rule])
    assert alone[rule] == _in_order("after", fault)[rule]


@pytest.mark.parametrize("rule", one_in(4, RULES))
def test_rule_checked_after_a_broken_one_has_its_result_of_the_whole(rule: str) -> None:
    order = ["second-retry-refused", "status-reset-to-created", rule]
    faults = ["status-not-reset", "second-retry-accepted"]
    results = _results("after", faults, order)
    assert results["status-reset-to-created"][0] == results["second-retry-refused"][0] == "broken"
    assert results[rule] == _in_order("after", *faults)[rule]


@pytest.mark.parametrize("rule", one_in(4, RULES))
def test_rule_checked_twice_has_one_result_and_sends_nothing_more(rule: str) -> None:
    endpoint = mock_of(CONTRACTS, CONTRACTS["after"])
    run = Run(endpoint, expect(CONTRACTS, "after"))
    first, sent = run.check(RULES[rule]), run.prober.traffic
    assert run.check(RULES[rule]) == first
    assert run.prober.traffic == sent
    endpoint.close()
