"""Every fault is caught over HTTP with what a user can give: messages, a key and campaigns.

There are no controls at hand, as there are none of a service that nobody here wrote.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.sample import one_in
from support.server import Served, serve

from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import RuleResult, RuleState
from retry_contract.rules import GENERATED, RULES
from retry_contract.service.faults import FAULTS
from retry_contract.service.model import Settings
from retry_contract.service.seeds import seed
from retry_contract.verification.options import read_options
from retry_contract.verification.verification import Verification

DELIVERY, SLOW_DELIVERY = timedelta(milliseconds=60), timedelta(milliseconds=500)
"""In the latter, retries that are sent at once come back before one has failed again."""

ODD = ("before-cutover", "other-creator", "special-values")
STATES = (*ODD, *["failure"] * 12, "success", "batch:messages_enqueuing_failed", "batch:other")
OUT_OF_REACH = {"cutover-early", "cutover-late", "creator-id-of-caller"}
"""Faults that show only at an instant that a sandbox can be set to, or by the hook."""


@contextlib.contextmanager
def verified(
    *faults: str, contract: str = "after", delivery: timedelta = DELIVERY, **given: Any
) -> Iterator[dict[str, RuleResult]]:
    """Verify a service with everything provided, and no more."""
    with serve(contract, settings=Settings(delivery=delivery), faults=faults) as served:
        options = _provided(served, contract) | given
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("POSTMAN_API_KEY", served.key)
            own = served.service.campaigns[served.campaign]
            patch.setenv("RETRY_CONTRACT_REVOKED_KEY", own.revoked_key)
            verification = Verification(read_options(options, catalogue=catalogue()))
        with contextlib.closing(verification):
            (run,) = verification.names
            yield {rule: verification.check(run, rule) for rule in RULES}


def _provided(served: Served, contract: str) -> dict[str, Any]:
    own = served.service.campaigns[served.campaign]
    return {
        "endpoint": served.url,
        "contract": contract,
        "campaign": served.campaign,
        "foreign-campaign": served.foreign_campaign,
        "message": [seed(served.service, own, state).id for state in STATES],
        "provision": "simulator",
        "timeout": "2",
        "fuzz": "0",
        "max-seconds": "2",
    }


@pytest.mark.parametrize(
    "fault",
    one_in(16, [f.name for f in FAULTS.values() if f.rule and f.name not in OUT_OF_REACH]),
)
def test_fault_is_caught_by_its_own_rule(fault: str) -> None:
    with verified(fault) as results:
        broken = {rule for rule, result in results.items() if result.state is RuleState.BROKEN}
    assert FAULTS[fault].rule in broken


def test_documented_service_keeps_every_rule_and_leaves_none_out() -> None:
    with verified(delivery=SLOW_DELIVERY) as results:
        states = {rule: result.state for rule, result in results.items()}
    assert {rule for rule, state in states.items() if state is RuleState.BROKEN} == set()
    assert {rule for rule, state in states.items() if state is RuleState.NOT_EXERCISED} == GENERATED
