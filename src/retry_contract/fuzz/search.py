"""Drawing values of a strategy, and the smallest value that has a property."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from retry_contract.fuzz.isolation import isolated

T = TypeVar("T")


class _TimeIsUp(BaseException):
    """Ends a search at once. Hypothesis does not take it for a failure."""


def draw(strategy: SearchStrategy[T], number: int, seed: int) -> list[T]:
    """Return values of a strategy, as many as asked for; the same seed draws the same ones."""
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
    """Return the smallest value that has a property, of those that the seed draws, and shrunk.

    The smallest so far once `time.monotonic()` is past `until`; None if no value has the property.
    """
    found: list[T] = []

    def timed(value: T) -> bool:
        if time.monotonic() > until:
            raise _TimeIsUp
        has = holds(value)
        if has:
            found.append(value)
        return has

    try:
        return _find(strategy, timed, number, seed)
    except _TimeIsUp:
        return found[-1] if found else None


def _find(
    strategy: SearchStrategy[T], holds: Callable[[T], bool], number: int, seed: int
) -> T | None:
    chosen = settings(
        backend="hypothesis",
        max_examples=number,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    try:
        with isolated():
            return find(strategy, holds, settings=chosen, random=random.Random(seed))
    except NoSuchExample:
        return None
