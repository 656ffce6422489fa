"""Symbolic links where the kit writes: none is followed, whatever the command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.bounded import Bounded, run_bounded
from support.sessions import ask, run_session

from retry_contract.verification.report_folder import FILES as FILES_OF_REPORT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="links of POSIX"),
]

READER = "def read(response):\n    return response['id']\n"
REPORT = {
    "verify": ["verify", "--fuzz", "0", "--report", "out"],
    "consumer": ["consumer", "reader_here:read", "--report", "out"],
}
FILES = {
    "verify": list(FILES_OF_REPORT),
    "consumer": list(FILES_OF_REPORT),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file that nothing may write to."""
    file = tmp_path / "own"
    file.write_text("mine", encoding="utf-8")
    return file


def run(words: list[str], folder: Path) -> Bounded:
    (folder / "reader_here.py").write_text(READER, encoding="utf-8")
    done = run_bounded(words, cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("command", REPORT)
@pytest.mark.parametrize("there", [True, False])
def test_links_in_the_folder_of_the_report_are_replaced(
    command: str, there: bool, own: Path, tmp_path: Path
) -> None:
    out, target = tmp_path / "out", own if there else tmp_path / "nowhere"
    out.mkdir()
    for name in FILES[command]:
        (out / name).symlink_to(target)
    done = run(REPORT[command], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (own.read_text(encoding="utf-8"), target.exists()) == ("mine", there)
    assert {path.name: path.is_symlink() for path in out.iterdir()} == dict.fromkeys(
        FILES[command], False
    )
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["format"] == 1


def test_folder_of_the_report_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    assert run(REPORT["verify"], tmp_path).returncode == 0
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == sorted(FILES["verify"])
    assert ElementTree.parse(tmp_path / "real" / "junit.xml").find(".//testcase") is not None


@pytest.mark.parametrize("name", FILES["verify"])
def test_folder_in_the_place_of_a_file_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "out" / name).mkdir(parents=True)
    done = run(REPORT["verify"], tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("retry-contract verify: ")) == (2, True)
    assert f"--report out: {name} is a folder there; give another one" in line
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_record_that_is_a_link_is_refused(own: Path, tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").symlink_to(own)
    done = run(["verify", "--fuzz", "0", "--record", "record.jsonl"], tmp_path)
    assert (done.returncode, own.read_text(encoding="utf-8")) == (2, "mine")
    said = "--record record.jsonl: is a link, a device or a pipe; give the name of a file"
    assert done.stderr == f"retry-contract verify: {said}\n"


def test_record_of_two_workers_has_what_one_records(tmp_path: Path) -> None:
    recorded = []
    for words in ([], ["--", "-p", "xdist", "-n", "2"]):
        done = run(["verify", "--fuzz", "0", "--record", "record.jsonl", *words], tmp_path)
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()
        recorded.append({(line["call"], line["status"]) for line in map(json.loads, lines)})
    assert recorded[0] == recorded[1]


def test_under_pytest_links_are_replaced_too(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    out = folder / "out"
    out.mkdir(parents=True)
    for name in FILES["verify"]:
        (out / name).symlink_to(own)
    session = run_session(folder, ask("--contract-report={folder}/out", junit=False))
    assert (session.exit_code, own.read_text(encoding="utf-8")) == (0, "mine")
    assert ElementTree.parse(out / "junit.xml").find(".//testcase") is not None
