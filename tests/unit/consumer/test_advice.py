"""Each library's recorded error gets the advice of its row, and of no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from retry_contract.consumer.advice import Advice, advise, table

Message = dict[str, Any]

RECORDED: dict[str, list[Message]] = json.loads(
    Path(__file__).with_name("messages.json").read_text(encoding="utf-8")
)
ON_FIELDS, ON_TARGETS = RECORDED["advice"], RECORDED["target"]
ADVICE, TARGET = table("advice"), table("target")


def name_of(message: Message) -> str:
    return f"{message['library']}-{message['version']}"


def text_of(row: Advice) -> str:
    return f"{row.library or row.language}: {row.change}"


def fits(row: Advice, message: Message) -> bool:
    known = not row.clue or row.clue in message.get("clues", ())
    return known and re.search(row.says, message["error"]) is not None


@pytest.mark.parametrize("message", ON_FIELDS, ids=name_of)
def test_a_message_gets_the_advice_of_its_row(message: Message) -> None:
    advice = advise(message["error"], message.get("clues", ()))
    assert advice.startswith(message["advice"])
    assert not advise(message["error"], of="target")


@pytest.mark.parametrize("message", ON_TARGETS, ids=name_of)
def test_a_message_on_the_target_gets_the_advice_of_its_row(message: Message) -> None:
    assert advise(message["error"], of="target").startswith(message["advice"])
    assert not advise(message["error"], message["clues"])


@pytest.mark.parametrize("message", ON_FIELDS + ON_TARGETS, ids=name_of)
def test_no_other_row_fits_a_message(message: Message) -> None:
    own, *others = [row for row in ADVICE + TARGET if fits(row, message)]
    assert text_of(own).startswith(message["advice"])
    # A language's own error comes after its libraries, for code whose class is not known.
    assert all(not row.library and row.language == own.language for row in others)


@pytest.mark.parametrize("row", ADVICE + TARGET, ids=text_of)
def test_each_row_has_a_message(row: Advice) -> None:
    messages = ON_FIELDS if row in ADVICE else ON_TARGETS
    own = [m for m in messages if text_of(row).startswith(m["advice"]) and fits(row, m)]
    assert own


@pytest.mark.parametrize("row", ADVICE + TARGET, ids=text_of)
def test_a_pattern_compiles_and_repeats_nothing_that_repeats(row: Advice) -> None:
    re.compile(row.says)
    assert not re.search(r"[*+}]\)[*+{]", row.says)


def test_the_advice_of_a_row_is_its_own() -> None:
    texts = [text_of(row) for row in ADVICE]
    assert len(set(texts)) == len(texts)


def test_a_class_that_refuses_a_keyword_is_told_by_its_kind() -> None:
    error = "TypeError: Message.__init__() got an unexpected keyword argument 'creatorId'"
    kinds = {"attrs": "attrs", "dataclass": "dataclass", "namedtuple": "NamedTuple", "": "Python"}
    for kind, library in kinds.items():
        assert advise(error, {"reader", kind}).startswith(f"{library}: ")


@pytest.mark.parametrize(
    "error",
    [
        "",
        "KeyError: 'creatorId'",
        "AssertionError",
        "ValueError: unknown field creatorId",
        "ValueError: unknown key creatorId",
        'ValidationError: "recipient" is not allowed to be empty',
        "TypeError: 'flush' is an invalid keyword argument for print()",
        "java.lang.NullPointerException",
        "ended with exit status 0",
    ],
)
def test_an_unknown_error_gets_no_advice(error: str) -> None:
    assert not advise(error, {"json", "reader"})
    assert not advise(error, of="target")
