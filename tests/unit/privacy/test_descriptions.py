"""Descriptions say the type and the size of a value, never its content."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retry_contract.privacy.descriptions import (
    describe,
    describe_other,
    escape_name,
    pointer,
)
from retry_contract.privacy.published import MESSAGE_STATUSES


@pytest.mark.parametrize(
    ("value", "description"),
    [
        (None, "null"),
        (True, "a boolean"),
        (0, "a number"),
        (1.5, "a number"),
        (float("inf"), "a number"),
        ("", "an empty string"),
        ("x", "a string of 1 character"),
        ("xy", "a string of 2 characters"),
        ("failure", '"failure"'),
        ("Failure", "a string of 7 characters"),
        ("2025-02-24", "a date without a time"),
        ("2025-02-24T00:00:00.000", "a timestamp without an offset"),
        ("2025-02-24 00:00:00+08:00", "a timestamp with a space instead of T"),
        ("2025-02-24T00:00:00+08:00", "a string of 25 characters"),
        ("+6522222222", "digits with a plus sign"),
        ("+\uff16\uff15", "a string of 3 characters"),
        ([], "an array of 0 items"),
        ([1], "an array of 1 item"),
        ({}, "an object of 0 members"),
        ({"a": 1, "b": 2}, "an object of 2 members"),
    ],
)
def test_description(value: object, description: str) -> None:
    assert describe(value) == description


@pytest.mark.parametrize(
    ("value", "description"),
    [
        ("xy", "another string of 2 characters"),
        ([1], "another array of 1 item"),
        ({}, "another object of 0 members"),
        (7, "another number"),
        (False, "another boolean"),
        (None, "null"),
        ("", "an empty string"),
        ("sent", '"sent"'),
        ("2025-02-24", "a date without a time"),
    ],
)
def test_description_of_a_differing_value(value: object, description: str) -> None:
    assert describe_other(value) == description


@pytest.mark.parametrize("value", [b"bytes", object(), ("tuple",), {1}])
def test_value_that_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        describe(value)


@pytest.mark.parametrize("status", MESSAGE_STATUSES)
def test_published_status_is_quoted(status: str) -> None:
    assert describe(status) == f'"{status}"'


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("creatorId", "creatorId"),
        ("a b", "a b"),
        ("测试", "测试"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("", ""),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_name_fit_for_a_terminal(name: str, shown: str) -> None:
    assert escape_name(name) == shown


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        ([], ""),
        (["values", "name"], "/values/name"),
        (["batches", 0, "id"], "/batches/0/id"),
        ([""], "/"),
        (["a/b", "c~d", "~1"], "/a~1b/c~0d/~01"),
        (["a\nb"], "/a\\nb"),
    ],
)
def test_json_pointer(parts: list[str | int], joined: str) -> None:
    assert pointer(parts) == joined


@given(st.text())
def test_any_name_is_printable_and_bounded(name: str) -> None:
    shown = escape_name(name)
    assert len(shown) <= 60
    assert shown.isprintable()
    shown.encode()


@given(st.text("ЖЩЫЭЮЯ0123456789+-T: ", min_size=1))
def test_description_of_a_text_shows_none_of_it(text: str) -> None:
    assert not set("ЖЩЫЭЮЯ+:") & set(describe(text))
    assert describe(text) == describe(text.translate(str.maketrans("123456789", "987654321")))
