"""Exchanges made by hand, and what a rule finds in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from retry_contract.contract.catalogue import Contract, catalogue
from retry_contract.contract.expectation import Expectation, expect
from retry_contract.exchange import Exchange, Kind, Observation, Observations
from retry_contract.outcome import Violation
from retry_contract.rules import RULES
from retry_contract.rules import scenarios as s

CONTRACTS = catalogue()
AFTER = expect(CONTRACTS, "after")
BEFORE = expect(CONTRACTS, "before")
KEY = "key_test_5ecret"
CAMPAIGN, MESSAGE = "campaign_1", "message_1"
JSON = {"content-type": "application/json"}
UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
TOO_MANY = "too_many_message_attempts_error"
WAS, NOW = "2024-05-16T16:48:42.247+08:00", "2024-05-16T16:48:59.157+08:00"


def message(contract: Contract = AFTER.contract, **changes: Any) -> dict[str, Any]:
    payload = {field: contract.sample("retry", field) for field in contract.fields()}
    return payload | {"id": MESSAGE, "campaignId": CAMPAIGN} | changes


def without(payload: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in names}


def exchange(
    payload: Any = None,
    status: int = 201,
    kind: Kind = "retry",
    *,
    number: int = 1,
    method: str = "POST",
    headers: Mapping[str, str] = JSON,
    body: bytes | None = None,
) -> Exchange:
    path = f"/api/v2/campaigns/{CAMPAIGN}/messages/{MESSAGE}/retry"
    content = json.dumps(payload).encode() if body is None else body
    return Exchange(number, kind, method, path, status, headers, content)


def shown(status: int = 200, **changes: Any) -> Exchange:
    payload = message(**{"latestStatus": "failure", "updatedAt": WAS} | changes)
    return exchange(payload, status, "retrieve", method="GET")


def nested(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "No.", "type": "domain_error", "id": "trace_1"}}


def flat(status: int) -> dict[str, Any]:
    return {"message": "No.", "statusCode": status}


def accepted(payload: Any = None, status: int = 201, **around: Any) -> Observation:
    response = exchange(message(updatedAt=NOW) if payload is None else payload, status)
    return Observation(s.ACCEPTED, response, CAMPAIGN, MESSAGE, **around)


def refused(scenario: str, exchange: Exchange, **around: Any) -> Observation:
    return Observation(scenario, exchange, CAMPAIGN, MESSAGE, **around)


def validate(
    rule: str, *found: Observation, expectation: Expectation = AFTER, key: str = KEY
) -> tuple[Violation, ...]:
    around = [e for o in found for e in (o.sent, o.before, o.exchange, o.after) if e is not None]
    return RULES[rule].violations(Observations(found, tuple(around), (key,)), expectation)


def broken(rule: str, *found: Observation, **options: Any) -> Violation:
    (violation,) = validate(rule, *found, **options)
    assert violation.rule == rule
    return violation
