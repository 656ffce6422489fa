"""What an error of the user's code says: its last line, its place, its clues and its trace."""

from __future__ import annotations

import collections
import dataclasses
import json
import operator
import os
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import cattrs
import msgspec
import pydantic
import pytest

from retry_contract.consumer.process.plain_data import detail_of
from retry_contract.privacy.user_errors import is_installed, last_line, place_of

SECRET = "key_test_0123456789abcdef"


def error_of(run: Callable[[], Any]) -> BaseException:
    """Return what a call raises, with its traceback."""
    try:
        run()
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


def throw(error: BaseException) -> BaseException:
    def run() -> None:
        raise error

    return error_of(run)


class OfTheUser(Exception):
    """An exception in its own module."""


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Model(pydantic.BaseModel):
    id: int


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("id"), "KeyError: 'id'"),
        (AssertionError(), "AssertionError"),
        (ValueError("  "), "ValueError"),
        (OfTheUser("no"), f"{__name__}.OfTheUser: no"),
        (json.JSONDecodeError("no", "", 0), "json.decoder.JSONDecodeError: no: line 1 column 1"),
        (ValueError("one\ntwo"), "ValueError: one\ntwo"),
        (ValueError("one\n\n  two \r\nthree\nfour"), "ValueError: one\ntwo\nthree"),
        (SystemExit(3), "SystemExit: 3: the code ends the program"),
        (SystemExit(), "SystemExit: None: the code ends the program"),
        (KeyboardInterrupt(), "KeyboardInterrupt: raised by the code"),
        (Unshowable(), f"{__name__}.Unshowable"),
        (Exiting(), f"{__name__}.Exiting"),
    ],
)
def test_the_last_line_is_of_a_traceback_but_of_a_long_text_the_first_three(
    error: BaseException, text: str
) -> None:
    assert last_line(error).startswith(text)
    assert last_line(error).count("\n") == text.count("\n")
    assert detail_of(throw(error))["error"] == last_line(error)


def test_an_address_of_documentation_is_left_out() -> None:
    lines = last_line(error_of(lambda: Model.model_validate({"id": "a"}))).splitlines()
    assert lines[0].endswith("ValidationError: 1 validation error for Model")
    assert lines[1] == "id"
    assert lines[2].startswith("Input should be a valid integer")
    assert len(lines) == 3


GROUPS = [
    ExceptionGroup("all", [KeyError("first"), ValueError("second")]),
    ExceptionGroup("all", [ExceptionGroup("some", [KeyError("first")]), ValueError("second")]),
    BaseExceptionGroup("all", [KeyError("first"), KeyboardInterrupt()]),
]


@pytest.mark.parametrize("group", GROUPS)
def test_of_a_group_the_first_error_that_it_holds_is_told(group: BaseException) -> None:
    detail = detail_of(throw(group))
    assert detail["error"] == "KeyError: 'first'"
    assert detail["where"].startswith("test_errors.py:")
    assert "all" in detail["trace"]


def in_a_file(folder: Path, name: str, source: str) -> dict[str, Any]:
    """Return the members of a module, in a file of the user's."""
    file, members = folder / name, {"__name__": name.removesuffix(".py")}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, "utf-8")
    exec(compile(source, str(file), "exec"), members)
    return dict(members)


def test_where_is_the_last_line_of_the_user_s_own_code(tmp_path: Path) -> None:
    inner = in_a_file(tmp_path, "inner.py", "import json\n\ndef read(): json.loads('{')\n")
    outer = in_a_file(tmp_path, "outer.py", "def read(run):\n    run()\n")
    error = error_of(lambda: outer["read"](inner["read"]))
    assert place_of(error) == detail_of(error)["where"] == "inner.py:3"


def test_lines_of_packages_are_not_the_user_s_own(tmp_path: Path) -> None:
    package = in_a_file(tmp_path, "site-packages/pack.py", "def read(): return 1 / 0\n")
    outer = in_a_file(tmp_path, "outer.py", "def read(run):\n\n    run()\n")
    error = error_of(lambda: outer["read"](package["read"]))
    assert detail_of(error)["where"] == "outer.py:3"


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError()) == ""


@pytest.mark.parametrize(
    ("file", "installed"),
    [
        (os.__file__, True),
        (json.__file__, True),
        (pytest.__file__, True),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", True),
        ("<frozen importlib._bootstrap>", True),
        ("<attrs generated init app.Message>", True),
        ("<cattrs generated structure app.Message>", True),
        (str(Path(sys.modules[detail_of.__module__].__file__ or "")), True),
        (__file__, False),
        ("/home/user/retry_contract_reader/app.py", False),
        ("<string>", False),
    ],
)
def test_what_is_installed_is_known_by_its_file(file: str, installed: bool) -> None:
    assert is_installed(file) is installed


@attrs.define
class Attrs:
    id: str


@dataclasses.dataclass
class Data:
    id: str


class Tuple(NamedTuple):
    id: str


class Plain:
    def __init__(self, id: str) -> None:
        self.id = id


Old = collections.namedtuple("Old", "id")
FIELDS: Any = {"id": "message_1", "creatorId": "user_1"}


@pytest.mark.parametrize(
    ("kind", "clue"),
    [(Attrs, "attrs"), (Data, "dataclass"), (Tuple, "namedtuple"), (Old, "namedtuple")],
)
def test_a_class_that_does_not_take_a_keyword_is_known_by_its_kind(kind: Any, clue: str) -> None:
    clues = detail_of(error_of(lambda: kind(**FIELDS)))["clues"]
    assert {"attrs", "dataclass", "namedtuple"} & {*clues} == {clue}


def test_a_class_within_a_function_is_known_by_its_kind_too() -> None:
    def read() -> Any:
        @dataclasses.dataclass
        class Local:
            id: str

        return Local(**FIELDS)

    detail = detail_of(error_of(read))
    assert "<locals>.Local.__init__() got" in detail["error"]
    assert "dataclass" in detail["clues"]


@pytest.mark.parametrize(
    "run",
    [
        lambda: Plain(**FIELDS),
        lambda: operator.attrgetter("nothing")(Data("a")),
        lambda: Model.model_validate({"id": "a"}),
    ],
)
def test_any_other_error_gives_no_kind_of_class(run: Callable[[], Any]) -> None:
    assert not {"attrs", "dataclass", "namedtuple"} & {*detail_of(error_of(run))["clues"]}


@pytest.mark.parametrize(
    ("run", "library"),
    [
        (lambda: Model.model_validate({}), "pydantic_core"),
        (lambda: msgspec.convert({}, Data), "msgspec"),
        (lambda: cattrs.structure({}, Data), "cattrs"),
        (lambda: json.loads("{"), "json"),
    ],
)
def test_libraries_that_have_a_part_in_an_error_are_clues(
    run: Callable[[], Any], library: str
) -> None:
    clues = detail_of(error_of(run))["clues"]
    assert library in clues
    assert clues == sorted(clues)
    assert not {"", "builtins", "retry_contract"} & {*clues}


def test_the_kinds_of_an_error_in_a_group_are_clues() -> None:
    group = ExceptionGroup("all", [json.JSONDecodeError("no", "", 0)])
    assert "json" in detail_of(throw(group))["clues"]


def test_a_proxy_among_the_names_of_the_code_hides_no_error(tmp_path: Path) -> None:
    def unset(_: object) -> Any:
        raise RuntimeError("settings are not configured")

    source = "def read(kind, fields): return kind(**fields)\n"
    members = in_a_file(tmp_path, "app.py", source)
    read = types.FunctionType(
        members["read"].__code__,
        {**members, "settings": type("Lazy", (), {"__class__": property(unset)})()},
    )
    detail = detail_of(error_of(lambda: read(Data, FIELDS)))
    assert detail["error"].startswith("TypeError: Data.__init__() got an unexpected keyword")


def chain(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def while_handling(error: Exception, context: Exception) -> Exception:
    error.__context__ = context
    return error


def add_note_to(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        chain(ValueError("failed"), ValueError(SECRET)),
        while_handling(ValueError("failed"), ValueError(SECRET)),
        add_note_to(ValueError("failed"), SECRET),
        ValueError("x " * 5_000 + SECRET),
        ValueError(f"one\ntwo\nthree\n{SECRET}"),
        ExceptionGroup("all", [ValueError("first"), ValueError(SECRET)]),
        ValueError(f"\udc80 {SECRET}"),
        OfTheUser(["a", {"b": SECRET}]),
    ],
)
def test_the_trace_holds_all_that_would_be_printed(error: Exception) -> None:
    found = throw(error)
    trace = detail_of(found)["trace"]
    assert SECRET in trace
    assert trace == "".join(traceback.format_exception(found))


@pytest.mark.parametrize("error", [Unshowable(), Exiting()])
def test_an_error_that_cannot_be_shown_is_told_all_the_same(error: Exception) -> None:
    detail = detail_of(throw(error))
    assert detail["error"].endswith(type(error).__name__)
    assert detail["where"].startswith("test_errors.py:")


@pytest.mark.parametrize("error", [KeyError("id"), Unshowable(), *GROUPS])
def test_a_detail_is_json(error: BaseException) -> None:
    detail = detail_of(throw(error))
    assert json.loads(json.dumps(detail)) == detail
    assert detail.keys() == {"error", "where", "clues", "trace"}


def test_a_trace_is_bounded_and_keeps_its_end() -> None:
    trace = detail_of(throw(ValueError("x " * 300_000 + "end")))["trace"]
    assert len(trace) == 50_000
    assert trace.endswith("end\n")
