"""What two public clients of the service expect of it holds on the documented service.

Read in git: opengovsg/plumber (postman-sms, commit ba07ea32, June 2024) and opengovsg/FormSG
(postman-sms.service).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from support.runs import check_all

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.contract.timeline import as_instant
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import RuleState
from retry_contract.rules.scenarios import FOREIGN_CAMPAIGN, UNKNOWN_CAMPAIGN
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.faults.model import Fault, statuses
from retry_contract.service.http import Request, Response
from retry_contract.service.model import Settings
from retry_contract.verification.run import Run

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
CONTRACTS = catalogue()
each_contract = pytest.mark.parametrize("contract", CONTRACTS)


def _send(contract: str, wanted: dict[str, Any], **settings: Any) -> Response:
    start = Start(contract, settings=Settings(**settings))
    sandbox = Sandbox(CONTRACTS, start, lambda: NOON)
    headers = {
        "authorization": f"Bearer {sandbox.own.key}",
        "content-type": "application/json",
    }
    path = f"/api/v2/campaigns/{sandbox.own.id}/messages"
    return sandbox.handle(Request("POST", path, headers, json.dumps(wanted).encode()))


@each_contract
def test_plumber_reads_the_id_and_the_time_of_a_send(contract: str) -> None:
    wanted = {"recipient": "6591234567", "language": "english", "values": {"name": "Tan"}}
    response = _send(contract, wanted)
    assert response.status == 201
    assert response.json()["id"].startswith("message_")
    assert as_instant(response.json()["createdAt"]) == NOON


@each_contract
def test_plumber_branches_on_the_nested_code_of_a_bad_number(contract: str) -> None:
    wanted = {"recipient": "not a number", "language": "english", "values": {"name": "Tan"}}
    response = _send(contract, wanted)
    assert response.status == 400
    assert response.json()["error"]["code"] == "parameter_invalid"


@each_contract
def test_formsg_sends_one_value_to_a_number_without_a_plus(contract: str) -> None:
    number = "+6591234567".replace("+", "")
    body = "Your OTP is 123456."
    wanted = {"recipient": number, "language": "english", "values": {"body": body}}
    response = _send(contract, wanted)
    assert response.status == 201
    assert (response.json()["recipient"], response.json()["values"]) == (number, {"body": body})


def test_plumber_takes_401_for_the_key_of_another_campaign_and_the_guide_403() -> None:
    unauthorised = Fault("foreign-is-401", "403 is 401.", None, statuses(401, of=403))
    for faults, status in ((), 403), ((unauthorised,), 401):
        endpoint = mock_of(CONTRACTS, CONTRACTS["after"], faults=list(faults))
        run = Run(endpoint, expect(CONTRACTS, "after"))
        results = {rule.rule: rule for rule in check_all(run).rules}
        assert results["foreign-campaign-refused"].state is RuleState.KEPT
        assert not any(rule.state is RuleState.BROKEN for rule in results.values())
        unknown, *probes = run.observe(FOREIGN_CAMPAIGN)
        assert [probe.exchange.status for probe in probes] == [status, status]
        assert unknown.scenario == UNKNOWN_CAMPAIGN
        assert unknown.exchange.status == status
        endpoint.close()
