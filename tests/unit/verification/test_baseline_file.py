from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.json_schemas import problems
from support.outcomes import broken, checked, violation

from retry_contract.outcome import Entry, UsageError
from retry_contract.verification.baseline import Baseline, key_of
from retry_contract.verification.baseline_file import (
    baseline_to_update,
    read_baseline,
    update_baseline,
    writable_file,
    write_baseline,
)

WRITTEN: dict[str, Any] = {
    "rule": "message-id-kept",
    "contract": "after-2025-02-24",
    "pointer": "/id",
    "first_seen": "2026-01-05",
    "last_seen": "2026-02-05",
}


def file_of(folder: Path, *entries: Any, **document: Any) -> Path:
    file = folder / "baseline.json"
    text = json.dumps({"format": 1, "entries": list(entries), **document})
    file.write_text(text, encoding="utf-8")
    return file


def refusal(file: Path) -> str:
    before = file.read_bytes()
    with pytest.raises(UsageError) as caught:
        read_baseline("baseline", str(file))
    assert file.read_bytes() == before
    text = str(caught.value)
    assert text.startswith(f"--baseline {file}: ")
    return text.removeprefix(f"--baseline {file}: ")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    days = date(2026, 1, 5), date(2026, 2, 5)
    entry = Entry("message-id-kept", "after-2025-02-24", "/id", *days, date(2026, 12, 31), "é", "T")
    write_baseline(tmp_path / "b.json", Baseline({key_of(entry): entry}, date(2026, 3, 1)))
    read = read_baseline("baseline", str(tmp_path / "b.json"))
    assert read is not None
    assert list(read.entries.values()) == [entry]
    assert problems("baseline", json.loads((tmp_path / "b.json").read_text("utf-8"))) == []


def test_documented_file_is_one(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "baseline.md"
    text = page.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    read = read_baseline("baseline", str(tmp_path / "b.json"))
    assert read is not None
    write_baseline(tmp_path / "b.json", read)
    assert json.loads((tmp_path / "b.json").read_text()) == json.loads(text)


def test_people_need_not_write_all_members(tmp_path: Path) -> None:
    read = read_baseline("baseline", str(file_of(tmp_path, {**WRITTEN, "pointer": "/attempts/3"})))
    assert read is not None
    (entry,) = read.entries.values()
    assert (entry.pointer, entry.expires, entry.reason) == ("/attempts/*", None, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expire": "2026-12-31"}, "expire: no such member; did you mean expires?"),
        ({"expires": "soon"}, "expires is no date, such as 2026-12-31"),
        ({"expires": 5}, "expires is no date, such as 2026-12-31"),
        ({"expires": "20261231"}, "expires is no date, such as 2026-12-31"),
        ({"expires": "2026-W01-1"}, "expires is no date, such as 2026-12-31"),
        ({"expires": 0}, "expires is no date, such as 2026-12-31"),
        ({"expires": False}, "expires is no date, such as 2026-12-31"),
        ({"came": "403"}, "came is neither a status, such as status 403, nor"),
        ({"scenario": 5}, "scenario is no string: put it in quotes"),
        ({"reason": False}, "reason is no string: put it in quotes"),
        ({"last_seen": None}, "first_seen or last_seen is missing"),
        ({"contract": "aftr"}, "aftr: no such contract; did you mean after?"),
        ({"pointer": "id"}, "pointer is no JSON Pointer, such as /creatorId, or empty"),
        ({"pointer": "/[masked]"}, "pointer has a masked name, which may be any"),
        ({"pointer": "/Tan Ah Kow"}, "pointer has a masked name, which may be any"),
        ({"reason": "x" * 1001}, "reason is longer than 1,000 characters"),
        ({"first_seen": None}, "first_seen or last_seen is missing"),
        ({"rule": "message-id-kep"}, "did you mean message-id-kept?"),
        ({"rule": 1}, "rule is no string"),
        ({"pointer": None}, "pointer is no string"),
        ({"reason": ["x"]}, "reason is no string"),
        ({"ticket": ["x"]}, "ticket is no string"),
        ({"ticket": "x" * 1001}, "ticket is longer than 1,000 characters"),
    ],
)
def test_entry_with_a_mistake_is_named(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    refused = refusal(file_of(tmp_path, {**WRITTEN, **change}))
    assert refused.startswith("entry 1")
    assert said in refused


def test_rule_may_be_written_with_underscores(tmp_path: Path) -> None:
    read = read_baseline("baseline", str(file_of(tmp_path, {**WRITTEN, "rule": "message_id_kept"})))
    assert read is not None
    assert [entry.rule for entry in read.entries.values()] == ["message-id-kept"]


def test_another_member_of_the_file_is_refused_and_not_lost(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, WRITTEN, owner="QA")).startswith("owner: no such member")


def test_line_of_what_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"format": 1,\n<<<<<<< HEAD\n', encoding="utf-8")
    assert refusal(tmp_path / "b.json").startswith("is no JSON, or cut off in line 2; restore it")


def test_entry_that_is_there_twice_is_named(tmp_path: Path) -> None:
    twice = {**WRITTEN, "reason": "another"}
    assert refusal(file_of(tmp_path, WRITTEN, twice)).startswith(
        "entry 2 (message-id-kept): is that of entry 1 again"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON, or cut off"),
        ('{"format": 1, "entries": [{"rule"', "is no JSON, or cut off"),
        ("[" * 100_000, "is no JSON, or cut off"),
        ("[]", "format 1; give another name, and --write-baseline makes one"),
        ('{"format": 1}', "is no baseline; give another name, and --write-baseline makes one"),
        ('{"format": 1, "entries": ["x"]}', "entry 1: is no JSON object with rule, contract, "),
        ('{"format": 2, "entries": []}', "format 1; a newer retry-contract reads it"),
        ('{"format": 0, "entries": []}', "format 1; give another name"),
        ('{"format": "2", "entries": []}', "format 1; give another name"),
        ('{"format": true, "entries": []}', "format 1; give another name"),
        ('{"format": 1.0, "entries": []}', "format 1; give another name"),
        ('{"format": 2}', "format 1; a newer retry-contract reads it"),
    ],
)
def test_file_that_is_no_baseline_is_refused_and_stays(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "b.json"
    file.write_text(text, encoding="utf-8")
    assert said in refusal(file)
    with pytest.raises(UsageError, match="--write-baseline"):
        baseline_to_update(str(file), None)
    assert file.read_text(encoding="utf-8") == text


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b"\xff\xfe{")
    assert "is no JSON, or cut off" in refusal(tmp_path / "b.json")


def test_missing_file_is_refused_but_for_writing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--baseline .*nowhere: .*--write-baseline"):
        read_baseline("baseline", str(tmp_path / "nowhere"))
    fresh = baseline_to_update(str(tmp_path / "nowhere"), None)
    assert fresh is not None
    assert not fresh.entries
    assert baseline_to_update(str(tmp_path / "nowhere"), fresh) is fresh
    assert baseline_to_update(None, fresh) is None


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for name, said in (("link", "is a link"), ("", "is a link or no file"), ("no/b", "No such")):
        with pytest.raises(UsageError, match=said):
            writable_file(str(tmp_path / name))
    assert writable_file(str(tmp_path / "b.json")) == tmp_path / "b.json"
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_baseline_that_cannot_be_moved_into_place_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(tmp_path, WRITTEN)
    before = file.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=re.escape("No space left")):
        write_baseline(file, Baseline({}, date(2026, 3, 1)))
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.json"]


def test_alias_of_a_contract_is_its_name(tmp_path: Path) -> None:
    read = read_baseline("baseline", str(file_of(tmp_path, {**WRITTEN, "contract": "after"})))
    assert read is not None
    assert [entry.contract for entry in read.entries.values()] == ["after-2025-02-24"]


def test_null_is_as_good_as_left_out(tmp_path: Path) -> None:
    nothing = {"expires": None, "reason": None, "ticket": None}
    read = read_baseline("baseline", str(file_of(tmp_path, {**WRITTEN, **nothing})))
    assert read is not None
    (entry,) = read.entries.values()
    assert (entry.expires, entry.reason, entry.ticket) == (None, "", "")
    assert (
        problems("baseline", json.loads(file_of(tmp_path, {**WRITTEN, **nothing}).read_text()))
        == []
    )


def test_file_of_an_editor_that_writes_a_mark_is_read(tmp_path: Path) -> None:
    file = file_of(tmp_path, WRITTEN)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    read = read_baseline("baseline", str(file))
    assert read is not None
    assert len(read.entries) == 1


def test_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    file.write_text('{"format": 1, "entries": [], "entries": []}', encoding="utf-8")
    assert refusal(file).startswith("entries is there twice in one object")


@pytest.mark.parametrize("option", ["baseline", "write-baseline"])
def test_what_is_no_file_is_not_waited_for(option: str, tmp_path: Path) -> None:
    for name in (str(tmp_path), "/dev/zero"):
        with pytest.raises(UsageError, match="is no file, but a folder, a pipe or a device"):
            read_baseline(option, name)


@pytest.mark.parametrize("name", ["", " "])
def test_empty_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="the file's name is empty"):
        read_baseline("baseline", name)


def test_what_people_write_during_a_run_stays(tmp_path: Path) -> None:
    file = file_of(tmp_path, WRITTEN)
    old = read_baseline("write-baseline", str(file))
    assert old is not None
    file_of(tmp_path, {**WRITTEN, "reason": "written meanwhile"})
    said = update_baseline(file, old, [], strict=False, whole=True)
    assert said == "baseline: 1 entry written, 0 new and 0 dropped"
    (entry,) = json.loads(file.read_text(encoding="utf-8"))["entries"]
    assert entry["reason"] == "written meanwhile"


def test_what_is_left_out_of_the_file_is_said(tmp_path: Path) -> None:
    masked = checked(broken(violation(pointer="/Tan Ah Kow")))
    empty = Baseline({}, date(2026, 3, 1))
    said = update_baseline(tmp_path / "b.json", empty, [masked], strict=False, whole=True)
    assert said.endswith(
        "0 entries written, 0 new and 0 dropped; 1 left out, whose place is masked, or too long"
    )
