"""Every fault is caught by `verify` over real HTTP, and the documented service breaks nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.sample import one_in

from retry_contract.cli.main import main
from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve
from retry_contract.rules import GENERATED, RULES
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.faults import FAULTS
from retry_contract.service.model import PREFIX, Settings

CONTRACTS = catalogue()
CUTOVER = CONTRACTS["after"].period.effective_from
DELIVERY = timedelta(milliseconds=60)
NEEDS_A_CLOCK = {"contract-in-force-served"}
"""Rules that need a clock to be set as well, beyond what they see on every response."""

Verify = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Run `verify` against a sandbox, as its `--run` would; give the exit code and the outcome."""

    def run(start: Start, *options: str, states: tuple[str, ...] = ()) -> tuple[int, Any]:
        sandbox = Sandbox(CONTRACTS, start, lambda: datetime.now(UTC))
        with serve(sandbox.handle) as (url,):
            monkeypatch.setenv("RETRY_CONTRACT_ENDPOINT", url + PREFIX)
            monkeypatch.setenv("RETRY_CONTRACT_CAMPAIGN", sandbox.own.id)
            monkeypatch.setenv("RETRY_CONTRACT_FOREIGN_CAMPAIGN", sandbox.foreign.id)
            monkeypatch.setenv(
                "RETRY_CONTRACT_MESSAGES", ",".join(sandbox.messages[state] for state in states)
            )
            monkeypatch.setenv("POSTMAN_API_KEY", sandbox.own.key)
            monkeypatch.setenv("RETRY_CONTRACT_REVOKED_KEY", sandbox.own.revoked_key)
            if not states:
                monkeypatch.setenv("RETRY_CONTRACT_SANDBOX", url + CONTROL)
            code = main(["verify", "--json", "--fuzz", "0", *options])
        return code, json.loads(capsys.readouterr().out)

    return run


def _start(fault: str) -> Start:
    """Return the sandbox in which a fault shows: those about the cutover near to it."""
    # Retries that are sent at once must come back before one of them has failed again.
    settings = Settings(delivery=10 * DELIVERY if fault == "concurrent-accepted" else DELIVERY)
    near = {"cutover-early": -timedelta(minutes=30), "cutover-late": timedelta(minutes=30)}
    if fault in near:
        assert CUTOVER is not None
        return Start("auto", CUTOVER + near[fault], (fault,), settings)
    return Start("after", None, (fault,), settings)


def _in_state(document: dict[str, Any], state: str) -> set[str]:
    (contract,) = document["contracts"]
    return {rule["rule"] for rule in contract["rules"] if rule["state"] == state}


@pytest.mark.parametrize("fault", one_in(100, FAULTS))
def test_fault_is_caught_by_its_own_rule(fault: str, verify: Verify) -> None:
    contract = "before" if fault == "cutover-early" else "after"
    code, document = verify(
        _start(fault),
        "--contract",
        contract,
        "--provision",
        "simulator",
        "--timeout",
        "1",
        "--max-seconds",
        "2",
    )
    rule, broken = FAULTS[fault].rule, _in_state(document, "broken")
    if not FAULTS[fault].testable:
        assert (code, document["outcome"], broken) == (3, "not tested", set())
    elif rule is None:
        assert (code, broken) == (0, set())
        assert [drift["message"] for drift in document["contracts"][0]["drift"]]
    else:
        assert (code, document["outcome"]) == (1, "broken")
        assert rule in broken


@pytest.mark.slow
@pytest.mark.parametrize("contract", one_in(2, ["after", "before"]))
@pytest.mark.parametrize("errors", one_in(2, ["nested", "flat"]))
@pytest.mark.parametrize("cap", one_in(2, ["attempts", "retries"]))
@pytest.mark.parametrize("how", one_in(2, ["simulated", "named"]))
def test_documented_service_breaks_nothing(
    contract: str, errors: Any, cap: Any, how: str, verify: Verify
) -> None:
    start = Start(contract, settings=Settings(cap=cap, errors=errors, delivery=DELIVERY))
    states = ("failure", "created", "success", "batch:success") if how == "named" else ()
    options = [] if states else ["--provision", "simulator"]
    code, document = verify(start, "--contract", contract, *options, states=states)
    assert _in_state(document, "broken") == set()
    assert (code, document["outcome"]) == (0, "kept")
    assert document["contracts"][0]["drift"] == []
    if how == "simulated":
        assert _in_state(document, "kept") == RULES.keys() - GENERATED
