"""What a callable returned, as JSON values, and where nothing can be compared."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import functools
import itertools
import json
import sqlite3
import types
import typing
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import httpx
import msgspec
import pydantic
import pytest
import requests

from retry_contract.consumer.process.plain_data import reading


class Status(enum.Enum):
    CREATED = "created"
    BOTH = ("a", 1)


class Level(enum.IntEnum):
    LOW = 1


class TextStatus(enum.StrEnum):
    CREATED = "created"


class Name(str):
    """A text that shows itself otherwise."""

    def __repr__(self) -> str:
        return "masked"


class Shouting(str):
    def __str__(self) -> str:
        return self.upper()


TODAY = datetime.date(2025, 2, 24)
NOON = datetime.datetime(2025, 2, 24, 12, tzinfo=datetime.UTC)
ID = uuid.UUID(int=1)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (0.5, 0.5),
        ("text", "text"),
        (b"bytes \xc3\xa9 \xff", "bytes é \\xff"),
        (bytearray(b"bytes"), "bytes"),
        (Name("text"), "text"),
        (Status.CREATED, "created"),
        (Status.BOTH, ["a", 1]),
        (Level.LOW, 1),
        (TextStatus.CREATED, "created"),
        (TODAY, "2025-02-24"),
        (NOON, "2025-02-24 12:00:00+00:00"),
        (datetime.time(12, 30), "12:30:00"),
        (datetime.timedelta(hours=1), "1:00:00"),
        (decimal.Decimal("0.10"), "0.10"),
        (ID, "00000000-0000-0000-0000-000000000001"),
        pytest.param(Shouting("text"), "text"),
    ],
)
def test_a_single_value_is_read_by_value(value: Any, read: Any) -> None:
    found, opaque = reading(value)
    assert (type(found), found, opaque) == (type(read), read, [])


class Wrapped(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, name: str) -> Any:
        return {"a": 1}[name]

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({}, {}),
        ({"a": {"b": [1, None]}}, {"a": {"b": [1, None]}}),
        ({1: "int", None: "none"}, {"1": "int", "None": "none"}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Wrapped(), {"a": 1}),
        ([], []),
        ((1, ("a",)), [1, ["a"]]),
        (range(3), [0, 1, 2]),
        (collections.deque([1, 2]), [1, 2]),
        (set(), []),
        ({"b", "a"}, ["a", "b"]),
        (frozenset([(2, "b"), (1, "a")]), [[1, "a"], [2, "b"]]),
        ({"b": 1, "a": 2}.keys(), ["a", "b"]),
        ([Status.CREATED, TODAY, ID], ["created", "2025-02-24", str(ID)]),
    ],
)
def test_what_holds_values_is_read_by_them(value: Any, read: Any) -> None:
    found, opaque = reading(value)
    assert (json.dumps(found), opaque) == (json.dumps(read), [])


def test_sets_of_the_same_values_are_read_alike() -> None:
    values = [None, 1, "a", 2.5, ("b", 1), frozenset([1])]
    assert reading({*values}) == reading({*reversed(values)})
    assert len(reading({*values})[0]) == 6


@dataclasses.dataclass
class Data:
    id: str
    held: Any = None
    _hidden: str = "hidden"

    @property
    def computed(self) -> str:
        raise AssertionError("it is never read")


@dataclasses.dataclass(frozen=True, slots=True)
class SlottedData:
    id: str
    held: Any = None


@attrs.define
class Attrs:
    id: str
    held: Any = None
    _hidden: str = "hidden"


@attrs.frozen(slots=False)
class FrozenAttrs:
    id: str
    held: Any = None


class NamedTuple(typing.NamedTuple):
    id: str
    held: Any = None


class Model(pydantic.BaseModel):
    id: str
    held: Any = None
    _hidden: str = pydantic.PrivateAttr("hidden")


class OpenModel(Model, extra="allow"):
    pass


class Struct(msgspec.Struct):
    id: str
    held: Any = None


class InheritingStruct(Struct):
    more: int = 1


class Plain:
    kind = "of the class"

    def __init__(self, id: str, held: Any = None) -> None:
        self.id, self.held = id, held
        self._hidden = self.__hidden = "hidden"

    def method(self) -> None:
        raise AssertionError("it is never called")


class Slotted:
    __slots__ = ("_hidden", "held", "id", "unset")

    def __init__(self, id: str, held: Any = None) -> None:
        self.id, self.held, self._hidden = id, held, "hidden"


class SlottedOnce:
    __slots__ = "id"

    def __init__(self, id: str) -> None:
        self.id = id


class SlottedBelow(SlottedOnce):
    def __init__(self, id: str, held: Any = None) -> None:
        super().__init__(id)
        self.held = held


class Computing:
    def __init__(self, id: str, held: Any = None) -> None:
        self._id, self._held = id, held

    @property
    def id(self) -> str:
        return self._id

    @functools.cached_property
    def held(self) -> Any:
        return self._held

    @property
    def _private(self) -> str:
        raise AssertionError("it is never read")


class ComputingBelow(Computing):
    @property
    def id(self) -> str:
        return f"{self._id}"


KINDS = [
    *(Data, SlottedData, Attrs, FrozenAttrs, NamedTuple, Model, OpenModel, Struct),
    *(Plain, Slotted, SlottedBelow, Computing, ComputingBelow, types.SimpleNamespace),
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_read_by_what_is_public_of_it(kind: Any) -> None:
    assert reading(kind(id="message_1", held=None)) == ({"id": "message_1", "held": None}, [])


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_object_holds_is_read_too(kind: Any) -> None:
    value = kind(id="message_1", held=[kind(id="message_2", held=object())])
    held = [{"id": "message_2", "held": "(object)"}]
    assert reading(value) == ({"id": "message_1", "held": held}, ["/held/0/held"])


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (OpenModel.model_validate({"id": "a", "creatorId": "b"}), {"creatorId": "b"}),
        (pydantic.RootModel[list[int]]([1]), {"root": [1]}),
        (InheritingStruct("a"), {"id": "a", "held": None, "more": 1}),
        (SlottedOnce("a"), {"id": "a"}),
        (httpx.Response(400), {"status_code": 400}),
        (requests.Response(), {"encoding": None}),
    ],
)
def test_what_else_a_library_s_object_holds_is_read(value: Any, read: dict[str, Any]) -> None:
    found, _ = reading(value)
    assert {**found, **read} == found


def test_a_row_of_a_database_is_read_by_its_columns() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        row = database.execute("select 'message_1' as id, 9 as fields").fetchone()
    assert reading([row]) == ([{"id": "message_1", "fields": 9}], [])


class Leaving:
    def __iter__(self) -> Any:
        raise SystemExit(3)

    def __len__(self) -> int:
        raise SystemExit(3)


class LeavingList(list[int]):
    def __iter__(self) -> Any:
        raise SystemExit(3)


class Sly:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        reading,
        lambda: None,
        Plain("a").method,
        types,
        Plain,
        complex(1),
        {}.values(),
        Leaving(),
        LeavingList([1]),
        Sly(),
    ],
)
def test_what_cannot_be_compared_is_told_by_its_place_and_hides_nothing_else(value: Any) -> None:
    shown = f"({type(value).__qualname__})"
    assert reading(value) == (shown, [""])
    assert reading({"a": [value], "b/~": value, "c": 1}) == (
        {"a": [shown], "b/~": shown, "c": 1},
        ["/a/0", "/b~1~0"],
    )


def test_a_proxy_that_has_no_class_yet_cannot_be_compared() -> None:
    def unset(_: object) -> Any:
        raise RuntimeError

    proxy = type("Proxy", (), {"__class__": property(unset)})()
    assert reading({"a": proxy, "b": 1}) == ({"a": "(Proxy)", "b": 1}, ["/a"])


def test_items_of_a_set_share_a_place() -> None:
    assert reading({"a": {object(), 1}}) == ({"a": ["(object)", 1]}, ["/a/-"])


class Broken:
    def __init__(self, error: BaseException) -> None:
        self.id, self._error = "message_1", error

    @property
    def creator(self) -> str:
        raise self._error


@pytest.mark.parametrize("error", [KeyError("creatorId"), SystemExit(3), ValueError()])
def test_a_property_that_raises_hides_nothing_else(error: BaseException) -> None:
    found, _ = reading(Broken(error))
    assert found["id"] == "message_1"


@pytest.mark.parametrize("error", [KeyError("creatorId"), SystemExit(3), ValueError()])
def test_a_property_that_raises_is_absent(error: BaseException) -> None:
    assert reading([Broken(error)]) == ([{"id": "message_1"}], [])


def test_a_property_that_has_no_value_is_absent() -> None:
    assert reading(Broken(AttributeError())) == ({"id": "message_1"}, [])


def loop(value: Any) -> Any:
    value.held = [1, value]
    return value


@pytest.mark.parametrize("kind", [Data, Attrs, Model, Struct, Plain, Slotted])
def test_an_object_within_itself_cannot_be_compared(kind: Any) -> None:
    found, opaque = reading(loop(kind(id="message_1")))
    assert (found["id"], found["held"][0], opaque) == ("message_1", 1, ["/held/1"])


def test_a_list_or_dict_within_itself_cannot_be_compared() -> None:
    items: list[Any] = [1]
    members: dict[str, Any] = {"id": 1, "items": items}
    items.append(members)
    assert reading(members) == ({"id": 1, "items": [1, "(dict)"]}, ["/items/1"])


def test_an_object_may_be_held_twice() -> None:
    item = Plain("message_1")
    read = {"id": "message_1", "held": None}
    assert reading([item, item, {"a": item}]) == ([read, read, {"a": read}], [])


def test_what_is_too_deep_cannot_be_compared() -> None:
    value: Any = "deep"
    for _ in range(100):
        value = {"a": value, "b": 1}
    found, opaque = reading(value)
    assert opaque == ["/a" * 25, f"{'/a' * 24}/b"]
    for _ in range(24):
        assert found["b"] == 1
        found = found["a"]
    assert found == {"a": "(dict)", "b": "(int)"}


def test_objects_that_hold_each_other_come_to_an_end() -> None:
    family = [Plain(f"message_{number}") for number in range(30)]
    for member in family:
        member.held = family
    found, opaque = reading(family)
    assert opaque
    assert found[0]["id"] == "message_0"
    assert len(json.dumps(found)) < 1_000_000


def test_of_too_many_values_none_is_compared() -> None:
    assert reading([{"a": 1}] * 6_000) == ("(list of more than 5000 values)", [""])
    assert reading(list(range(4_000))) == (list(range(4_000)), [])


@dataclasses.dataclass
class WithProperty:
    id: str

    @property
    def length(self) -> int:
        return len(self.id)


class WithMore(dict[str, str]):
    @property
    def length(self) -> int:
        return len(self)


@pytest.mark.parametrize("value", [WithProperty("ab"), WithMore(id="ab", x="")])
def test_a_property_of_ones_own_class_is_read(value: Any) -> None:
    found, _ = reading(value)
    assert (found["id"], found["length"]) == ("ab", 2)


def test_what_only_looks_like_a_mapping_cannot_be_compared() -> None:
    assert reading(ElementTree.Element("m"))[1] == [""]


def test_endless_values_are_read_up_to_a_bound() -> None:
    assert reading({"a": Endless()})[1] == [""]


class Endless(dict[int, int]):
    def items(self) -> Any:
        return ((number, number) for number in itertools.count())
