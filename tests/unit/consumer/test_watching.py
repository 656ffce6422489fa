"""Which errors that the user's code catches are known, and which are none of its business."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from support.trying import answered

from retry_contract.consumer.answers import read_detailed
from retry_contract.consumer.hosted.watching import watched


def catches() -> int:
    try:
        return int("x")
    except ValueError:
        return 1


def suppresses() -> None:
    with contextlib.suppress(KeyError):
        dict[str, str]()["creatorId"]


def catches_of_a_library() -> Any:
    try:
        return json.loads("{")
    except json.JSONDecodeError:
        return None


@pytest.mark.parametrize(
    ("call", "caught"),
    [
        (catches, "ValueError: invalid literal for int() with base 10: 'x' (test_watching.py:"),
        (suppresses, "KeyError: 'creatorId' (test_watching.py:"),
        (catches_of_a_library, "json.decoder.JSONDecodeError: Expecting property name"),
        (lambda: sum(number for number in iter([1, 2])), ""),
        (lambda: next(iter([]), None), ""),
        (lambda: getattr(1, "no", None), ""),
        (lambda: json.loads("[1]"), ""),
    ],
)
def test_the_last_error_that_passes_through_is_known(call: Callable[[], Any], caught: str) -> None:
    before = sys.gettrace()
    _, told = watched(call)
    assert told.startswith(caught)
    assert bool(told) is bool(caught)
    assert sys.gettrace() is before


def test_what_is_not_caught_is_raised_and_nothing_is_traced_any_more() -> None:
    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError):
        watched(lambda: 1 / 0)
    assert sys.gettrace() is before


def test_the_host_tells_it_beside_what_was_read() -> None:
    told = read_detailed(answered(lambda _: catches(), "{}", watch=True))
    assert (told.read, told.caught[:10]) == (1, "ValueError")
    assert read_detailed(answered(lambda _: catches(), "{}")).caught == ""
