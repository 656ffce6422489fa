"""How what was misread is shown: only what the payloads hold, and that in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from retry_contract.consumer.compare import ABSENT, Difference
from retry_contract.consumer.misread import advice_on, misread

PAYLOAD = {"id": "message_1", "values": {"name": "名字"}, "fullMessage": "x" * 200}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("message_1", '"message_1"'),
        ("message", '"message"'),
        ("名字", '"名字"'),
        ("a setting of the user's", "a string of 23 characters"),
        (None, "null"),
        (10, "10"),
        (ABSENT, "nothing"),
        ({"key": "secret"}, '{"key": "a string of 6 characters"}'),
        (["message_1", "secret"], '["message_1", "a string of 6 characters"]'),
        ("x" * 200, '"' + "x" * 58 + "…"),
    ],
)  # fmt: skip
def test_a_text_that_no_payload_holds_is_described(value: Any, shown: str) -> None:
    (place,) = misread([Difference("/a", value, 1)], [PAYLOAD])
    assert (place.pointer, place.expected, place.actual) == ("/a", shown, "1")


def test_only_null_at_all_places_is_laid_to_what_the_code_catches() -> None:
    lost, other = Difference("/a", "message_1", None), Difference("/b", 1, 2)
    assert advice_on([lost]).startswith("look at what the code catches")
    assert advice_on([lost, other]).startswith("read each field by its name")
