"""Verdicts, exit codes and counts."""

from __future__ import annotations

import pytest

from retry_contract.outcome import (
    ContractResult,
    Drift,
    ExitCode,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Verdict,
    Violation,
    conclude,
)

ESSENTIAL = frozenset({"message-id-kept"})
DRIFT = (Drift("/language", "undocumented field"),)


def _contract(name: str = "after", drift: tuple[Drift, ...] = (), **states: str) -> ContractResult:
    rules = (
        RuleResult(rule.replace("_", "-"), name, RuleState(state)) for rule, state in states.items()
    )
    return ContractResult(name, tuple(rules), drift)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.KEPT, 0),
        (Verdict.BROKEN, 1),
        (Verdict.USAGE_ERROR, 2),
        (Verdict.NOT_TESTED, 3),
    ],
)
def test_exit_code_of_a_verdict(verdict: Verdict, code: int) -> None:
    assert verdict.exit_code == code
    assert isinstance(verdict.exit_code, ExitCode)


def test_every_verdict_has_its_own_exit_code() -> None:
    assert {v.exit_code for v in Verdict} == set(ExitCode)


def test_kept_needs_an_accepted_retry_for_each_contract() -> None:
    kept = _contract("before", message_id_kept="kept", attempts_capped="not exercised")
    assert conclude([kept], essential=ESSENTIAL) == (Verdict.KEPT, None)
    lacking = _contract("after", message_id_kept="not exercised", key_required="kept")
    assert conclude([kept, lacking], essential=ESSENTIAL) == (
        Verdict.NOT_TESTED,
        "no rule about an accepted retry was exercised for after",
    )


@pytest.mark.parametrize("state", ["ignored", "not exercised"])
def test_essential_rule_that_was_left_out_is_not_kept(state: str) -> None:
    contract = _contract(message_id_kept=state, key_required="kept")
    assert conclude([contract], essential=ESSENTIAL)[0] is Verdict.NOT_TESTED


@pytest.mark.parametrize("contracts", [[], [_contract()], [_contract(message_id_kept="ignored")]])
def test_nothing_exercised_is_not_tested(contracts: list[ContractResult]) -> None:
    assert conclude(contracts, essential=ESSENTIAL) == (
        Verdict.NOT_TESTED,
        "no rule was exercised",
    )


def test_broken_rule_outweighs_all_else() -> None:
    contracts = [
        _contract("before", message_id_kept="kept"),
        _contract("after", DRIFT, message_id_kept="not exercised", key_required="broken"),
    ]
    assert conclude(contracts, essential=ESSENTIAL) == (Verdict.BROKEN, None)
    assert conclude(contracts, essential=ESSENTIAL, failure="unreachable", strict=True) == (
        Verdict.BROKEN,
        "unreachable",
    )


def test_early_end_is_not_tested_though_rules_were_kept() -> None:
    contract = _contract(message_id_kept="kept")
    assert conclude([contract], essential=ESSENTIAL, failure="interrupted") == (
        Verdict.NOT_TESTED,
        "interrupted",
    )
    assert conclude([], essential=ESSENTIAL, failure="unreachable") == (
        Verdict.NOT_TESTED,
        "unreachable",
    )


def test_drift_is_a_failure_only_when_strict() -> None:
    contract = _contract("after", DRIFT, message_id_kept="kept")
    assert conclude([contract], essential=ESSENTIAL) == (Verdict.KEPT, None)
    verdict, reason = conclude([contract], essential=ESSENTIAL, strict=True)
    assert verdict is Verdict.BROKEN
    assert reason is not None
    assert "--strict" in reason


def test_contracts_may_come_from_a_generator() -> None:
    results = (_contract(message_id_kept="kept") for _ in range(2))
    assert conclude(results, essential=ESSENTIAL) == (Verdict.KEPT, None)


def test_traffic_adds_up_by_status_in_order() -> None:
    total = Traffic(3, {"400": 2, "201": 1}) + Traffic(2, {"429": 1, "201": 1}) + Traffic()
    assert total == Traffic(5, {"201": 2, "400": 2, "429": 1})
    assert list(total.responses) == ["201", "400", "429"]
    assert Traffic() + Traffic() == Traffic()


def test_rules_in_a_state_come_from_every_contract() -> None:
    before = _contract("before", message_id_kept="kept", key_required="ignored")
    after = _contract("after", message_id_kept="broken", key_required="ignored")
    outcome = Outcome(Verdict.BROKEN, "mock", contracts=(before, after))
    ignored = outcome.in_state(RuleState.IGNORED)
    assert [(r.contract, r.rule) for r in ignored] == [
        ("before", "key-required"),
        ("after", "key-required"),
    ]
    assert outcome.in_state(RuleState.NOT_EXERCISED) == ()


def test_values_are_equal_by_content_and_frozen() -> None:
    violation = Violation("message-id-kept", "/id", "m", "e", "a")
    assert violation == Violation("message-id-kept", "/id", "m", "e", "a")
    with pytest.raises(AttributeError):
        violation.rule = "other"  # type: ignore[misc]


def test_text_of_a_violation_is_one_line_and_its_repr_has_every_member() -> None:
    violation = Violation("status-is-201", "", "m", "status 201", "status 200", place="status")
    assert str(violation) == "the status: expected status 201, came status 200 (status-is-201)"
    assert f"{violation}" == str(violation)
    violation = Violation("message-id-kept", "/id", "m", "e", "a", seen="request 2")
    assert str(violation) == "/id: expected e, came a (message-id-kept)"
    assert repr(violation).startswith(
        "Violation(rule='message-id-kept', pointer='/id', message='m'"
    )
