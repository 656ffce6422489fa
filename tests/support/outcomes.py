"""Outcomes by hand: every rule is kept, but for those that a test speaks of."""

from __future__ import annotations

from typing import Any

from retry_contract.outcome import (
    ContractResult,
    Drift,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Verdict,
    Violation,
)
from retry_contract.rules import RULES

BEFORE, AFTER = "before-2025-02-24", "after-2025-02-24"
URL = "https://test.postman.gov.sg/api/v2"


def violation(rule: str = "message-id-kept", pointer: str = "/id", **more: Any) -> Violation:
    given = {
        "message": f"{pointer} is another string of 44 characters",
        "expected": "the id in the path",
        "actual": "another string of 44 characters",
        "seen": "accepted, request 2",
        "scenario": "accepted",
    }
    return Violation(rule, pointer, **{**given, **more})


def broken(*found: Violation, rule: str | None = None, contract: str = AFTER) -> RuleResult:
    found = found or (violation(),)
    return RuleResult(rule or found[0].rule, contract, RuleState.BROKEN, found)


def left_out(rule: str, reason: str, *, ignored: bool = False, contract: str = AFTER) -> RuleResult:
    state = RuleState.IGNORED if ignored else RuleState.NOT_EXERCISED
    return RuleResult(rule, contract, state, reason=reason)


def checked(*results: RuleResult, contract: str = AFTER, drift: tuple[Drift, ...] = ()) -> Any:
    told = {result.rule: result for result in results}
    kept = {rule: RuleResult(rule, contract, RuleState.KEPT) for rule in RULES}
    return ContractResult(contract, tuple((kept | told).values()), drift)


def outcome(verdict: Verdict, *contracts: ContractResult, **more: Any) -> Outcome:
    given = {
        "endpoint": "mock",
        "traffic": Traffic(7, {"200": 4, "201": 3}),
        "seconds": 1.5,
        "versions": {"python": "3.11.0"},
    }
    return Outcome(verdict, contracts=contracts, **{**given, **more})
