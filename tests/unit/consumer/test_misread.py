"""How what was misread is shown: only what the payloads hold, and that in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from retry_contract.consumer.compare import Difference
from retry_contract.consumer.misread import advice_on, misread
from retry_contract.consumer.readings import ABSENT

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


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("before", "after", '"after"'),
        ([], ["unknown field creatorId"], '["unknown field creatorId"]'),
        ([], ["unknown field x"], '["a string of 15 characters"]'),
        ("x" * 65 + "a", "x" * 65 + "b", '"…b"'),
    ],
)
def test_words_of_the_code_about_the_added_field_are_shown(
    one: Any, other: Any, shown: str
) -> None:
    (place,) = misread([Difference("/a", one, other)], [PAYLOAD, {**PAYLOAD, "creatorId": "u"}])
    assert place.actual == shown


@pytest.mark.parametrize(
    ("places", "advice"),
    [
        ([("/a", "message_1", None)], "look at what the code catches or compares"),
        ([("/ok", True, False), ("/error", ABSENT, "TypeError")], "look at what the code catches"),
        ([("", {"id": "message_1"}, {})], "look at what the code catches"),
        ([("", "before", "after")], "if that is meant, let it return"),
        ([("", [], ["creatorId was unexpected"])], "let the code pass over fields"),
        ([("/errors/creatorId", ABSENT, ["Unknown."])], "let the code pass over fields"),
        ([("", "id", "creatorId")], "read each field by its name"),
        ([("/b", 1, 2)], "read each field by its name"),
    ],
)
def test_the_advice_is_by_what_was_read(places: list[tuple[str, Any, Any]], advice: str) -> None:
    payloads = [PAYLOAD, {**PAYLOAD, "creatorId": "u"}]
    assert advice_on([Difference(*place) for place in places], payloads).startswith(advice)
