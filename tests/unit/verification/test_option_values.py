"""Reading the values of options, and what is said of one that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retry_contract import new_file
from retry_contract.outcome import UsageError
from retry_contract.verification.option_values import (
    number,
    positive,
    read_id,
    read_replay,
    read_seed,
    template_values,
    usable_file,
    usable_folder,
)

SECRET = "Tan Ah Kow"


def _refusal(read: Callable[[], Any]) -> str:
    with pytest.raises(UsageError) as refused:
        read()
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"), [(None, 50), ("0", 0), ("007", 7), ("9" * 9, 999_999_999)]
)
def test_whole_number(text: str | None, expected: int) -> None:
    assert number("fuzz", text, default=50) == expected
    assert number("budget", None, default=None) is None


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", " 1", "0x1", "\u0663"])
def test_text_that_is_no_whole_number(text: str) -> None:
    refused = _refusal(lambda: number("fuzz", text, default=0))
    assert refused == f"--fuzz {text}: give a whole number from 0 to 999999999"


def test_whole_number_with_too_many_digits_is_refused() -> None:
    refused = _refusal(lambda: number("fuzz", "9" * 10, default=0))
    assert refused == "--fuzz 9999999999: give a whole number from 0 to 999999999"


@pytest.mark.parametrize("text", ["0", "65536", "6553600", "9" * 5000])
def test_whole_number_outside_its_range_is_told_the_range(text: str) -> None:
    assert number("port", "00065535", default=None, least=1, most=65535) == 65535
    refused = _refusal(lambda: number("port", text, default=None, least=1, most=65535))
    assert refused == f"--port {text}: give a whole number from 1 to 65535"


def test_line_break_after_a_number_or_an_id_is_not_passed_over() -> None:
    for read in (
        lambda: number("fuzz", "1\n", default=0),
        lambda: positive("rate", "1\n", default=1.0),
        lambda: read_seed("1\n", 1),
        lambda: read_id("message", "a\n"),
    ):
        with pytest.raises(UsageError):
            read()


@pytest.mark.parametrize(
    ("text", "expected"), [(None, 2.0), ("1", 1.0), ("0.5", 0.5), ("0.000001", 0.000001)]
)
def test_number_above_zero(text: str | None, expected: float) -> None:
    assert positive("rate", text, default=2.0) == expected
    assert positive("rate", None, default=None) is None


@pytest.mark.parametrize("text", ["0", "0.0", "", "-1", ".5", "1.", "inf", "nan", "1e3"])
def test_text_that_is_no_number_above_zero(text: str) -> None:
    refused = _refusal(lambda: positive("rate", text, default=2.0))
    range_ = "give a number above 0 and below 1000000, such as 2 or 0.5"
    assert refused == f"--rate {text}: {range_}"


def test_number_above_zero_with_too_many_digits_is_refused() -> None:
    refused = _refusal(lambda: positive("timeout", "1" * 7, default=None))
    assert refused.startswith("--timeout 1111111: give a number above 0 and below 1000000")


@pytest.mark.parametrize(
    ("text", "fuzz", "expected"),
    [("7", 50, 7), ("0", 50, 0), (str(2**64 - 1), 1, 2**64 - 1), ("7", 0, None), (None, 0, None)],
)
def test_seed(text: str | None, fuzz: int, expected: int | None) -> None:
    assert read_seed(text, fuzz) == expected


def test_seed_is_drawn_where_cases_are_to_be_generated() -> None:
    drawn = {read_seed(None, 1) for _ in range(20)}
    assert len(drawn) > 1
    assert all(seed is not None and 0 <= seed < 2**32 for seed in drawn)


@pytest.mark.parametrize("text", ["", "-1", "x", "1.5", str(2**64)])
@pytest.mark.parametrize("fuzz", [0, 50])
def test_bad_seed_is_refused_also_where_none_is_needed(text: str, fuzz: int) -> None:
    refused = _refusal(lambda: read_seed(text, fuzz))
    assert refused == f"--seed {text}: give a whole number from 0 to {2**64 - 1}"


def test_replay_is_one_case_of_either_kind() -> None:
    assert read_replay(None) is None
    assert read_replay('{"request": {"method": "GET"}}') == {"request": {"method": "GET"}}
    assert read_replay('{"sequence": []}') == {"sequence": []}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"other": 1}', '{"request": 1, "sequence": 2}', SECRET]
)
def test_replay_that_is_no_case_is_refused_without_being_quoted(text: str) -> None:
    refused = _refusal(lambda: read_replay(text))
    assert refused == "--replay: give a case as a failure printed it, in quotes"


def test_values_fill_a_template() -> None:
    assert template_values(None) is None
    assert template_values("{}") == {}
    assert template_values('{"name": "Tést"}') == {"name": "Tést"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"age": 7}', '{"name": null}', SECRET])
def test_values_that_fill_no_template_are_refused_without_being_quoted(text: str) -> None:
    refused = _refusal(lambda: template_values(text))
    assert refused == """--values: give a JSON object of strings, such as '{"name": "Test"}'"""


@pytest.mark.parametrize("text", ["message_1", "a.b~c-D", "..."])
def test_id_is_taken_as_it_is(text: str) -> None:
    assert read_id("message", text) == text


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "a?", "\u00e9", "../a", "a%2F"])
def test_id_that_would_change_a_path(text: str) -> None:
    refused = _refusal(lambda: read_id("message", text))
    assert refused == f"--message {text}: is no id; copy it from a response of the service"


def test_record_is_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text("of an earlier run", encoding="utf-8")
    assert usable_file("record", str(file)) == file
    assert file.read_bytes() == b""
    assert usable_file("record", None) is None


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("", "is a folder; give the name of a file"),
        ("no/such/folder", "No such file or directory"),
        ("link", "is a link, a device or a pipe; give the name of a file"),
        (os.devnull, "is a link, a device or a pipe; give the name of a file"),
    ],
)
def test_record_that_cannot_be_written(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    file = str(tmp_path / place)
    refused = _refusal(lambda: usable_file("record", file))
    assert refused == f"--record {file}: {reason}"
    assert not (tmp_path / "elsewhere").exists()


def test_system_error_without_a_reason_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(new_file, "replace", fail)
    monkeypatch.setattr(Path, "mkdir", fail)
    assert _refusal(lambda: usable_file("record", "r")) == "--record r: the disk is gone"
    assert _refusal(lambda: usable_folder("report", "r")) == "--report r: the disk is gone"


def test_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    assert usable_folder("report", None) is None
    folder = tmp_path / "deep" / "report"
    assert usable_folder("report", str(folder)) == folder
    assert folder.is_dir()
