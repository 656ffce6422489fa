"""Rules about refusals, where one run holds several of them, or one that is not complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.observed import (
    AFTER,
    TOO_MANY,
    UNRETRYABLE,
    accepted,
    broken,
    exchange,
    flat,
    nested,
    refused,
    shown,
    validate,
)

from retry_contract.outcome import NotExercised
from retry_contract.rules import ESSENTIAL, RULES
from retry_contract.rules import scenarios as s

REFUSAL = exchange(nested(UNRETRYABLE), 400)
ONCE, TWICE, THRICE = ([{"status": "failure"}] * times for times in (1, 2, 3))
SAME: dict[str, Any] = {"before": shown(), "after": shown()}


def test_two_accepted_retries_are_below_either_cap() -> None:
    tried = [refused(s.ATTEMPTS, exchange(number=number)) for number in (1, 2)]
    assert not validate("attempts-capped", *tried)


@pytest.mark.parametrize("around", [{}, {"before": shown()}, {"after": shown()}])
def test_refusal_without_both_retrieves_is_passed_over(around: dict[str, Any]) -> None:
    changed = refused(s.WRONG_KEY, REFUSAL, before=shown(), after=shown(latestStatus="created"))
    violation = broken("refusal-changes-nothing", refused(s.NO_KEY, REFUSAL, **around), changed)
    assert violation.pointer == "/latestStatus"
    with pytest.raises(NotExercised):
        validate("refusal-changes-nothing", refused(s.NO_KEY, REFUSAL, **around))


def test_refusal_of_a_message_that_retrieve_did_not_know_is_passed_over() -> None:
    unknown = refused(s.NO_KEY, REFUSAL, before=shown(404), after=shown(404))
    changed = refused(s.WRONG_KEY, REFUSAL, before=shown(), after=shown(latestStatus="created"))
    assert broken("refusal-changes-nothing", unknown, changed).pointer == "/latestStatus"


def test_one_lost_message_does_not_hide_another_that_has_changed() -> None:
    lost = refused(s.NO_KEY, REFUSAL, before=shown(), after=shown(404))
    changed = refused(s.WRONG_KEY, REFUSAL, before=shown(), after=shown(latestStatus="created"))
    found = validate("refusal-changes-nothing", lost, changed)
    assert [violation.pointer for violation in found] == ["", "/latestStatus"]


def test_two_refusals_that_change_nothing_are_kept() -> None:
    both = [refused(scenario, REFUSAL, **SAME) for scenario in (s.NO_KEY, s.WRONG_KEY)]
    assert not validate("refusal-changes-nothing", *both)


def test_attempt_that_a_refusal_adds_is_told_by_their_number() -> None:
    around = {"before": shown(attempts=ONCE), "after": shown(attempts=TWICE)}
    violation = broken("refusal-changes-nothing", refused(s.NO_KEY, REFUSAL, **around))
    told = (violation.pointer, violation.expected, violation.actual)
    assert told == ("/attempts", "unchanged by a refusal", "of another length")


@pytest.mark.parametrize(
    ("scenario", "attempts", "allowed"),
    [
        (s.RETRIED_TWICE, TWICE, False),
        (s.RETRIED_TWICE, THRICE, True),
        (s.UNFAILED[0], THRICE, True),
        (s.UNKNOWN, THRICE, False),
    ],
)
def test_cap_is_a_cause_too_once_a_message_was_tried_three_times(
    scenario: str, attempts: list[Any], allowed: bool
) -> None:
    around = {"before": shown(attempts=attempts), "after": shown(attempts=attempts)}
    spent = refused(scenario, exchange(nested(TOO_MANY), 400), **around)
    assert (not validate("error-code-documented", spent)) is allowed
    unretryable = refused(scenario, REFUSAL, **around)
    assert not validate("error-code-documented", unretryable)


def test_both_causes_are_told() -> None:
    around = {"before": shown(attempts=THRICE), "after": shown(attempts=THRICE)}
    response = exchange(nested("no_such_code"), 400)
    violation = broken("error-code-documented", refused(s.RETRIED_TWICE, response, **around))
    assert violation.expected == f"{UNRETRYABLE} or {TOO_MANY}"


@pytest.mark.parametrize("status", [200, 299, 300, 301, 405, 499, 500])
def test_wrong_method_is_neither_accepted_nor_a_server_error(status: int) -> None:
    found = validate(
        "wrong-method-refused", refused(s.WRONG_METHOD, exchange(flat(status), status))
    )
    assert (not found) is (300 <= status < 500)


def test_contract_that_is_served_cannot_be_wrong_where_any_is_expected() -> None:
    expectation = replace(AFTER, as_served=True)
    with pytest.raises(NotExercised) as raised:
        validate("contract-in-force-served", accepted(), expectation=expectation)
    reason = "--contract served expects whatever is served; name one, or use auto"
    assert str(raised.value) == reason


def test_response_that_is_passed_over_does_not_hide_another() -> None:
    busy = refused(s.NO_KEY, exchange(flat(429), 429, headers={"content-type": "text/html"}))
    html = accepted()
    html = replace(html, exchange=replace(html.exchange, headers={"content-type": "text/html"}))
    assert broken("content-type-is-json", busy, html).actual == "text/html"


def test_stack_trace_among_bytes_that_are_no_utf_8_is_found() -> None:
    body = b"\xff\xfe Traceback (most recent call last):"
    response = refused(s.UNKNOWN, exchange(status=400, body=body))
    assert broken("no-secret-echoed", response).actual == "text that holds a stack trace"


def test_message_that_moved_on_does_not_hide_one_that_was_retried() -> None:
    around = {
        "before": shown(latestStatus="sent", attempts=[{"status": "sent"}]),
        "after": shown(
            latestStatus="created", attempts=[{"status": "created"}, {"status": "failure"}]
        ),
    }
    moved_on = refused(s.UNFAILED[0], exchange(), **around)
    retried = refused(s.UNFAILED[1], exchange())
    assert broken("unfailed-message-refused", moved_on, retried).actual == "status 201"


@pytest.mark.parametrize("rule", sorted(ESSENTIAL))
def test_rule_about_an_accepted_retry_asks_for_nothing_else(rule: str) -> None:
    assert s.GROUPS[RULES[rule].scenario] == s.ACCEPTED_RETRIES
