"""The file of a baseline before, during and after a run: nothing in it is lost, and all is read."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.outcomes import AFTER, broken, checked, violation

from retry_contract.outcome import Drift, Entry, UsageError
from retry_contract.verification.baseline import Baseline, key_of
from retry_contract.verification.baseline_file import (
    baseline_to_update,
    read_baseline,
    update_baseline,
    writable_file,
)

TODAY = date(2026, 3, 1)
ENTRY = Entry("message-id-kept", AFTER, "/id", TODAY, TODAY, reason="the vendor mends it")
OLD = Baseline({key_of(ENTRY): ENTRY}, TODAY)


def entries_of(file: Path) -> list[Entry]:
    read = read_baseline("baseline", str(file))
    assert read is not None
    return [*read.entries.values()]


def test_status_and_drift_that_are_written_are_read_again(tmp_path: Path) -> None:
    status = broken(violation("status-is-201", "", place="status"))
    found = checked(status, drift=(Drift("/language", "undocumented field"),))
    update_baseline(tmp_path / "b.json", Baseline({}, TODAY), [found], strict=True, whole=True)
    places = [(entry.rule, entry.pointer) for entry in entries_of(tmp_path / "b.json")]
    assert places == [("drift", "/language"), ("status-is-201", "")]


@pytest.mark.parametrize(("length", "written"), [(1_000, 1), (1_001, 0)])
def test_longest_place_that_is_written_is_read_again(
    length: int, written: int, tmp_path: Path
) -> None:
    found = checked(broken(violation(pointer=("/a" * 501)[:length])))
    said = update_baseline(
        tmp_path / "b.json", Baseline({}, TODAY), [found], strict=False, whole=True
    )
    assert len(entries_of(tmp_path / "b.json")) == written
    assert ("1 left out" in said) is not bool(written)


@pytest.mark.parametrize("text", ["\ud800", "##[group]", "a\n::error::b", "\x1b[2J", "x" * 1_000])
def test_what_people_wrote_is_the_same_after_an_update(text: str, tmp_path: Path) -> None:
    entry = dataclasses.replace(ENTRY, reason=text, ticket=text)
    old = Baseline({key_of(entry): entry}, TODAY)
    update_baseline(tmp_path / "b.json", old, [], strict=False, whole=True)
    assert entries_of(tmp_path / "b.json") == [entry]


def test_file_that_is_deleted_during_a_run_is_written_with_what_it_held(tmp_path: Path) -> None:
    said = update_baseline(tmp_path / "b.json", OLD, [], strict=False, whole=True)
    assert said == "baseline: 1 entry written, 0 new and 0 dropped"
    assert entries_of(tmp_path / "b.json") == [ENTRY]


def test_file_that_is_broken_during_a_run_stays_for_people_to_mend(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    file.write_text("{ half a mer", encoding="utf-8")
    with pytest.raises(UsageError, match="is no JSON, or cut off"):
        update_baseline(file, OLD, [checked(broken())], strict=False, whole=True)
    assert file.read_text(encoding="utf-8") == "{ half a mer"


def test_file_that_is_to_be_updated_is_read_first_though_another_one_judges(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    file.write_text("{ half a mer", encoding="utf-8")
    with pytest.raises(UsageError, match=r"--write-baseline .*is no JSON, or cut off"):
        baseline_to_update(str(file), OLD)


def test_file_is_where_the_run_began_wherever_the_tests_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert writable_file("b.json") == tmp_path / "b.json"


def test_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    with file.open("wb") as stream:
        stream.truncate(50_000_001)
    with pytest.raises(UsageError, match="is over 50 MB, and so no baseline"):
        read_baseline("baseline", str(file))


def test_file_that_may_not_be_read_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "b.json").touch()
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UsageError, match=r"--baseline .*b\.json: Permission denied$"):
        read_baseline("baseline", str(tmp_path / "b.json"))
