"""What of a returned object is read, and what is left alone."""

from __future__ import annotations

import contextlib
import functools
import http.cookiejar
import json
import sqlite3
from typing import Any

import pytest
from support.results import Wrapped
from support.trying import tried

from retry_contract.consumer.hosted.reading import reading
from retry_contract.consumer.readiness import Result as Found
from retry_contract.consumer.readings import OWN, PRIVATE, without

Payload = dict[str, Any]


class Public:
    """Tells by a method whether it succeeded."""

    def __init__(self) -> None:
        self.id = "message_1"
        self._ok, self._status, self._took, self._error = True, 201, 0.5, None
        self.__kept = "created"
        self._raw = {"id": "message_1"}
        self._seen = ["message_1"]
        self._reply = Slotted()

    @property
    def status(self) -> str:
        raise AssertionError("it is never read")


class Private:
    def __init__(self, campaign: str) -> None:
        self._campaign = campaign
        self.__id = "message_1"


class Slotted:
    __slots__ = ("_campaign",)

    def __init__(self) -> None:
        self._campaign = "campaign_1"


class Result:
    def __init__(self, *, ok: bool, code: int) -> None:
        self._ok, self._code = ok, code


class Computing:
    __slots__ = ("__dict__",)

    @property
    def campaign(self) -> str:
        return "campaign_1"

    @functools.cached_property
    def status(self) -> str:
        return "created"

    @property
    def creator(self) -> str:
        raise KeyError("creatorId")

    @property
    def leaving(self) -> str:
        raise SystemExit(3)

    @property
    def _secret(self) -> str:
        raise AssertionError("it is never read")


class Inheriting(Computing):
    @property
    def campaign(self) -> str:
        return "campaign_2"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (
            Public(),
            {
                "id": "message_1",
                "_ok": True,
                "_status": 201,
                "_took": "0.5",
                "_error": None,
                "_Public__kept": "created",
            },
        ),
        (Result(ok=False, code=400), {"_ok": False, "_code": 400}),
        (Private("campaign_1"), {"_campaign": "campaign_1", "_Private__id": "message_1"}),
        (Slotted(), {"_campaign": "campaign_1"}),
        (Computing(), {"campaign": "campaign_1", "status": "created"}),
        (Inheriting(), {"campaign": "campaign_2", "status": "created"}),
        ([Private("a")], [{"_campaign": "a", "_Private__id": "message_1"}]),
    ],
)
def test_an_object_is_read_by_what_it_shows_or_else_by_what_it_holds(value: Any, read: Any) -> None:
    assert reading(value) == read


def test_what_a_library_keeps_to_itself_is_not_read() -> None:
    assert reading(http.cookiejar.CookieJar()) == "<CookieJar[]>"


class Leaving:
    def __repr__(self) -> str:
        raise SystemExit(3)


def test_what_ends_the_program_when_it_is_looked_at_is_told_by_its_type() -> None:
    assert reading([Leaving(), 1]) == ["Leaving", 1]


def test_objects_that_hold_each_other_come_to_an_end() -> None:
    family: list[Any] = [Private("a") for _ in range(30)]
    for member in family:
        member.__dict__.update({f"_{number}": other for number, other in enumerate(family)})
    assert len(json.dumps(reading(family[0]))) < 1_000_000


class ByPosition:
    def __init__(self, reply: Payload) -> None:
        self._campaign = [*reply.values()][-1]


class ByPropertyOfPosition:
    __slots__ = ("_reply",)

    def __init__(self, reply: Payload) -> None:
        self._reply = reply

    @property
    def campaign(self) -> Any:
        return [*self._reply.values()][-1]


@pytest.mark.parametrize("consume", [ByPosition, ByPropertyOfPosition])
def test_a_misreading_in_a_private_place_is_seen(consume: Any) -> None:
    found = tried(consume)
    assert {s.name: s.result for s in found.situations}["paired"] is Found.DIFFERS


class KeepsTheText:
    def __init__(self, text: str) -> None:
        self.raw = text
        self.id = json.loads(text)["id"]


class KeepsTheTextForItself:
    def __init__(self, text: str) -> None:
        self._raw = text
        self._id = json.loads(text)["id"]


class KeepsTheReplyForItself:
    def __init__(self, reply: Payload) -> None:
        self._items = tuple(reply.items())
        self._length, self._hash = len(reply), hash(str(reply))
        self._id = reply["id"]


class KeepsTheReplyBesideAField:
    def __init__(self, reply: Payload) -> None:
        self._items, self._text = tuple(reply.items()), json.dumps(reply)
        self._length, self._hash = len(reply), hash(str(reply))
        self.id = reply["id"]


@pytest.mark.parametrize(
    "consume",
    [KeepsTheText, KeepsTheTextForItself, KeepsTheReplyForItself, KeepsTheReplyBesideAField],
)
def test_a_copy_of_the_reply_is_no_misreading(consume: Any) -> None:
    found = tried(consume)
    assert {s.result for s in found.situations if s.counts} == {Found.OK}


class Sized(Wrapped):
    def __len__(self) -> int:
        return len(self._errors)


class Items(list[str]):
    pass


def test_the_whole_of_an_object_is_what_its_caller_may_ask_it_and_what_it_keeps() -> None:
    own = {"ok": False, "class": "Sized", "bool": True, PRIVATE: {"_errors": ["refused"]}}
    assert reading(Sized("m", ["refused"]), whole=True) == {"message": "m", OWN: own}
    assert reading(Sized("m", ["refused"])) == {"message": "m"}
    assert reading(Items(["a"]), whole=True) == ["a"]
    assert without({"a": [{OWN: own, "b": 1}]}, OWN) == {"a": [{"b": 1}]}


def test_a_row_of_a_database_is_read_by_its_columns() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        row = database.execute("select 'message_1' as id, 9 as fields").fetchone()
    assert reading([row]) == [{"id": "message_1", "fields": 9}]
