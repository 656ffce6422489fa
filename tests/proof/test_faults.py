"""Every fault is caught by its own rule, and the documented service breaks none."""

from __future__ import annotations

import functools
import importlib
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from support.runs import check_all
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import Expectation, expect, expect_at
from retry_contract.endpoint.mock import MockEndpoint, mock_of
from retry_contract.outcome import ContractResult, RuleResult, RuleState, Verdict, conclude
from retry_contract.rules import ESSENTIAL, GENERATED, RULES
from retry_contract.service.faults import FAULTS, Fault
from retry_contract.service.model import Settings
from retry_contract.verification.run import Run

CONTRACTS = catalogue()
ALIASES = ("before", "after")
EACH = pytest.mark.parametrize("alias", [pytest.param("before", marks=pytest.mark.slow), "after"])
BY_HAND = RULES.keys() - GENERATED
"""The rules that need no generated case."""
TAKES_CREATOR_ID = {name for name, fault in FAULTS.items() if name.startswith("creator-id-")}
"""Faults in a field that the contract of before does not have."""
SHOWN_LATER = {
    "creator-id-missing",
    "creator-id-missing-of-old",
    "creator-id-wrong-case",
    "creator-id-nested",
}
"""Those of them that are met on the before side as well: across the cutover."""
SLOW_SCRIPTS = ("fault_table", "reach_table", "cutover_table")
"""The scripts that run the rules; that of the rules' own page reads their data."""


@functools.cache
def _checked(alias: str, fault: str | None = None, without: str | None = None) -> ContractResult:
    contract = CONTRACTS[alias]
    endpoint = mock_of(CONTRACTS, contract, faults=[FAULTS[fault]] if fault else [])
    run = Run(endpoint, expect(CONTRACTS, alias), frozenset({without} if without else ()))
    result = check_all(run)
    endpoint.close()
    return result


def _in_state(result: ContractResult, state: RuleState) -> dict[str, RuleResult]:
    return {r.rule: r for r in result.rules if r.state is state}


def _broken(result: ContractResult) -> dict[str, RuleResult]:
    return _in_state(result, RuleState.BROKEN)


# The documented service


@EACH
@pytest.mark.parametrize("errors", ["nested", "flat"])
@pytest.mark.parametrize("cap", ["attempts", "retries"])
def test_documented_service_keeps_every_rule(alias: str, errors: Any, cap: Any) -> None:
    settings = Settings(cap=cap, errors=errors)
    endpoint = mock_of(CONTRACTS, CONTRACTS[alias], settings=settings)
    result = check_all(Run(endpoint, expect(CONTRACTS, alias)))
    assert _in_state(result, RuleState.KEPT).keys() == BY_HAND
    assert result.drift == ()


# The faulty ones


@pytest.mark.parametrize("fault", one_in(3, [f.name for f in FAULTS.values() if f.rule]))
@EACH
def test_fault_is_caught_by_its_own_rule_on_each_contract_that_it_touches(
    fault: str, alias: str
) -> None:
    if alias == "after" or fault not in TAKES_CREATOR_ID:
        assert FAULTS[fault].rule in _broken(_checked(alias, fault))


@pytest.mark.slow
@pytest.mark.parametrize("fault", sorted(TAKES_CREATOR_ID))
def test_fault_in_creator_id_touches_the_earlier_contract_only_across_the_cutover(
    fault: str,
) -> None:
    expected = {"contract-in-force-served"} if fault in SHOWN_LATER else set()
    assert _broken(_checked("before", fault)).keys() == expected


DRIFT = {
    "undocumented-field": "undocumented field",
    "timestamp-in-utc": "the offset is not +08:00",
}


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("fault", [f.name for f in FAULTS.values() if f.testable and not f.rule])
def test_fault_without_a_rule_is_drift_and_no_violation(alias: str, fault: str) -> None:
    result = _checked(alias, fault)
    assert _in_state(result, RuleState.KEPT).keys() == BY_HAND
    assert [d.message for d in result.drift] == [DRIFT[fault]]


def test_what_the_contract_does_not_speak_of_is_no_fault_of_a_rule() -> None:
    assert DRIFT.keys() == {f.name for f in FAULTS.values() if f.testable and f.rule is None}


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("fault", [f.name for f in FAULTS.values() if not f.testable])
def test_fault_in_timing_leaves_nothing_to_check(alias: str, fault: str) -> None:
    result = _checked(alias, fault)
    assert not _broken(result)
    verdict, reason = conclude((result,), essential=ESSENTIAL, failure=None, strict=False)
    assert verdict is Verdict.NOT_TESTED
    assert reason is not None


@EACH
@pytest.mark.parametrize("fault", one_in(3, FAULTS))
def test_violation_says_where_and_what_and_in_which_request(alias: str, fault: str) -> None:
    for rule, result in _broken(_checked(alias, fault)).items():
        for violation in result.violations:
            assert violation.rule == rule
            assert violation.expected
            assert violation.actual
            assert violation.expected != violation.actual
            assert re.search(r"\((?:[^()]*, )?request [1-9][0-9]*\)$", violation.message)
            assert re.fullmatch(r"(?:/[^/]+)*", violation.pointer)


# The rules


@functools.cache
def _own_faults() -> dict[str, list[str]]:
    own: dict[str, list[str]] = {rule: [] for rule in RULES}
    for fault in FAULTS.values():
        if fault.rule:
            own[fault.rule].append(fault.name)
    return own


def test_every_rule_is_the_own_rule_of_a_fault() -> None:
    assert [rule for rule in sorted(BY_HAND) if not _own_faults()[rule]] == []


@pytest.mark.slow
@pytest.mark.parametrize("rule", sorted(BY_HAND))
def test_rule_that_is_left_out_misses_its_fault(rule: str) -> None:
    fault = _own_faults()[rule][0]
    result = _checked("after", fault, without=rule)
    assert _in_state(result, RuleState.IGNORED).keys() == {rule}
    others = _broken(_checked("after", fault)).keys() - {rule}
    assert _broken(result).keys() == others


ALONE = {
    "body-is-json",
    "response-matches-schema",
    "updated-at-moves-on",
    "status-is-201",
    "status-reset-to-created",
    "same-shape-as-single-send",
    "retrieve-agrees",
    "unknown-message-refused",
    "unfailed-message-refused",
    "concurrent-retries-accepted-once",
    "attempts-capped",
    "revoked-key-refused",
    "key-required",
    "wrong-key-refused",
    "foreign-campaign-refused",
    "refusal-changes-nothing",
    "error-shape",
    "error-code-documented",
    "no-secret-echoed",
    "batch-status-respected",
    "content-type-is-json",
    "neighbours-match-schema",
    "wrong-method-refused",
    "contract-in-force-served",
}
"""Rules with a fault that no other rule catches: without them it would pass as kept."""


@pytest.mark.slow
def test_rules_that_alone_catch_a_fault() -> None:
    caught_alone = {
        next(iter(broken))
        for fault, alias in itertools.product(FAULTS, ALIASES)
        if len(broken := _broken(_checked(alias, fault))) == 1
    }
    assert caught_alone == ALONE


# The faults as a catalogue


def _is_well_formed(name: str, fault: Fault) -> bool:
    return (
        name == fault.name
        and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) is not None
        and re.fullmatch(r"[A-Za-z][^.\n]*\.", fault.sentence) is not None
        and (fault.rule is None or fault.rule in RULES)
    )


def test_every_fault_has_a_name_in_kebab_case_and_one_sentence() -> None:
    assert [name for name, fault in FAULTS.items() if not _is_well_formed(name, fault)] == []


def test_fault_names_and_sentences_are_unique() -> None:
    names = [fault.name for fault in FAULTS.values()]
    sentences = [fault.sentence for fault in FAULTS.values()]
    assert len(set(names)) == len(names)
    assert len(set(sentences)) == len(sentences)


# The transition


def _served(served: str, expectation: Expectation) -> ContractResult:
    assert expectation.instant is not None
    endpoint = MockEndpoint(CONTRACTS, expectation.instant, lambda _: CONTRACTS[served])
    result = check_all(Run(endpoint, expectation))
    endpoint.close()
    return result


@pytest.mark.parametrize(
    ("instant", "in_force_then", "served"),
    [
        ("2025-01-27T00:00:00+08:00", "before", "after"),
        ("2025-02-23T23:59:59+08:00", "before", "after"),
        ("2025-02-24T00:00:00+08:00", "after", "before"),
        ("2025-02-23T16:00:00Z", "after", "before"),
        ("2025-02-24T23:59:59+08:00", "after", "before"),
    ],
)
def test_other_contract_in_the_transition_is_drift(
    instant: str, in_force_then: str, served: str
) -> None:
    expectation = expect_at(CONTRACTS, instant)
    result = _served(served, expectation)
    assert result.contract == CONTRACTS[in_force_then].name
    assert not _broken(result)
    (drift,) = result.drift
    assert drift.message == (
        f"{CONTRACTS[served].name} is served while {result.contract} is in force (transition)"
    )


@pytest.mark.parametrize("alias", ALIASES)
def test_contract_in_force_in_the_transition_is_no_drift(alias: str) -> None:
    instant = {"before": "2025-01-27", "after": "2025-02-24"}[alias]
    result = _served(alias, expect_at(CONTRACTS, instant))
    assert not _broken(result)
    assert result.drift == ()


@pytest.mark.parametrize(
    ("instant", "served", "expected"),
    [
        (
            "2025-01-26T23:59:59+08:00",
            "after",
            "absent: before-2025-02-24 is in force at 2025-01-26T23:59:59+08:00, "
            "from the beginning",
        ),
        (
            "2025-02-25T00:00:00+08:00",
            "before",
            "present: after-2025-02-24 is in force at 2025-02-25T00:00:00+08:00, "
            "since 2025-02-24T00:00:00+08:00",
        ),
    ],
)
def test_other_contract_outside_the_transition_is_broken_and_says_since_when(
    instant: str, served: str, expected: str
) -> None:
    broken = _broken(_served(served, expect_at(CONTRACTS, instant)))
    assert {"contract-in-force-served", "creator-id-as-contracted"} <= broken.keys()
    (violation,) = broken["contract-in-force-served"].violations
    assert violation.expected == expected
    assert "2025-02-24T00:00:00+08:00" in violation.message


@pytest.mark.parametrize(
    "script",
    ["rule_table", *(pytest.param(s, marks=pytest.mark.slow) for s in SLOW_SCRIPTS)],
)
def test_what_a_script_has_written_is_up_to_date(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts")
    for file, text in importlib.import_module(script).written().items():
        assert file.read_text(encoding="utf-8") == text
