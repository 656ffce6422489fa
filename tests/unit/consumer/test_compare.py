"""What was read of two replies, and whether the added field explains the difference."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from decimal import Decimal
from typing import Any, NamedTuple

import attrs
import pytest

from retry_contract.consumer.added import Added
from retry_contract.consumer.compare import differences, own_words
from retry_contract.consumer.hosted.reading import reading

USER, DECOY = "user_100000001", "user_decoy"
ADDED = Added(
    {"creatorId": USER},
    {"id": "message_1", "campaignId": "campaign_1", "values": {"name": "-"}},
    frozenset({DECOY}),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1),
        ({"id": "message_1"}, {"id": "message_1", "creatorId": USER}),
        ({"id": "message_1", "creator_id": None}, {"id": "message_1", "creator_id": USER}),
        ({"has_creator": False}, {"has_creator": True}),
        ({"author": None}, {"author": USER}),
        ({"author": "nobody"}, {"author": USER}),
        ({"extra": {}}, {"extra": {"creatorId": USER}}),
        ({}, {"extra": {"creatorId": USER}}),
        (["message_1"], ["message_1", USER]),
        (["id"], ["id", "creatorId"]),
        (["message_1", None], ["message_1", USER]),
        ([["id", 1]], [["creatorId", None], ["id", 1]]),
        (["id=1", "campaignId=2"], ["campaignId=2", "creatorId=x", "id=1"]),
        ([{"name": "id", "is": 1}], [{"name": "creatorId", "is": 2}, {"name": "id", "is": 1}]),
        ({"by": None}, {"by": "00000001"}),
        ({"who": "-"}, {"who": USER}),
        ("{'id': 1}", "{'creatorId': 'user_100000001', 'id': 1}"),
        (
            [{"type": "mrkdwn", "text": "*id*\nmessage_1"}],
            [
                {"type": "mrkdwn", "text": "*creatorId*\nuser_100000001"},
                {"type": "mrkdwn", "text": "*id*\nmessage_1"},
            ],
        ),
        ([{"key": "sms.id"}], [{"key": "sms.creatorId"}, {"key": "sms.id"}]),
        (["campaign_id=x"], ["creator_id=user_100000001", "campaign_id=x"]),
        ([["campaign-id", 1], ["id", 2]], [["id", 2], ["creator-id", 3], ["campaign-id", 1]]),
        ([{"row": 1}], [{"row": 1}, {"row": 2, "new": USER}]),
        ("sent", "sent by user_100000001"),
        ("message_1 of nobody", "message_1 by user_100000001"),
        ("message_1, creator unknown", "message_1, creator known"),
        ("message_1 1a2b3c", "message_1 4d5e6f"),
        ("id=message_1 to=campaign_1", "id=message_1 creatorId=user_100000001 to=campaign_1"),
        ("id=message_1 campaignId=campaign_1", "campaignId=campaign_1 id=message_1 creatorId=None"),
        ('{"id": 1}', '{"creatorId": "user_100000001", "id": 1}'),
        ({"values": {"creatorId": DECOY}}, {"values": {"creatorId": DECOY}}),
    ],
)
def test_the_added_field_explains_it(one: Any, other: Any) -> None:
    assert differences(one, other, ADDED) == ()


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        ({"id": "a", "b": {"c": 1}}, {"id": "b", "b": {"c": 2}}, ("/id", "/b/c")),
        ({"id": "a"}, {}, ("/id",)),
        ({}, {"number": 10}, ("/number",)),
        ({"count": 9}, {"count": 10}, ("/count",)),
        ({"campaign": "campaign_1"}, {"campaign": USER}, ("/campaign",)),
        ({"creator": DECOY}, {"creator": USER}, ("/creator",)),
        ({"creator": USER}, {"creator": DECOY}, ("/creator",)),
        ([1, 2], [1, 2, 3], ("",)),
        ([1, {"a": 1}], [1, {"a": 2}], ("/1/a",)),
        (["id=1"], ["creatorId=x", "id=2"], ("/id",)),
        (["id=1", "id=2"], ["id=2", "id=1"], ("/0", "/1")),
        ([], ["creatorId was unexpected"], ("",)),
        (True, 1, ("",)),
        (True, False, ("",)),
        ('{"id": 1}', '{"id": 2}', ("/id",)),
        ("{", "{ ", ("",)),
        ("{'id': 1}", "{'id': 2}", ("/id",)),
        ("owner campaign_1", "owner user_100000001", ("",)),
        ("message_1,campaign_1", "campaign_1,message_1", ("",)),
        ("message_1 ok", "message_1 error: unknown field", ("",)),
        ("id=message_1", "id=message_1 campaignId=campaign_1", ("",)),
        ({"creator": None}, {"creator": DECOY}, ("/creator",)),
        ([{"row": 1}], [{"row": 1}, {"row": 2, "new": [USER, "message_1"]}], ("",)),
        ([{"row": 1}], [{"row": 1}, {"error": "unexpected", "new": USER}], ("",)),
        ({"creatorId": None}, {"creatorId": ["Unknown field."]}, ("/creatorId",)),
        ([], ["creatorId"], ("",)),
        ([], [{"loc": "creatorId", "input": USER, "msg": "not permitted"}], ("",)),
        ([], ["not permitted: user_100000001"], ("",)),
        ("{'b'}", "{'a'}", ("",)),
        ("{(1, 2): b'b'}", "{(1, 2): b'a'}", ("",)),
    ],
)
def test_anything_else_is_told_by_its_place(one: Any, other: Any, places: Any) -> None:
    assert tuple(d.place for d in differences(one, other, ADDED)) == places


@pytest.mark.parametrize(
    ("one", "other", "own"),
    [
        ({"id": "message_1", "as": "old"}, {"id": "message_1", "as": "new"}, True),
        ({"id": "message_1", "n": 9}, {"id": "message_1", "n": 10}, True),
        ({"id": "message_1", "warn": []}, {"id": "message_1", "warn": ["what is creatorId"]}, True),
        ({"id": "message_1", "ok": True}, {"id": "message_1", "ok": False}, False),
        ({"id": "message_1", "legacy": True}, {"id": "message_1", "legacy": False}, True),
        ({"id": "message_1", "is": None}, {"id": "message_1", "is": False}, True),
        ({"id": "message_1", "missing": ["x"]}, {"id": "message_1", "missing": []}, True),
        ({"id": "message_1", "errors": []}, {"id": "message_1", "errors": ["creatorId"]}, False),
        ({"id": "message_1", "failed": False}, {"id": "message_1", "failed": True}, False),
        ({"id": "message_1", "returncode": 0}, {"id": "message_1", "returncode": 1}, False),
        ({"id": "message_1", "code": 200}, {"id": "message_1", "code": 422}, False),
        ({"id": "message_1", "is": "fine"}, {"id": "message_1", "is": "ERROR"}, False),
        ({"id": "message_1", "a": []}, {"id": "message_1", "a": ["what is creatorId"]}, False),
        (
            {"id": "message_1", "is": "id, campaignId"},
            {"id": "message_1", "is": "id, campaignId, creatorId"},
            True,
        ),
        ({"id": "message_1", "n": 9}, {"id": "message_1"}, False),
        ({"id": "message_1", "c": "campaign_1"}, {"id": "message_1", "c": "x"}, False),
        ({"id": "message_1", "c": "to campaign_1"}, {"id": "message_1", "c": "x"}, False),
        ({"id": "message_1", "c": "campaign"}, {"id": "message_1", "c": "x"}, False),
        ({"id": "message_1", "last": "id"}, {"id": "message_1", "last": "creatorId"}, False),
        ({"id": "message_1", "left": []}, {"id": "message_1", "left": ["creatorId"]}, True),
        ({"id": "message_1", "problems": []}, {"id": "message_1", "problems": ["x"]}, False),
        ({"id": "message_1", "shard": 3}, {"id": "message_1", "shard": 0}, True),
        ({"id": "message_1", "is": "OK"}, {"id": "message_1", "is": "BAD_REQUEST"}, False),
        ({"id": "message_1", "is": "200 OK"}, {"id": "message_1", "is": "422 Odd"}, False),
        ({"id": "message_1", "warn": ""}, {"id": "message_1", "warn": "error"}, True),
        (["message_1", "old"], ["message_1", "new"], True),
        ({"n": 9}, {"n": 10}, False),
        ("before", "after", False),
        ([], ["creatorId was unexpected"], False),
    ],
)
def test_code_may_tell_of_its_own_beside_what_it_reads(one: Any, other: Any, own: bool) -> None:
    places = differences(one, other, ADDED)
    assert places
    assert own_words(places, one, other, ADDED) == (places if own else ())


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("id=message_1 campaignId=campaign_1", "campaignId=campaign_1 id=message_1", True),
        ("(id, campaignId)", "(campaignId, id)", True),
        ("message_1 campaign_1", "campaign_1 message_1", False),
        ("id=message_1 campaignId=x", "campaignId=y id=message_1", False),
        ("message_1 1a2b3c", "message_1 4d5e6f", True),
        ("message_1 waiting", "message_1 unknown", False),
    ],
)
def test_of_another_order_a_text_of_named_fields_may_be(one: str, other: str, alike: bool) -> None:
    assert (differences(one, other, dataclasses.replace(ADDED, members={})) == ()) is alike


def test_an_object_that_holds_a_decoy_may_itself_be_the_added_field() -> None:
    body = {"creatorId": DECOY}
    added = Added({"templateBody": body}, {"creatorId": USER}, frozenset({DECOY}))
    for name in ("templateBody", "TEMPLATE_BODY", "postman.templateBody"):
        assert differences({}, {name: body}, added) == ()
    assert differences({"template_author": None}, {"template_author": DECOY}, added) == ()
    (found,) = differences({"creator": USER}, {"creator": DECOY}, added)
    assert (found.place, found.one, found.other) == ("/creator", USER, DECOY)


@dataclasses.dataclass
class Data:
    id: str
    inner: Any = None


class Pair(NamedTuple):
    id: str
    number: int


@attrs.define
class Slotted:
    id: str
    _hidden: int = 0


class Colour(enum.IntEnum):
    RED = 1


class Opaque:
    pass


class Plain:
    def __init__(self) -> None:
        self.id, self._secret = "x", 1


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        (True, True),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        ("a", "a"),
        (b"a", "a"),
        (Data("x", Data("y")), {"id": "x", "inner": {"id": "y", "inner": None}}),
        (Pair("x", 1), {"id": "x", "number": 1}),
        (Slotted("x"), {"id": "x", "_hidden": 0}),
        (Plain(), {"id": "x", "_secret": 1}),
        ((1, [2]), [1, [2]]),
        ({"b", "a"}, ["a", "b"]),
        ({1: 2}, {"1": 2}),
        (Colour.RED, "Colour.RED"),
        (datetime.date(2025, 2, 24), "2025-02-24"),
        (Decimal("1.0"), "1.0"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_what_was_read_becomes_json_values(value: Any, read: Any) -> None:
    assert reading(value) == read


def test_an_opaque_object_is_read_alike_each_time() -> None:
    assert reading(Opaque()) == reading(Opaque())
    assert reading(print) == "<built-in function print>"


def test_what_holds_itself_is_read_to_an_end() -> None:
    assert "…" in str(reading(LOOP))
