"""Which of many like tests run by default; the pipeline runs them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(step: int, values: Iterable[Any]) -> list[Any]:
    """Return values for parametrize of which only each `step`th is no slow test."""
    slow = pytest.mark.slow
    several = (value if isinstance(value, tuple) else (value,) for value in values)
    return [
        pytest.param(*each, marks=() if number % step == 0 else slow)
        for number, each in enumerate(several)
    ]
