"""The process of a Python callable, from within: what it is handed, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http
import io
import json
import subprocess
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NewType, Optional, Union

import httpx
import pytest
import requests
from typing_extensions import TypeAliasType

from retry_contract.consumer.process import loading
from retry_contract.consumer.process.attempt import CALL, Attempt, Ending, read_host_line
from retry_contract.consumer.process.host import Host, host_command, reports_success

LINE = '{"id": "message_1", "name": "\\u00e9"}'
OBJECT = {"id": "message_1", "name": "é"}
TEXT = '{"id":"message_1","name":"é"}'
GIVEN = ("http://127.0.0.1", "key_1", "campaign_1", "message_1")
CALL_LINE = json.dumps(GIVEN)

Body = NewType("Body", Annotated[str, "the body"])
Alias = TypeAliasType("Alias", bytes)


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no test import the module of another."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("of_mine", None)


@contextlib.contextmanager
def host_for(run: Callable[[str], Any], accepted: Any = None) -> Iterator[Host]:
    host = Host(run, accepted)
    yield host
    if "_loop" in vars(host):
        host._loop.close()


def attempt(run: Callable[[str], Any], line: str = LINE, accepted: Any = None) -> Attempt:
    """Return an attempt as a line of the protocol reports it."""
    with host_for(run, accepted) as host:
        return read_host_line(host.attempt(line))


def call(client: Callable[..., Any], accepted: Any = reports_success) -> Attempt:
    return attempt(lambda line: client(*json.loads(line)), CALL_LINE, accepted)


def annotated_reader(annotation: Any, **others: Any) -> Callable[[Any], Any]:
    """Return a reader whose parameter is annotated, and which returns what it is handed."""

    def read(response: Any, other: Any = None) -> Any:
        return response

    read.__annotations__ = {"response": annotation, **others}
    return read


class Reader:
    def method(self, response: bytes) -> Any:
        return response

    @classmethod
    def of_class(cls, response: str) -> Any:
        return response

    def __call__(self, response: str) -> Any:
        return response


@pytest.mark.parametrize(
    ("consume", "handed"),
    [
        (annotated_reader(dict[str, str]), OBJECT),
        (annotated_reader(list[str]), OBJECT),
        (annotated_reader("Unheard"), OBJECT),
        (annotated_reader("1 / 0"), OBJECT),
        (lambda response: response, OBJECT),
        (dict, OBJECT),
        (annotated_reader(str), TEXT),
        (annotated_reader("str"), TEXT),
        (annotated_reader("str | None"), TEXT),
        (annotated_reader(Optional[str]), TEXT),  # noqa: UP045
        (annotated_reader(Annotated[str, "the body"]), TEXT),
        (annotated_reader(Body), TEXT),
        (annotated_reader("Body | None"), TEXT),
        (annotated_reader("str", other="Unheard"), TEXT),
        (annotated_reader(bytearray | bytes | str), TEXT),
        (Reader.of_class, TEXT),
        (Reader(), TEXT),
        (functools.partial(annotated_reader(str)), TEXT),
        (annotated_reader(bytes), TEXT.encode()),
        (annotated_reader(Alias), TEXT.encode()),
        (annotated_reader(bytes | dict[str, str]), TEXT.encode()),
        (annotated_reader(Union[int, bytes]), TEXT.encode()),  # noqa: UP007
        (Reader().method, TEXT.encode()),
        (annotated_reader(bytearray), bytearray(TEXT.encode())),
        pytest.param(annotated_reader("str | None", other="Unheard"), TEXT),
    ],
)
def test_a_reader_is_handed_what_its_annotation_says(
    consume: Callable[[Any], Any], handed: Any
) -> None:
    found = loading.adapt(consume)(LINE)
    assert (type(found), found) == (type(handed), handed)


class OfItself:
    def __init__(self, response: str) -> None:
        self.body = response


def test_a_class_is_made_of_the_response() -> None:
    assert loading.adapt(OfItself)(LINE).body == TEXT


def test_a_callable_is_imported_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "of_mine.py").write_text(
        "class Reader:\n    @staticmethod\n    def read(response): return response['id']\n", "utf-8"
    )
    assert loading.load_reader("of_mine:Reader.read", str(tmp_path))(LINE) == "message_1"


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("", "of_mine:read", "of_mine was imported, but it has no read"),
        ("", "json:nothing", "json was imported, but it has no nothing, for it is none of yours"),
        ("read = 1", "of_mine:read", "read is no callable; name a function"),
        ("", "of_mine:__name__", "__name__ is no callable; name a function"),
        ("class A: pass", "of_mine:A.b", "of_mine was imported, but it has no A.b"),
        ("def f():\n  1 / 0\nf()", "of_mine:f", "ZeroDivisionError: division by zero (at of_min"),
        ("raise ValueError('a\\nb')", "of_mine:f", "ValueError: a; b (at of_mine.py:1)"),
        ("import no_such", "of_mine:f", "No module named 'no_such' (at of_mine.py:1)"),
        ("", "no_such:f", "No module named 'no_such'; it is looked for in this folder and in PYTH"),
        (
            "",
            "no.such:f",
            "No module named 'no'; it is looked for in this folder and in PYTHONPATH",
        ),
        ("", "of_mine.such:f", "'of_mine' is not a package"),
        ("import sys; sys.exit(2)", "of_mine:f", "SystemExit: 2: the code ends the program"),
    ],
)
def test_what_cannot_be_loaded_says_why(
    source: str, target: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "of_mine.py").write_text(source, "utf-8")
    with pytest.raises(loading.CannotLoad) as raised:
        loading.load_reader(target, str(tmp_path))
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("", "too many positional arguments"),
        ("response, settings", "missing a required argument: 'settings'"),
        ("*, response", "too many positional arguments"),
    ],
)
def test_a_reader_that_does_not_take_one_argument_cannot_be_loaded(
    parameters: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "of_mine.py").write_text(f"def read({parameters}): pass\n", "utf-8")
    with pytest.raises(loading.CannotLoad) as raised:
        loading.load_reader("of_mine:read", str(tmp_path))
    assert str(raised.value) == f"cannot be called with one argument, the response: {reason}"


@pytest.mark.parametrize("target", ["builtins:dict", "builtins:len", "json:dumps", "builtins:type"])
def test_what_has_no_signature_may_take_one_argument(target: str) -> None:
    loading.load_reader(target, ".")


@pytest.mark.parametrize(
    "parameters",
    [
        "base_url, api_key, campaign_id, message_id",
        "message_id, campaign_id, api_key, base_url",
        "*, api_key, base_url, message_id, campaign_id",
        "message_id, retries=3, *, campaign_id, api_key, base_url",
    ],
)
def test_a_client_is_given_its_parameters_by_name(parameters: str, tmp_path: Path) -> None:
    source = f"def retry({parameters}): return base_url, api_key, campaign_id, message_id"
    (tmp_path / "of_mine.py").write_text(source, "utf-8")
    assert loading.load_client("of_mine:retry", str(tmp_path))(CALL_LINE) == GIVEN


@pytest.mark.parametrize(
    "parameters",
    [
        "a, b, c, d",
        "*given",
        "url, key, *rest",
        pytest.param("base_url, api_key, campaign_id, message_id, /"),
    ],
)
def test_a_client_whose_parameters_have_no_such_names_is_given_them_in_order(
    parameters: str, tmp_path: Path
) -> None:
    (tmp_path / "of_mine.py").write_text(f"def retry({parameters}): return locals()", "utf-8")
    found = loading.load_client("of_mine:retry", str(tmp_path))(CALL_LINE)
    values = [v for held in found.values() for v in (held if type(held) is tuple else [held])]
    assert tuple(values) == GIVEN


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("base_url, message_id", "too many positional arguments"),
        ("a, b, c, d, e", "missing a required argument: 'e'"),
        pytest.param(
            "base_url, api_key, campaign_id, message_id, session",
            "missing a required argument: 'session'",
        ),
    ],
)
def test_a_client_that_does_not_take_four_arguments_cannot_be_loaded(
    parameters: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "of_mine.py").write_text(f"def retry({parameters}): pass\n", "utf-8")
    with pytest.raises(loading.CannotLoad) as raised:
        loading.load_client("of_mine:retry", str(tmp_path))
    names = "base_url, api_key, campaign_id, message_id"
    assert str(raised.value) == f"cannot be called with ({names}): {reason}"


def raiser(error: BaseException) -> Callable[..., Any]:
    def raise_it(*_: Any) -> Any:
        raise error

    return raise_it


def test_what_a_reader_returned_is_read_and_reports_no_success() -> None:
    assert attempt(lambda _: {"a": [1, object()]}) == Attempt(
        Ending.READ, returned=True, read={"a": [1, "(object)"]}, opaque=("/a/1",)
    )


def test_a_response_object_of_a_reader_is_read_by_its_attributes() -> None:
    assert attempt(lambda _: types.SimpleNamespace(status=400, a=1)).read == {"status": 400, "a": 1}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("id"), "KeyError: 'id'"),
        (SystemExit(3), "SystemExit: 3: the code ends the program"),
        (SystemExit(0), "SystemExit: 0: the code ends the program"),
        (KeyboardInterrupt(), "KeyboardInterrupt: raised by the code"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
def test_a_reader_that_raises_or_exits_breaks(error: BaseException, text: str) -> None:
    found = attempt(raiser(error))
    assert (found.ending, found.error) == (Ending.RAISED, text)
    assert found.where.startswith("test_host.py:")


def numbers() -> Iterator[int]:
    yield 1
    yield 2


def late() -> Iterator[float]:
    yield 1 / 0


@pytest.mark.parametrize("lazy", [numbers, lambda: map(int, "12"), lambda: iter([1, 2])])
def test_a_generator_is_run_to_its_end(lazy: Callable[[], Any]) -> None:
    assert attempt(lambda _: lazy()).read == [1, 2]


@pytest.mark.parametrize("lazy", [late, lambda: map(int, "a")])
def test_what_a_generator_raises_counts(lazy: Callable[[], Any]) -> None:
    assert attempt(lambda _: lazy()).ending is Ending.RAISED
    assert call(lambda *_: lazy()).success is False


class OfUrllib(io.BytesIO):
    """As those of urllib3 and of http.client, which are iterated by lines."""

    status = 400


def test_a_response_that_is_like_a_file_is_not_read_to_its_end() -> None:
    response = OfUrllib(b"a\nb\n")
    found = call(lambda *_: response)
    assert (found.read, found.success) == (400, False)
    assert response.read() == b"a\nb\n"


async def doubling(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_a_coroutine_is_run_to_its_end() -> None:
    assert attempt(lambda line: doubling(len(line)), "{}").read == 4


def test_coroutines_share_one_event_loop() -> None:
    shared: list[asyncio.Lock] = []

    async def sharing(line: str) -> int:
        """Wait for a lock, as a session of aiohttp does: it belongs to the loop it was first in."""
        if line == "leave":
            raise SystemExit(3)
        shared.extend([] if shared else [asyncio.Lock()])
        async with shared[0]:
            waiting = asyncio.ensure_future(shared[0].acquire())
            await asyncio.sleep(0)
            waiting.cancel()
        return 1

    with host_for(sharing) as host:
        found = [json.loads(host.attempt(line)) for line in ("1", "2", "leave", "3")]
    assert [each.get("read") for each in found] == [1, 1, None, 1]
    assert found[2]["error"].startswith("SystemExit: 3")


async def asynchronous_numbers() -> AsyncIterator[int]:
    yield 1


def test_what_is_neither_awaited_nor_iterated_cannot_be_compared() -> None:
    assert attempt(lambda _: asynchronous_numbers()).opaque == ("",)


def response_of_requests(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    return response


@pytest.mark.parametrize(
    ("value", "success"),
    [
        (True, True),
        ("retried", True),
        ({"id": 1}, True),
        ({"status": 400}, True),
        ([False], True),
        (False, False),
        (0, False),
        ("", False),
        ({}, False),
        (iter([]), False),
        (None, None),
        (types.SimpleNamespace(status=True), True),
        (types.SimpleNamespace(status="400"), True),
    ],
)
def test_a_client_reports_success_by_a_truthy_value(value: Any, success: bool | None) -> None:
    found = call(lambda *_: value)
    assert (found.ending, found.success) == (Ending.READ, success)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response,
        response_of_requests,
        lambda status: types.SimpleNamespace(status=status),
        lambda status: types.SimpleNamespace(status_code=http.HTTPStatus(status), status="x"),
    ],
)
@pytest.mark.parametrize(
    ("status", "success"),
    [(200, True), (201, True), (207, True), (302, False), (400, False), (500, False)],
)
def test_a_response_object_reports_success_by_its_status(
    response: Callable[[int], Any], status: int, success: bool
) -> None:
    assert call(lambda *_: response(status)) == Attempt(
        Ending.READ, returned=True, read=status, success=success
    )


@pytest.mark.parametrize(
    ("code", "success"),
    [
        (None, True),
        (0, True),
        (False, True),
        (1, False),
        (3, False),
        ("0", False),
        ("out of ideas", False),
        pytest.param("", False),
    ],
)
def test_a_client_that_exits_reports_success_by_the_status(code: Any, success: bool) -> None:
    found = call(raiser(SystemExit(code)))
    assert found.success is success
    assert found.ending is (Ending.READ if success else Ending.RAISED)


def test_a_client_that_raises_reports_failure() -> None:
    found = call(raiser(ValueError("refused")))
    assert (found.ending, found.success) == (Ending.RAISED, False)
    assert found.error == "ValueError: refused"


@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.parametrize("value", [None, {"code": 1}, 0, httpx.Response(500)])
def test_a_predicate_says_what_reports_success(value: Any, accepts: bool) -> None:
    given = []

    def accepted(returned: Any) -> bool:
        given.append(returned)
        return accepts

    found = call(lambda *_: value, accepted)
    assert (found.success, found.refused) == (accepts, "")
    assert given == [value]


def test_no_predicate_is_asked_about_a_client_that_exits_or_raises() -> None:
    assert call(raiser(SystemExit(0)), raiser(AssertionError())).success is True
    assert call(raiser(ValueError()), raiser(AssertionError())).success is False


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        (raiser(KeyError("code")), "raised KeyError: 'code'"),
        (raiser(SystemExit(3)), "raised SystemExit: 3: the code ends the program"),
        (lambda _: None, "answered a NoneType"),
        (lambda _: 1, "answered a int"),
        (lambda _: "True", "answered a str"),
        (lambda _: doubling, "answered a function"),
    ],
)
def test_a_predicate_that_raises_or_answers_no_bool_is_refused(accepted: Any, refused: str) -> None:
    found = call(lambda *_: {"a": 1}, accepted)
    assert (found.refused, found.success, found.read) == (refused, None, {"a": 1})


class Leaving:
    @property
    def status(self) -> int:
        raise SystemExit(3)


def test_a_status_that_ends_the_program_does_not_end_the_host() -> None:
    assert call(lambda *_: Leaving(), lambda _: True).success is True


def run_host(folder: Path, source: str, *words: str, lines: int = 1) -> list[str]:
    """Run the host as a process on a module `app`, and return the lines that it writes."""
    (folder / "app.py").write_text(source, "utf-8")
    given = f"{CALL_LINE if CALL in words else LINE}\n" * lines
    done = subprocess.run(
        host_command(*words), cwd=folder, input=given, capture_output=True, text=True, timeout=60
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_child_that_comes_back_writes_no_line(tmp_path: Path) -> None:
    source = "import os\ndef read(response):\n    os.fork()\n    return len(response)\nos.fork()"
    ready, *lines = run_host(tmp_path, source, "app:read", lines=3)
    assert ready == "ready"
    assert [json.loads(line)["read"] for line in lines] == [2, 2, 2]


@pytest.mark.parametrize(
    "body",
    [
        "print(response)",
        "sys.stdout.close(); sys.stderr.close()",
        "sys.stdin.read()",
        "os.chdir('/')",
        "threading.Thread(target=threading.Event().wait).start()",
        "signal.raise_signal(signal.SIGINT)",
    ],
)
def test_whatever_a_reader_does_each_line_is_reported(body: str, tmp_path: Path) -> None:
    imports = "import os, signal, sys, threading\n"
    source = f"{imports}def read(response):\n    folder = os.getcwd(); {body}\n    return folder"
    ready, *lines = run_host(tmp_path, source, "app:read", lines=2)
    assert ready == "ready"
    report = {"read": str(tmp_path), "opaque": []}
    assert [json.loads(line) for line in lines] == [report, report]


def test_a_client_is_hosted_with_its_predicate(tmp_path: Path) -> None:
    source = "def retry(*given): return given[3]\ndef accepted(found): return found == 'message_1'"
    ready, line = run_host(tmp_path, source, "app:retry", CALL, "app:accepted")
    assert ready == "ready"
    assert json.loads(line) == {"read": "message_1", "opaque": [], "success": True}
    _, line = run_host(tmp_path, source, "app:retry", CALL, "")
    assert json.loads(line)["success"] is True


@pytest.mark.parametrize(
    ("predicate", "reason"),
    [
        ("app:none", "app was imported, but it has no none"),
        ("app:two", "cannot be called with one argument, what the client returned: missing"),
    ],
)
def test_a_predicate_that_cannot_be_loaded_says_why(
    predicate: str, reason: str, tmp_path: Path
) -> None:
    source = "def retry(*given): return 1\ndef two(a, b): return True"
    (line,) = run_host(tmp_path, source, "app:retry", CALL, predicate)
    assert json.loads(line).startswith(reason)
