"""What a reader of a response sees of a key: in names, texts and headers, in any encoding."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.planted import ENCODINGS

from retry_contract.exchange import Exchange
from retry_contract.rules.refusals import secret_in

KEY = "key_test_Q7xk3fJ0pLm9ZtW2"
TWICE = b'{"message": "\\u006bey_test_Q7xk3fJ0pLm9ZtW2", "message": "x"}'
SAID = "text that holds the API key"
TRACE = "text that holds a stack trace"
PLACES: dict[str, Any] = {
    "a text": lambda text: {"message": f"no {text} here"},
    "a name": lambda text: {"error": [{text: 1}]},
    "an item": lambda text: [[text]],
    "the body": lambda text: text,
}


def _exchange(body: bytes, **headers: str) -> Exchange:
    return Exchange(1, "retry", "POST", "/api/v2/x", 400, headers, body)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("place", PLACES)
def test_key_in_json(place: str, encoding: str) -> None:
    payload = PLACES[place](ENCODINGS[encoding](KEY))
    assert secret_in(_exchange(json.dumps(payload).encode()), "another", KEY) == SAID
    assert secret_in(_exchange(json.dumps(payload).encode()), f"{KEY}X") is None


@pytest.mark.parametrize(
    "body", [b'{"a": "k\\u0065y_test_Q7xk3fJ0pLm9ZtW2"}', b'{"\\u006bey_test_Q7xk3fJ0pLm9ZtW2": 1}']
)
def test_key_that_only_a_json_reader_sees(body: bytes) -> None:
    assert secret_in(_exchange(body), KEY) == SAID


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_key_in_what_is_no_json(encoding: str) -> None:
    encoded = ENCODINGS[encoding](KEY)
    assert secret_in(_exchange(f"<p>{encoded}</p>".encode()), KEY) == SAID
    assert secret_in(_exchange(b"{}", server=f"x {encoded}"), KEY) == SAID


@pytest.mark.parametrize(
    "trace",
    [
        "Traceback (most recent call last):\n",
        "Error: x\n    at send (/app/index.js:12:3)",
        'File "/app/main.py", line 3',
        "at sg.gov.Retry.send(Retry.java:12)",
    ],
)
def test_stack_trace(trace: str) -> None:
    for body in (json.dumps({"message": trace}), json.dumps({trace: 1}), trace):
        assert secret_in(_exchange(body.encode()), KEY) == TRACE
    twice = json.dumps({"message": json.dumps({"stack": trace})})
    assert secret_in(_exchange(twice.encode()), KEY) == TRACE


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"message": "at 12:30 it was (late)"}', b"\xff"]
)
def test_nothing_to_hide(body: bytes) -> None:
    assert secret_in(_exchange(body), KEY, "") is None


@pytest.mark.parametrize("body", [TWICE, f"<p>{KEY}</p>".encode("utf-16")])
def test_key_that_one_reader_sees_and_another_does_not(body: bytes) -> None:
    assert secret_in(_exchange(body), KEY) == SAID


def test_key_in_the_name_of_a_header() -> None:
    assert secret_in(_exchange(b"{}", **{f"x-{KEY.casefold()}": "1"}), KEY) == SAID
