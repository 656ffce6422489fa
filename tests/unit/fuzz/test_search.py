"""Drawing values by a seed, and finding the smallest that has a property."""

from __future__ import annotations

import time

import pytest
from hypothesis import strategies as st

from retry_contract.fuzz.search import draw, smallest

NUMBERS = st.integers(0, 10**6)
LATER = float("inf")


def test_a_seed_draws_the_same_values_again() -> None:
    assert draw(NUMBERS, 50, 7) == draw(NUMBERS, 50, 7)
    assert draw(NUMBERS, 50, 7) != draw(NUMBERS, 50, 8)


@pytest.mark.parametrize("number", [0, 1, 40])
def test_as_many_are_drawn_as_asked_for(number: int) -> None:
    assert len(draw(NUMBERS, number, 1)) == number


def test_the_smallest_value_with_a_property_is_found() -> None:
    assert smallest(NUMBERS, lambda n: n > 999, 50, 7, until=LATER) == 1000


def test_a_search_sees_what_the_seed_draws() -> None:
    drawn = draw(NUMBERS, 50, 7)
    seen: list[int] = []

    def never(value: int) -> bool:
        seen.append(value)
        return False

    assert smallest(NUMBERS, never, 50, 7, until=LATER) is None
    assert seen == drawn


def test_after_the_time_is_up_the_smallest_so_far_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[int] = []

    def until_the_third(value: int) -> bool:
        if value > 999:
            found.append(value)
        if len(found) == 3:
            monkeypatch.setattr(time, "monotonic", lambda: 10.0**9)
        return value > 999

    assert smallest(NUMBERS, until_the_third, 50, 7, until=10.0**8) == found[2]
    assert found[2] > 1000
    assert smallest(NUMBERS, lambda _: True, 50, 7, until=0.0) is None


def test_an_error_of_the_property_is_raised() -> None:
    class Interrupt(BaseException):
        pass

    def raising(_: int) -> bool:
        raise Interrupt

    with pytest.raises(Interrupt):
        smallest(NUMBERS, raising, 50, 7, until=LATER)
