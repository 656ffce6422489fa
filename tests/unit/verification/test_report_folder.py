from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from retry_contract import new_file
from retry_contract.outcome import UsageError
from retry_contract.verification.report_folder import FILES, claim

BEGIN = {
    "report.json": '{{"format": 1, "command": "{}"}}',
    "report.html": '<!doctype html>\n<meta name="generator" content="retry-contract">\n',
    "summary.md": "## retry-contract: kept\n",
    "junit.xml": '<?xml version="1.0"?>\n<testsuites name="retry-contract" tests="0">\n',
}


def report_of(command: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, begin in BEGIN.items():
        (folder / name).write_text(begin.format(command), encoding="utf-8")


def refusal(folder: Path, command: str = "verify") -> str:
    before = {path.name: path.stat().st_size for path in folder.iterdir()}
    with pytest.raises(UsageError) as caught:
        claim(command, str(folder))
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == before
    return str(caught.value).removeprefix(f"--report {folder}: ")


def test_folder_is_made(tmp_path: Path) -> None:
    assert claim("verify", None) is None
    assert claim("verify", str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_earlier_report_of_the_command_goes_and_other_files_stay(tmp_path: Path) -> None:
    report_of("verify", tmp_path)
    (tmp_path / "notes.txt").touch()
    claim("verify", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_report_of_another_command_stays(tmp_path: Path) -> None:
    report_of("consumer", tmp_path)
    said = f"holds the report of consumer; give {tmp_path / 'verify'} for instance"
    assert refusal(tmp_path) == said


@pytest.mark.parametrize("name", FILES)
def test_file_of_another_tool_stays(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("[]", encoding="utf-8")
    assert refusal(tmp_path).startswith(f"holds {name} of another tool; give ")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"command": 1}', '{"command": "a b"}'])
def test_report_that_says_no_command_is_of_another_tool(text: str, tmp_path: Path) -> None:
    (tmp_path / FILES[0]).write_text(text, encoding="utf-8")
    assert refusal(tmp_path).startswith("holds report.json of another tool")


@pytest.mark.parametrize("name", FILES)
def test_folder_in_the_place_of_a_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert refusal(tmp_path) == f"{name} is a folder there; give another one"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_link_is_of_nobody(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("mine", encoding="utf-8")
    (tmp_path / FILES[0]).symlink_to(tmp_path / "own")
    assert claim("verify", str(tmp_path)) == tmp_path
    assert (tmp_path / "own").read_text(encoding="utf-8") == "mine"


def test_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(folder))

    monkeypatch.setattr(new_file, "probe", fail)
    report_of("verify", tmp_path)
    assert refusal(tmp_path) == "Read-only file system"


@pytest.mark.parametrize("name", ["", " "])
def test_empty_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="the folder's name is empty"):
        claim("verify", name)


@pytest.mark.parametrize("name", FILES[1:])
def test_file_of_a_report_whose_command_is_not_known_stays(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(BEGIN[name], encoding="utf-8")
    said = f"holds {name} without its report.json; give {tmp_path / 'verify'} for instance"
    assert refusal(tmp_path) == said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.html", '<!doctype html>\n<meta name="generator" content="another">\n'),
        ("report.html", f"<!doctype html>\n{'x' * 2_000}{BEGIN['report.html']}"),
        ("summary.md", "## Results of the tests\n"),
        ("junit.xml", '<?xml version="1.0"?>\n<testsuites name="pytest tests">\n'),
    ],
)
def test_file_of_another_tool_stays_next_to_a_report(name: str, text: str, tmp_path: Path) -> None:
    report_of("verify", tmp_path)
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert refusal(tmp_path).startswith(f"holds {name} of another tool; give ")


def test_folder_is_where_the_run_began_wherever_the_tests_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert claim("verify", "out") == tmp_path / "out"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_link_to_a_folder_is_of_nobody_too(tmp_path: Path) -> None:
    (tmp_path / FILES[1]).symlink_to(tmp_path)
    assert claim("verify", str(tmp_path)) == tmp_path
