"""Retries that are sent at once, the attempts that Retrieve lists, and odd ids."""

from __future__ import annotations

from typing import Any

import pytest
from support.observed import AFTER, accepted, exchange, flat, message, shown, validate

from retry_contract.exchange import Exchange, Observation
from retry_contract.outcome import NotExercised
from retry_contract.rules import scenarios as s

RULE = "concurrent-retries-accepted-once"
CREATED, FAILED = {"status": "created"}, {"status": "failure"}


def _together(statuses: list[int], *attempts: Any) -> tuple[Observation, ...]:
    """Retries sent at once, of a message with one attempt, and the attempts that come after."""
    listed: Any = {"attempts": list(attempts)} if attempts else {}
    before = shown(attempts=[FAILED]) if attempts else shown()
    after = shown(latestStatus="created", **listed)
    return tuple(
        Observation(
            *(s.CONCURRENT, _answer(status, number), "campaign_1", "message_1", before, after)
        )
        for number, status in enumerate(statuses, 2)
    )


def _answer(status: int, number: int) -> Exchange:
    return exchange(message() if status == 201 else flat(status), status, number=number)


def test_one_that_is_accepted_keeps_the_rule() -> None:
    assert validate(RULE, *_together([201, 400, 400], CREATED, FAILED)) == ()


@pytest.mark.parametrize("attempts", [(CREATED, FAILED), (CREATED, CREATED, FAILED), (7, "x")])
def test_two_that_are_accepted_break_it(attempts: Any) -> None:
    (violation,) = validate(RULE, *_together([400, 201, 201], *attempts))
    assert violation.actual == "2 of 3 retries sent at once were accepted"
    assert violation.seen.endswith("request 4")


@pytest.mark.parametrize(
    ("statuses", "attempts", "reason"),
    [
        ([201, 201], (CREATED, FAILED, FAILED), "the message may have failed again between them"),
        (
            [201, 201],
            (),
            "2 were accepted, and Retrieve lists no attempts to tell whether the mess",
        ),
        ([400, 400], (FAILED,), "none of the retries that were sent at once was accepted"),
        ([429, 429], (), "none of the retries that were sent at once was accepted"),
    ],
)
def test_what_says_nothing_is_not_exercised(
    statuses: list[int], attempts: Any, reason: str
) -> None:
    with pytest.raises(NotExercised) as raised:
        validate(RULE, *_together(statuses, *attempts))
    assert str(raised.value).startswith(reason)


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ([FAILED], [CREATED, FAILED], False),
        ([FAILED], [CREATED], True),
        ([FAILED], [CREATED, CREATED, FAILED], True),
        ([FAILED] * 2, [], True),
    ],
)
def test_retry_adds_one_attempt(old: list[Any], new: list[Any], broken: bool) -> None:
    around: Any = {"before": shown(attempts=old), "after": shown(latestStatus="sent", attempts=new)}
    found = validate("attempt-recorded", accepted(**around))
    assert [violation.pointer for violation in found] == (["/attempts"] if broken else [])


@pytest.mark.parametrize("attempts", [None, [], {"a": 1}])
def test_attempts_that_are_not_listed_say_nothing(attempts: Any) -> None:
    hidden: Any = {} if attempts is None else {"attempts": attempts}
    around: Any = {"before": shown(**hidden), "after": shown(latestStatus="sent", **hidden)}
    with pytest.raises(NotExercised, match="Retrieve lists no attempts"):
        validate("attempt-recorded", accepted(**around))


@pytest.mark.parametrize("status", [301, 400, 403, 404, 405, 414, 429])
def test_odd_id_may_be_refused_by_whatever_stands_in_front(status: int) -> None:
    page = exchange(None, status, "other", body=b"<html>", headers={"content-type": "text/html"})
    odd = Observation(s.MALFORMED[0], page, "campaign_1", "message_1")
    assert validate("malformed-id-refused", odd) == ()
    assert validate("content-type-is-json", odd) == ()


@pytest.mark.parametrize("status", [200, 201, 500, 503])
def test_odd_id_must_be_refused(status: int) -> None:
    odd = Observation(s.MALFORMED[0], exchange({}, status, "other"), "campaign_1", "message_1")
    (violation,) = validate("malformed-id-refused", odd)
    assert violation.actual == f"status {status}"


def test_every_id_is_one_that_no_message_can_have() -> None:
    assert AFTER.contract.sample("retry", "id") not in s.MALFORMED_IDS.values()
    assert len(set(s.MALFORMED_IDS.values())) == len(s.MALFORMED)
