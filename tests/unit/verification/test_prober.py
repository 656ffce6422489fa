"""How messages are chosen, and which of their states a Retrieve shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retry_contract.exchange import Exchange, Observation
from retry_contract.rules.delivery import moved_on, was_in_order
from retry_contract.verification.states import STATES

FAILED = {"status": "failure"}
CREATED = {"status": "created"}


def _shown(status: Any = "failure", **members: Any) -> Exchange:
    body = json.dumps({"latestStatus": status, **members}).encode()
    return Exchange(1, "retrieve", "GET", "/", 200, {}, body)


def _around(before: Exchange | None, after: Exchange | None) -> Observation:
    return Observation("retried twice", _shown(), "campaign", "message", before, after)


@pytest.mark.parametrize(
    ("shown", "states"),
    [
        (_shown(), {"failure"}),
        (_shown(attempts=[FAILED] * 2), {"failure"}),
        (_shown(attempts=[FAILED] * 3), set()),
        (_shown(attempts=[FAILED] * 4), {"attempts-spent"}),
        (_shown("created", attempts=[CREATED] * 4), {"created"}),
        (_shown(batches=[{"status": "success"}]), {"batch:success"}),
        (
            _shown(batches=[{"status": "messages_enqueued"}]),
            {"failure", "batch:messages_enqueued"},
        ),
        (_shown(batches=[{"status": "success"}], attempts=[FAILED] * 3), set()),
        (_shown("sent", batches=[{"status": "success"}]), set()),
        (_shown(batches=7, attempts={"a": 1}), {"failure"}),
        (_shown(batches=["success", None]), {"failure"}),
        (_shown(None), set()),
        (_shown(["failure"]), set()),
    ],
)
def test_states_that_a_retrieve_shows(shown: Exchange, states: set[str]) -> None:
    every = ("failure", "created", "sent", "attempts-spent", "batch:success")
    asked = (*every, "batch:messages_enqueued")
    assert {state for state in asked if STATES[state].named(shown)} == states


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (_shown("created", attempts=[CREATED]), _shown("created", attempts=[CREATED] * 2), False),
        (
            _shown("created", attempts=[CREATED, FAILED]),
            _shown("created", attempts=[CREATED, FAILED, FAILED]),
            True,
        ),
        (_shown("failure", attempts=[FAILED]), _shown("created", attempts=[CREATED, FAILED]), True),
        (_shown("created"), _shown("created"), True),
        (_shown("success"), _shown("created"), False),
        (_shown("sent", attempts=[CREATED]), _shown("created", attempts=[1, None]), False),
        (None, _shown("created"), False),
    ],
)
def test_retry_that_may_have_been_in_order(
    before: Exchange | None, after: Exchange, expected: bool
) -> None:
    assert was_in_order(_around(before, after)) is expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("created", "enqueued", True),
        ("created", "failure", True),
        ("sent", "success", True),
        ("sent", "created", False),
        ("failure", "enqueued", False),
        ("success", "failure", False),
        ("created", "created", False),
        ("created", 7, False),
        (None, "created", False),
    ],
)
def test_delivery_leads_one_way(before: Any, after: Any, expected: bool) -> None:
    assert moved_on(_around(_shown(before), _shown(after))) is expected
    assert moved_on(_around(None, _shown(after))) is False
