"""Why a rule says nothing, word for word: a run shows it, with what would reach the rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.exchange import Exchange, Kind, Observation, Observations
from retry_contract.outcome import NotExercised
from retry_contract.rules import RULES
from retry_contract.rules import scenarios as s

AFTER = expect(catalogue(), "after")
PATH = "/api/v2/campaigns/campaign_1/messages/message_1/retry"
JSON = {"content-type": "application/json"}
ACCEPTED = {name: AFTER.contract.sample("retry", name) for name in AFTER.contract.fields()}
UNFAILED = "not failed: created"


def _exchange(payload: Any, status: int = 201, kind: Kind = "retry", **headers: str) -> Exchange:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Exchange(1, kind, "POST", PATH, status, {**JSON, **headers}, body)


def _seen(scenario: str, exchange: Exchange, **around: Exchange | None) -> Observation:
    fields: dict[str, Any] = {"before": None, "after": None, **around}
    return Observation(scenario, exchange, "campaign_1", "message_1", **fields)


def _shown(status: int = 200, **members: Any) -> Exchange:
    return _exchange({**ACCEPTED, **members}, status, "retrieve")


REFUSAL = _exchange({"message": "No.", "statusCode": 400}, 400)
MOVED_ON = {
    "before": _shown(latestStatus="sent", attempts=[{"status": "sent"}]),
    "after": _shown(
        latestStatus="created", attempts=[{"status": "created"}, {"status": "failure"}]
    ),
}
REASONS: Mapping[tuple[str, str], tuple[Observation, ...]] = {
    ("campaign-id-kept", "no retry was accepted (status 400, 404)"): (
        _seen(s.ACCEPTED, REFUSAL),
        _seen(s.BATCH_ENQUEUED, _exchange({}, 404)),
        _seen(s.BATCH_ENQUEUING_FAILED, REFUSAL),
    ),
    ("message-id-kept", "no accepted retry was answered with a JSON object"): (
        _seen(s.ACCEPTED, _exchange([])),
    ),
    ("response-matches-schema", "no accepted retry was answered with JSON"): (
        _seen(s.ACCEPTED, _exchange(b"{")),
    ),
    ("created-at-kept", "Retrieve did not show the message"): (
        _seen(s.ACCEPTED, _exchange(ACCEPTED)),
    ),
    ("updated-at-moves-on", "no two timestamps could be compared"): (
        _seen(s.ACCEPTED, _exchange(ACCEPTED), before=_shown(updatedAt="yesterday")),
    ),
    ("same-shape-as-single-send", "needs --provision simulator"): (
        _seen(s.ACCEPTED, _exchange(ACCEPTED)),
    ),
    ("unfailed-message-refused", "the message moved on"): (
        _seen(UNFAILED, _exchange(ACCEPTED), **MOVED_ON),
    ),
    ("refusal-changes-nothing", "no refusal of a known message was observed"): (
        _seen(s.UNKNOWN, REFUSAL),
    ),
    ("error-shape", "no such refusal was observed"): (_seen(s.UNKNOWN, _exchange({}, 500)),),
    ("error-code-documented", "no such refusal was observed"): (
        _seen(s.NO_KEY, _exchange({}, 401)),
    ),
    ("one-contract-served", "no response held a message"): (_seen(s.ACCEPTED, REFUSAL),),
    ("contract-in-force-served", "no accepted retry was answered with a message"): (
        _seen(s.ACCEPTED, REFUSAL),
    ),
    ("generated-requests-answered", "needs --fuzz N"): (),
    ("generated-sequences-kept", "needs --fuzz N"): (),
}


@pytest.mark.parametrize(("rule", "reason"), REASONS)
def test_rule_says_why_it_says_nothing(rule: str, reason: str) -> None:
    found = REASONS[rule, reason]
    exchanges = tuple(observation.exchange for observation in found)
    with pytest.raises(NotExercised) as raised:
        RULES[rule].violations(Observations(found, exchanges, ("key_test_1",)), AFTER)
    assert str(raised.value) == reason
