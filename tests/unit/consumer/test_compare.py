"""Where two readings differ, and what an added value explains."""

from __future__ import annotations

from typing import Any

import pytest

from retry_contract.consumer.compare import Difference, advice_on, differences, is_within, leaves

NEW = "user_1"


def pointers(one: Any, other: Any, *added: Any) -> list[str]:
    return [place.pointer for place in differences(one, other, added)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": "a"}, {"id": "a"}),
        ({"id": "a"}, {"id": "a", "by": NEW}),
        ({"id": "a", "by": None}, {"id": "a", "by": NEW}),
        ({"id": "a", "by": ""}, {"id": "a", "by": NEW}),
        ({"in": {"id": "a"}}, {"in": {"id": "a", "by": NEW}}),
        (["a", "b"], ["a", NEW, "b"]),
        (["a", None], ["a", NEW]),
        ([{"id": "a"}], [{"id": "a", "by": NEW}]),
        (None, NEW),
        ({}, {"creator": {"id": NEW, "all": [NEW]}}),
        ("", NEW),
        (1, 1.0),
    ],
)
def test_an_added_value_is_left_out_where_there_was_nothing(one: Any, other: Any) -> None:
    assert pointers(one, other, NEW) == []


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        ({"id": "a"}, {"id": NEW}, ["/id"]),
        ({"by": NEW}, {"by": None}, ["/by"]),
        ({"by": NEW}, {}, ["/by"]),
        ({}, {"by": f"{NEW} "}, ["/by"]),
        ({}, {"by": "user_2"}, ["/by"]),
        ({}, {"creator": {"id": NEW, "n": 1}}, ["/creator"]),
        ({"a": 1}, {"a": {"id": NEW}}, ["/a"]),
        ({}, {"creator": {}}, ["/creator"]),
        ({"n": 9}, {"n": 10}, ["/n"]),
        ({"ok": True}, {"ok": 1}, ["/ok"]),
        ({"ok": True}, {"ok": False}, ["/ok"]),
        (["a", "b"], ["b", "a"], ["/0", "/1"]),
        (["a"], ["a", "b"], ["/1"]),
        (["a", "b"], ["a"], ["/1"]),
        ({"a/b": 1, "c~d": 1}, {"a/b": 2, "c~d": 2}, ["/a~1b", "/c~0d"]),
        ("a", {"a": 1}, [""]),
        (False, NEW, [""]),
        (0, NEW, [""]),
    ],
)
def test_any_other_difference_is_found(one: Any, other: Any, places: list[str]) -> None:
    assert pointers(one, other, NEW) == places


@pytest.mark.parametrize("added", [1, None, [], {"id": "x", "creatorId": NEW}, "english"])
def test_an_added_value_of_any_type_is_left_out(added: Any) -> None:
    assert pointers({"id": "a"}, {"id": "a", "next": added}, added) == []
    assert pointers({"id": "a"}, {"id": "a", "next": "other"}, added) == ["/next"]


def test_without_an_added_value_nothing_is_explained() -> None:
    assert pointers({}, {"by": NEW}) == ["/by"]


@pytest.mark.parametrize(
    ("pointer", "accepted", "within"),
    [
        ("/n", "/n", True),
        ("/n/0", "/n", True),
        ("/name", "/n", False),
        ("/n", "", True),
        ("", "", True),
        ("", "/n", False),
    ],
)
def test_a_place_lies_within_a_pointer(pointer: str, accepted: str, within: bool) -> None:
    assert is_within(pointer, [accepted]) is within


def test_a_difference_is_shown_with_both_values_shortened() -> None:
    (place,) = differences({"n": "x" * 200}, {})
    assert place.actual == "nothing"
    assert len(place.expected) == 80
    assert str(next(differences(1, 2))) == "the result is 2 instead of 1"


def test_the_options_that_accept_are_ready_to_paste() -> None:
    few = [Difference(pointer, "1", "2") for pointer in ("/n", "/it's", "/n")]
    assert advice_on(few[::2]).endswith(" to differ, give --accept /n")
    assert advice_on(few).endswith("""give --accept /n --accept '/it'"'"'s'""")
    many = [Difference(f"/{n}", "1", "2") for n in range(6)]
    assert advice_on(many).endswith("give --accept ''")


def test_the_leaves_of_a_reading_are_its_values() -> None:
    assert [*leaves({"a": [1, {"b/c": 2}], "d": {}})] == ["/a/0", "/a/1/b~1c", "/d"]
    assert [*leaves(1)] == [""]
