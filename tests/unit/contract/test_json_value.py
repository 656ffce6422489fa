"""A payload of Python values: each that JSON does not have is one violation, and is not quoted."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.json_value import json_value
from retry_contract.contract.validator import identify, violations

AFTER = catalogue()["after"]
RESPONSE = {name: AFTER.sample("retry", name) for name in AFTER.fields()}


class Status(Enum):
    CREATED = "created"


class Text(StrEnum):
    CREATED = "created"
    SENT = "sent"

    def __str__(self) -> str:
        return "another text"


class Number(IntEnum):
    ONE = 1


@dataclass
class Recipient:
    value: str


class Pair(NamedTuple):
    first: str
    second: int


OTHERS: dict[str, Any] = {
    "a datetime": datetime(2025, 2, 24, tzinfo=UTC),
    "a date": date(2025, 2, 24),
    "a Decimal": Decimal("6599990000"),
    "a UUID": UUID(int=6599990000),
    "a Status": Status.CREATED,
    "a set": {"S0000000X"},
    "a bytes": b"S0000000X",
    "a tuple": ("S0000000X",),
    "a Pair": Pair("S0000000X", 1),
    "a Recipient": Recipient("S0000000X"),
    "a generator": (name for name in "ab"),
    "an object": object(),
    "NaN": math.nan,
    "Infinity": -math.inf,
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("field", [*RESPONSE, "language"])
def test_value_that_json_does_not_have_is_one_violation(field: str, name: str) -> None:
    payload = RESPONSE | {field: OTHERS[name]}
    (violation,) = violations(payload, "after")
    assert (violation.rule, violation.pointer) == ("body-is-json", f"/{field}")
    assert violation.message == (
        f"{field} is {name}, which is no JSON value; "
        "expected what json.loads reads from the body that is sent"
    )
    assert identify(payload) == ()


def test_each_defect_is_a_violation_wherever_it_is() -> None:
    payload = RESPONSE | {
        "recipient": {"value": OTHERS["a UUID"]},
        "values": {"a/b": OTHERS["a date"], "c": 5, "d": "kept"},
        "id": "",
        "batches": [{"at": OTHERS["a datetime"]}, "kept"],
    }
    assert [(v.pointer, v.actual.partition(",")[0]) for v in violations(payload, "after")] == [
        ("/recipient/value", "a UUID"),
        ("/values/a~1b", "a date"),
        ("/batches/0/at", "a datetime"),
        ("/id", "an empty string"),
        ("/values/c", "a number"),
    ]


@pytest.mark.parametrize("payload", OTHERS.values(), ids=OTHERS)
def test_response_that_is_another_value_is_one_violation(payload: Any) -> None:
    (violation,) = violations(payload, "after")
    assert violation.pointer == ""
    assert violation.message.startswith("the response is ")
    item, array = violations([payload], "after")
    assert (item.pointer, array.actual) == ("/0", "an array of 1 item")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (7, "an int"),
        (None, "a NoneType"),
        (1.5, "a float"),
        (("S0000000X",), "a tuple"),
        (OTHERS["a UUID"], "a UUID"),
    ],
)
def test_name_of_a_member_that_is_no_string_is_a_violation_of_the_object(
    name: Any, shown: str
) -> None:
    (violation,) = violations(RESPONSE | {"values": {name: "S0000000X", "e": "kept"}}, "after")
    assert violation.pointer == "/values"
    assert violation.actual == f"a dict with a name that is {shown}, which is no JSON value"


def test_cycle_and_depth_are_violations() -> None:
    cycle: dict[str, Any] = {}
    cycle["again"] = [cycle, {"shared": RESPONSE}, {"shared": RESPONSE}]
    (holds_itself,) = violations(RESPONSE | {"x": cycle}, "after")
    assert holds_itself.pointer == "/x/again/0"
    assert holds_itself.actual == "a dict that holds itself, which is no JSON value"
    deep: list[Any] = []
    for _ in range(199):
        deep = [deep]
    assert json_value(deep) == (deep, {})
    too_deep, _ = violations([deep], "after")
    assert too_deep.actual == "a list nested deeper than 200 levels"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_payload_read_from_json_is_itself(payload: Any) -> None:
    assert json_value(payload) == (payload, {})
    assert json_value(json.loads(json.dumps(payload))) == (payload, {})


def test_subclasses_are_what_json_writes_of_them() -> None:
    payload = OrderedDict(RESPONSE, latestStatus=Text.CREATED, number=Number.ONE)
    assert violations(payload, "after") == ()
    assert identify(payload) == ("after-2025-02-24",)
    assert json_value(payload) == (json.loads(json.dumps(payload)), {})
    (violation,) = violations(payload | {"latestStatus": Text.SENT}, "after")
    assert violation.actual == '"sent"'
