"""At which request another contract took over, if it did once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.observed import AFTER, BEFORE, exchange, message

from retry_contract.exchange import Exchange
from retry_contract.rules.every_response import cutover_request, stretch_ends


def _served(contracts: str, start: int = 1) -> list[Exchange]:
    """Exchanges that show before (b), after (a), or no message (-), numbered from `start`."""
    shown = {"b": message(BEFORE.contract), "a": message(), "-": {"message": "No."}}
    return [
        exchange(shown[each], 400 if each == "-" else 201, number=number)
        for number, each in enumerate(contracts, start)
    ]


@pytest.mark.parametrize(
    ("contracts", "request_number"),
    [
        ("b" * 10 + "a" * 10, 11),
        ("ba", 2),
        ("b--a", 4),
        ("b" * 5 + "ab" + "a" * 10, None),
        ("bbb", None),
        ("aaa", None),
        ("---", None),
        ("aaabbb", None),
        ("b" * 5 + "ababab", None),
        ("b" * 18 + "a" + "b" + "a" + "b" * 5, None),
        ("ab" * 20, None),
        ("b" * 10 + "a" * 20 + "b", None),
    ],
)
def test_cutover_is_one_change_from_the_older_to_the_newer(
    contracts: str, request_number: int | None
) -> None:
    assert cutover_request(_served(contracts), AFTER) == request_number


def test_response_that_was_on_its_way_at_the_cutover_may_come_late() -> None:
    late = replace(_served("b", start=9)[0], began=4)
    exchanges = [*_served("bbbb"), *_served("aaaa", start=5), late, *_served("aa", start=10)]
    assert cutover_request(exchanges, AFTER) == 5
    assert cutover_request([*exchanges, replace(late, began=5)], AFTER) is None


def test_order_is_that_of_the_numbers() -> None:
    exchanges = [*_served("aaa", start=10), *_served("bbb", start=1)]
    assert cutover_request(exchanges, AFTER) == 10


def test_ends_of_stretches_are_enough_to_tell() -> None:
    exchanges = _served("bbbb-baaaa-aba")
    ends = list(stretch_ends(exchanges, AFTER))
    assert [e.number for e in ends] == [1, 6, 7, 12, 13, 14]
