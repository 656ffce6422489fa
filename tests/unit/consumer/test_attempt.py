"""The line that reports an attempt, of a command and of the Python host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retry_contract.consumer.process.attempt import Attempt, Ending, read_host_line, read_line

OBJECT = {"id": "message_1", "name": "é"}
TEXT = json.dumps(OBJECT)


def read_host(read: Any, **members: Any) -> Attempt:
    return read_host_line(json.dumps({"read": read, "opaque": [], **members}))


@pytest.mark.parametrize(
    ("line", "attempt"),
    [
        ("ok", Attempt(Ending.READ)),
        (" ok \r", Attempt(Ending.READ)),
        ('ok {"a": 1}', Attempt(Ending.READ, returned=True, read={"a": 1})),
        ("ok  [1, 2]", Attempt(Ending.READ, returned=True, read=[1, 2])),
        ('ok "text"', Attempt(Ending.READ, returned=True, read="text")),
        ("ok null", Attempt(Ending.READ, returned=True)),
        ("error it broke", Attempt(Ending.RAISED, error="it broke")),
        ("error  \x1b[2J it broke", Attempt(Ending.RAISED, error="\\x1b[2J it broke")),
        ("error", Attempt(Ending.RAISED, error="error, and nothing more")),
    ],
)
def test_a_line_of_the_protocol_is_read(line: str, attempt: Attempt) -> None:
    assert read_line(line) == attempt


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("", "(an empty one)"),
        ("  ", "(an empty one)"),
        ("okay", "okay"),
        ("OK", "OK"),
        ("DEBUG ok", "DEBUG ok"),
        ("errors 1", "errors 1"),
        ("ok {", "ok {"),
        ("ok done", "ok done"),
        ("\x1b[0m", "\\x1b[0m"),
        pytest.param("ok " + "1" * 5_000, "ok 1", id="a number of 5,000 digits"),
        pytest.param("ok " + "[" * 19_000, "ok [[", id="brackets that none close"),
    ],
)
def test_any_other_line_is_noise_and_is_shown(line: str, shown: str) -> None:
    attempt = read_line(line)
    assert attempt.ending is Ending.NOISE
    assert attempt.error.startswith(f"wrote the line: {shown}")
    assert len(attempt.error) < 11_000


PLACES: list[tuple[Any, Any]] = [
    (TEXT, OBJECT),
    (f" \n{TEXT} ", OBJECT),
    ([TEXT], [OBJECT]),
    ({"raw": TEXT, "id": 1}, {"raw": OBJECT, "id": 1}),
    ({"a": [{"b": [TEXT]}]}, {"a": [{"b": [OBJECT]}]}),
    ("{}", {}),
]


@pytest.mark.parametrize(("read", "taken"), PLACES)
def test_a_text_that_is_a_json_object_is_taken_as_that_object(read: Any, taken: Any) -> None:
    assert read_host(read).read == taken
    assert read_line(f"ok {json.dumps(read)}").read == taken


@pytest.mark.parametrize(
    ("read", "taken"),
    [
        (json.dumps({"raw": TEXT}), {"raw": OBJECT}),
        ([json.dumps({"a": [json.dumps({"b": TEXT})]})], [{"a": [{"b": OBJECT}]}]),
    ],
)
def test_a_text_within_such_a_text_is_taken_as_that_object_too(read: Any, taken: Any) -> None:
    assert read_host(read).read == taken
    assert read_line(f"ok {json.dumps(read)}").read == taken


@pytest.mark.parametrize(
    "text",
    [
        "text",
        "",
        "1",
        "null",
        "[1]",
        '["{}"]',
        "{",
        "{id}",
        '{"a": 1} and more',
        '"{}"',
        pytest.param('{"a":' * 100_000, id="braces that none close"),
        pytest.param('{"a": ' + "1" * 5_000 + "}", id="a number of 5,000 digits"),
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert read_host([text]).read == [text]


def test_the_names_of_members_stay_as_they_are() -> None:
    assert read_host({TEXT: 1}).read == {TEXT: 1}


def test_what_the_host_read_is_taken_with_what_cannot_be_compared() -> None:
    attempt = read_host({"a": "(object)"}, opaque=["/a"])
    assert attempt == Attempt(
        Ending.READ, returned=True, read={"a": "(object)"}, opaque=("/a",), success=None
    )
    assert attempt.is_read


@pytest.mark.parametrize("success", [True, False, None])
def test_what_a_client_reported_is_taken(success: bool | None) -> None:
    assert read_host(None, success=success).success is success


def test_a_predicate_that_was_of_no_use_is_told() -> None:
    attempt = read_host(1, refused="answered a str")
    assert (attempt.refused, attempt.success) == ("answered a str", None)


def test_an_error_of_the_host_is_one_line_and_no_success() -> None:
    detail = {
        "error": "ValueError: one\n  two\x1b[2J",
        "where": "app.py:3",
        "clues": ["app", "attrs"],
        "trace": "Traceback:\n  two",
    }
    attempt = read_host_line(json.dumps(detail))
    assert attempt == Attempt(
        Ending.RAISED,
        error="ValueError: one; two\\x1b[2J",
        where="app.py:3",
        clues=("app", "attrs"),
        trace="Traceback:\n  two",
        success=False,
    )
    assert not attempt.is_read


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("KeyError: 'creatorId'", "KeyError: 'id'", True),
        ("KeyError: 'creatorId'", "ValueError: 'creatorId'", False),
        ("KeyError", "KeyError: 'id'", True),
    ],
)
def test_failures_are_of_one_sort_by_their_exception(one: str, other: str, same: bool) -> None:
    found = [Attempt(Ending.RAISED, error=error).sort for error in (one, other)]
    assert (found[0] == found[1]) is same
    assert found[0] != Attempt(Ending.CRASHED, error=one).sort
