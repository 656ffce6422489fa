"""Files of a report: each that can be is written, and none next to those of another run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retry_contract.report.writing import Files, write_report


def fail() -> str:
    raise OSError(28, "No space left on device")


def read_only() -> str:
    raise OSError(30, "Read-only file system")


def files(missing: str | None) -> Files:
    said = missing or "whole"
    return {"first": lambda: said, "second": lambda: said, "third": lambda: said}


def test_text_that_is_no_unicode_loses_no_file(tmp_path: Path) -> None:
    assert write_report(tmp_path, lambda _: {"first": lambda: "a\ud800b"}) is None
    assert (tmp_path / "first").read_bytes() == b"a\\ud800b"


def test_first_file_that_is_missing_is_named_and_the_others_say_so(tmp_path: Path) -> None:
    def unwritable(missing: str | None) -> Files:
        wrong = {"second": fail, "third": lambda: str(1 // 0), "fourth": read_only}
        return {**files(missing), **wrong, "last": lambda: "x"}

    said = "second could not be written: No space left on device"
    assert write_report(tmp_path, unwritable) == said
    assert (tmp_path / "first").read_text(encoding="utf-8") == said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "last"]


def test_without_the_first_file_there_are_none(tmp_path: Path) -> None:
    said = write_report(tmp_path, lambda missing: {**files(missing), "first": fail})
    assert said == "first could not be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_report_of_another_run_stays_whole(tmp_path: Path) -> None:
    assert write_report(tmp_path, files) is None
    said = write_report(tmp_path, lambda _: files("later"))
    assert said == "first of another run is there by now: give each run a folder of its own"
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"whole"}


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_link_in_the_place_of_the_first_file_is_replaced(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("mine", encoding="utf-8")
    (tmp_path / "first").symlink_to(own)
    assert write_report(tmp_path, files) is None
    assert (own.read_text(encoding="utf-8"), (tmp_path / "first").is_symlink()) == ("mine", False)


def test_disk_that_fills_leaves_no_file_that_says_all_is_well(tmp_path: Path) -> None:
    def full(missing: str | None) -> Files:
        first = fail if missing else lambda: "whole"
        return {"first": first, "second": lambda: "whole", "third": fail}

    assert write_report(tmp_path, full) == "third could not be written: No space left on device"
    assert list(tmp_path.iterdir()) == []
