"""Drawing values of a strategy, and the smallest value that has a property."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from hypothesis import find
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from retry_contract.fuzz.isolation import EndOfRun, isolated, isolated_settings

T = TypeVar("T")


def draw(strategy: SearchStrategy[T], number: int, seed: int) -> list[T]:
    """Return so many values of a strategy; the same seed draws the same values."""
    drawn: list[T] = []

    def keep(value: T) -> bool:
        drawn.append(value)
        return False

    if number:
        _find(strategy, keep, number, seed)
    return drawn


def smallest(
    strategy: SearchStrategy[T],
    holds: Callable[[T], bool],
    number: int,
    seed: int,
    *,
    until: float,
) -> T | None:
    """Return the smallest value that has a property, shrunk from those drawn by the seed, or None.

    Once `time.monotonic()` is past `until`, it is the smallest so far.
    """
    found: list[T] = []

    def holds_in_time(value: T) -> bool:
        if time.monotonic() > until:
            raise EndOfRun
        if not holds(value):
            return False
        found.append(value)
        return True

    try:
        return _find(strategy, holds_in_time, number, seed)
    except EndOfRun:
        return found[-1] if found else None


def _find(
    strategy: SearchStrategy[T], holds: Callable[[T], bool], number: int, seed: int
) -> T | None:
    settings = isolated_settings(number)
    try:
        with isolated():
            return find(strategy, holds, settings=settings, random=random.Random(seed))
    except NoSuchExample:
        return None
