"""The process of a Python callable, from within."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NewType

import pytest
import requests
from support.trying import answered

from retry_contract.consumer.advice import advise
from retry_contract.consumer.answers import Answer, Kind, read_detailed
from retry_contract.consumer.hosted import host, loading

Body = NewType("Body", Annotated[str, "the body"])
LINE = '{"id":"message_1","name":"\\u00e9"}'


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def of_dict(reply: dict[str, str]) -> str:
    return type(reply).__name__


def of_str(reply: str) -> str:
    return reply


def of_either(reply: bytes | bytearray) -> str:
    return repr(reply)


def of_optional(reply: str | None) -> Any:
    return reply


def of_unknown(reply: Unheard) -> str:  # type: ignore[name-defined] # noqa: F821
    return type(reply).__name__


def of_annotated(reply: Annotated[str, "the body"]) -> Any:
    return reply


def of_bytearray(reply: bytearray) -> str:
    return repr(reply)


def of_new_type(reply: Body | None) -> Any:
    return reply


def beside_unknown(reply: str, other: Unheard = None) -> Any:  # type: ignore[name-defined] # noqa: F821
    return reply


class OfItself:
    def __init__(self, reply: str) -> None:
        self.body = reply


@pytest.mark.parametrize(
    ("consume", "read"),
    [
        (of_dict, "dict"),
        (of_unknown, "dict"),
        (dict, {"id": "message_1", "name": "é"}),
        (lambda reply: type(reply).__name__, "dict"),
        (of_str, '{"id":"message_1","name":"é"}'),
        (of_optional, '{"id":"message_1","name":"é"}'),
        (of_annotated, '{"id":"message_1","name":"é"}'),
        (of_new_type, '{"id":"message_1","name":"é"}'),
        (beside_unknown, '{"id":"message_1","name":"é"}'),
        (OfItself, {"body": '{"id":"message_1","name":"é"}'}),
        (of_bytearray, repr(bytearray('{"id":"message_1","name":"é"}'.encode()))),
        (of_either, repr('{"id":"message_1","name":"é"}'.encode())),
    ],
)
def test_a_callable_is_given_what_its_annotation_says(
    consume: Callable[..., Any], read: Any
) -> None:
    told = read_detailed(answered(loading.prepared(consume), LINE))
    assert told == Answer(Kind.READ, told=True, read=read)


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Sly:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError


def raising(error: BaseException) -> Callable[[Any], Any]:
    def consume(_: Any) -> Any:
        raise error

    return consume


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("id"), "KeyError: 'id'"),
        (SystemExit(3), "SystemExit: 3: the code ends the program"),
        (KeyboardInterrupt(), "KeyboardInterrupt: raised by the code"),
        (ValueError("one\n\ntwo\nthree\nfour"), "ValueError: one; two; three"),
        (ExceptionGroup("all", [ValueError("inner")]), "ValueError: inner"),
        (Unshowable(), "Unshowable"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_an_error_is_told_by_its_last_line(error: BaseException, text: str) -> None:
    told = read_detailed(answered(loading.prepared(raising(error)), LINE))
    assert told.kind is Kind.REFUSED
    assert told.error.endswith(text)
    assert told.where.startswith("test_host.py:")


@pytest.mark.parametrize(
    ("error", "well"),
    [
        (SystemExit(), True),
        (SystemExit(0), True),
        (SystemExit(False), True),
        (SystemExit(1), False),
        (SystemExit("0"), False),
        (ValueError(0), False),
    ],
)
def test_an_exit_status_of_zero_is_told(error: BaseException, well: bool) -> None:
    told = read_detailed(answered(raising(error), LINE))
    assert (told.kind, told.exits_well) == (Kind.REFUSED, well)


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit


SECRET = "key_test_0123456789abcdef"


@pytest.mark.parametrize(
    "error",
    [
        chained(ValueError("failed"), ValueError(SECRET)),
        noted(ValueError("failed"), SECRET),
        ValueError("x" * 1000 + SECRET),
        ValueError(f"one\ntwo\nthree\n{SECRET}"),
        ExceptionGroup("all", [ValueError("first"), ValueError(SECRET)]),
        ValueError(f"\udc80 {SECRET}"),
    ],
)
def test_an_error_of_a_client_is_shown_in_full_as_it_would_be_printed(
    error: Exception, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    answered(raising(error), LINE, output=str(output))
    assert SECRET in output.read_text("utf-8")


@pytest.mark.parametrize("error", [Unshowable(), Exiting(), SystemExit(3)])
def test_an_error_that_cannot_be_shown_is_told_all_the_same(
    error: BaseException, tmp_path: Path
) -> None:
    told = read_detailed(answered(raising(error), LINE, output=str(tmp_path / "output")))
    assert told.kind is Kind.REFUSED


def test_an_object_that_cannot_be_looked_into_is_read_all_the_same() -> None:
    assert answered(lambda _: Sly(), LINE) == 'ok "Sly"'


def test_a_callable_is_imported_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "of_mine.py").write_text(
        "class Reader:\n    @staticmethod\n    def read(reply): return reply['id']\n", "utf-8"
    )
    assert loading.load("of_mine:Reader.read", str(tmp_path))(LINE) == "message_1"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("not_to_be_found:x", "cannot be imported: ModuleNotFoundError"),
        ("json:nothing", "json was imported, but it has no nothing"),
        ("json:__name__", "is no callable"),
    ],
)
def test_what_cannot_be_loaded_is_said(target: str, said: str) -> None:
    with pytest.raises(loading.CannotLoad, match=said):
        loading.load(target, ".")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("", "too many positional arguments"),
        ("reply, settings", "missing a required argument: 'settings'"),
        ("*, reply", "too many positional arguments"),
    ],
)
def test_what_does_not_take_one_argument_cannot_be_tried(
    parameters: str, said: str, tmp_path: Path
) -> None:
    name = f"takes_{len(parameters)}"
    (tmp_path / f"{name}.py").write_text(f"def read({parameters}): pass\n", "utf-8")
    with pytest.raises(loading.CannotLoad) as raised:
        loading.load(f"{name}:read", str(tmp_path))
    assert str(raised.value) == f"cannot be called with one argument, the reply: {said}"


@pytest.mark.parametrize("target", ["builtins:dict", "builtins:len", "json:dumps", "builtins:type"])
def test_what_has_no_signature_may_take_one_argument(target: str) -> None:
    loading.load(target, ".")


FORKING = """
import os
def read(reply):
    os.fork()
    return len(reply)
os.fork()
"""


def test_a_child_that_comes_back_answers_nothing(tmp_path: Path) -> None:
    (tmp_path / "forking.py").write_text(FORKING, "utf-8")
    words = [sys.executable, "-P", "-m", "retry_contract.consumer.hosted.host", "forking:read"]
    given = (LINE + "\n") * 3
    done = subprocess.run(words, cwd=tmp_path, input=given, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["ready", "ok 2", "ok 2", "ok 2"]


OTHERS = [
    ('UnrecognizedPropertyException: Unrecognized field "creatorId"', "Jackson"),
    ("Encountered an unknown key 'creatorId' at path: $", "kotlinx.serialization"),
    ('unrecognized_keys: Unrecognized key: "creatorId"', "zod"),
    ('ValidationError: "creatorId" is not allowed', "joi"),
    ("data must NOT have additional properties", "ajv"),
    ("The JSON property 'creatorId' could not be mapped to any .NET member", "System.Text.Json"),
    ("Could not find member 'creatorId' on object of type 'Reply'", "Newtonsoft.Json"),
    ("unknown field `creatorId`, expected one of `id`", "serde"),
    ('json: unknown field "creatorId"', "encoding/json"),
    ("Cannot skip unexpected NAME at $.creatorId", "Moshi"),
    ("TypeError: parse() got an unexpected keyword argument 'creatorId'", "Python"),
    ("wrote a line that is neither ok, ok JSON nor error TEXT: DEBUG", "protocol"),
    ("wrote a line too many: ok", "protocol"),
    ("ended with exit status 0", "protocol"),
    ("no answer within 2 s", "timeout"),
]


@pytest.mark.parametrize(("error", "library"), OTHERS)
def test_what_other_languages_and_odd_commands_say_is_recognised(error: str, library: str) -> None:
    assert advise(Answer(Kind.REFUSED, error=error)).startswith(f"{library}: ")


def test_an_error_that_no_library_is_known_for_has_no_advice() -> None:
    assert advise(Answer(Kind.REFUSED, error="KeyError: 'creatorId'")) == ""


def test_what_is_answered_is_ascii() -> None:
    line = answered(loading.prepared(of_str), LINE)
    assert line.isascii()
    assert json.loads(line.removeprefix("ok ")) == '{"id":"message_1","name":"é"}'


class Odd:
    def __init__(self, id_: str) -> None:
        self.id = id_
        self.pool = Sly()


def test_one_member_that_cannot_be_looked_into_hides_no_other() -> None:
    read = json.loads(answered(lambda _: Odd("message_1"), "{}").removeprefix("ok "))
    assert read["id"] == "message_1"


def test_the_whole_response_of_requests_is_read() -> None:
    reply = requests.Response()
    reply.status_code = 400
    read = json.loads(answered(lambda _: reply, "{}").removeprefix("ok "))
    assert read["status_code"] == 400


class OfUrllib(io.BytesIO):
    """As that of urllib3 and of http.client, which are read line by line when they are listed."""

    status = 0


def test_a_response_that_is_like_a_file_is_no_list_of_lines() -> None:
    reply = OfUrllib(b'{"id": 1}')
    reply.status = 400
    assert json.loads(answered(lambda _: reply, "{}").removeprefix("ok ")) == {"status": 400}


def test_bytes_are_read_as_text() -> None:
    assert answered(lambda _: b'{"id":1}', "{}") == 'ok "{\\"id\\":1}"'


async def _numbers() -> AsyncIterator[float]:
    yield 1 / 0


class Later:
    def __await__(self) -> Iterator[Any]:
        raise ZeroDivisionError("late")


@pytest.mark.parametrize(
    "lazy", [lambda: (1 / 0 for _ in [1]), _numbers, Later, lambda: iter(lambda: 1 / 0, 0)]
)
def test_what_is_lazy_is_run_to_its_end(lazy: Callable[[], Any]) -> None:
    assert "ZeroDivisionError" in answered(lambda _: lazy(), "{}")


SHARED: list[asyncio.Lock] = []


async def sharing(_: Any) -> int:
    """Wait for a lock, as a session of aiohttp does: it belongs to the loop of the first time."""
    if not SHARED:
        SHARED.append(asyncio.Lock())
    async with SHARED[0]:
        waiting = asyncio.ensure_future(SHARED[0].acquire())
        await asyncio.sleep(0)
        waiting.cancel()
    return 1


def test_all_lines_are_answered_in_one_event_loop() -> None:
    SHARED.clear()
    with asyncio.Runner() as runner:
        assert [host.answer(sharing, LINE, runner) for _ in range(2)] == ["ok 1", "ok 1"]


async def leaving(_: Any) -> None:
    raise SystemExit(3)


def test_a_loop_that_was_left_by_sys_exit_serves_the_next_line() -> None:
    with asyncio.Runner() as runner:
        assert "SystemExit: 3" in host.answer(leaving, LINE, runner)
        assert host.answer(sharing, LINE, runner) == "ok 1"
