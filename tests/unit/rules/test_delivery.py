"""What a delivery does by itself, in the published order of the statuses (guide, Statuses)."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from retry_contract.exchange import Exchange, Observation
from retry_contract.rules.delivery import follows, moved_on, was_in_order

ON_THE_WAY = ("created", "enqueued", "sending", "sent", "sent_to_telco")
ENDS = ("success", "failure")


def _shown(status: Any, *attempts: Any) -> Exchange:
    payload = {"latestStatus": status, "attempts": list(attempts)}
    body = json.dumps(payload).encode()
    return Exchange(1, "retrieve", "GET", "/", 200, {"content-type": "application/json"}, body)


def _around(before: Exchange | None, after: Exchange | None) -> Observation:
    response = Exchange(2, "retry", "POST", "/", 201, {}, b"{}")
    return Observation("not failed: sent", response, "campaign_1", "message_1", before, after)


def test_statuses_follow_in_the_published_order() -> None:
    order = {status: place for place, status in enumerate(ON_THE_WAY)} | dict.fromkeys(ENDS, 5)
    pairs = list(itertools.product(ON_THE_WAY + ENDS, repeat=2))
    expected = {(before, after) for before, after in pairs if order[before] < order[after]}
    assert {pair for pair in pairs if follows(*pair)} == expected
    assert {(b, a) for b, a in pairs if moved_on(_around(_shown(b), _shown(a)))} == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "sent"),
        ([], "sent"),
        ("created", None),
        ("created", []),
        (7, "sent"),
        ("lost", "success"),
        ("created", "lost"),
    ],
)
def test_what_is_no_status_follows_nothing(before: Any, after: Any) -> None:
    assert not follows(before, after)


@pytest.mark.parametrize("missing", ["before", "after", "both"])
def test_without_a_retrieve_on_both_sides_nothing_is_known(missing: str) -> None:
    before = _shown("created") if missing == "after" else None
    after = _shown("sent") if missing == "before" else None
    assert not moved_on(_around(before, after))
    assert not was_in_order(_around(before, after))


FAILED, SENT, CREATED = {"status": "failure"}, {"status": "sent"}, {"status": "created"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (_shown("sent", SENT), _shown("created", CREATED, FAILED), True),
        (_shown("sent", SENT), _shown("created", CREATED, SENT), False),
        (_shown("sent", SENT), _shown("sent", SENT), False),
        (_shown("sent", SENT), _shown("created", CREATED, FAILED, FAILED), False),
        (_shown("sent"), _shown("created", CREATED), False),
        (_shown("sent"), _shown("failure", FAILED, FAILED), False),
        (_shown("sent", SENT), _shown("created", CREATED, "failure"), False),
        (_shown("failure", FAILED), _shown("failure", FAILED), True),
        (_shown("success", SENT), _shown("created", CREATED, FAILED), False),
    ],
)
def test_retry_was_in_order_if_the_attempt_before_it_has_failed(
    before: Exchange, after: Exchange, expected: bool
) -> None:
    assert was_in_order(_around(before, after)) is expected


@pytest.mark.parametrize(
    ("sends", "after", "expected"),
    [
        (2, (CREATED, FAILED, FAILED), True),
        (2, (CREATED, FAILED), False),
        (2, (FAILED, FAILED), False),
        (2, (CREATED, SENT, FAILED), False),
        (None, (CREATED, FAILED), True),
    ],
)
def test_after_the_response_to_another_retry_it_goes_by_the_sends_before(
    sends: int | None, after: tuple[Any, ...], expected: bool
) -> None:
    """`after` are the attempts that are listed once two retries were sent with nothing between."""
    first = replace(_shown("created"), kind="retry", body=b'{"latestStatus": "created"}')
    around = replace(_around(first, _shown("created", *after)), sends=sends)
    assert was_in_order(around) is expected


@pytest.mark.parametrize("attempts", [None, "x", {}])
@pytest.mark.parametrize("side", ["before", "after"])
def test_without_attempts_a_retry_may_have_been_in_order(side: str, attempts: Any) -> None:
    listed = _shown("sent", SENT)
    body = json.dumps({"latestStatus": "sent", "attempts": attempts}).encode()
    unlisted = Exchange(1, "retrieve", "GET", "/", 200, {}, body)
    around = _around(unlisted, listed) if side == "before" else _around(listed, unlisted)
    assert was_in_order(around)
