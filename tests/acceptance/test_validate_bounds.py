"""`validate` of hostile files: it ends soon, takes little memory, and shows a bounded part."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.bounded import MEMORY, run_bounded
from support.hostile_files import FEW, MANY, RESPONSE, members, with_member

from retry_contract import violations
from retry_contract.contract.document import MOST_VALUES, read_document

pytestmark = pytest.mark.slow

SIZE = 5_000_000
TOO_MANY = "holds over 100,000 values: that is no saved response; give the body of one"


@pytest.mark.parametrize("size", [SIZE, 10 * SIZE])
@pytest.mark.parametrize("name", MANY)
def test_body_of_too_many_values_is_not_read(name: str, size: int, tmp_path: Path) -> None:
    file = tmp_path / "response.json"
    file.write_text(MANY[name](size)[:50_000_000], encoding="utf-8")
    done = run_bounded(["validate", str(file)], seconds=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{file}: {TOO_MANY}\n"
    assert done.memory < MEMORY


@pytest.mark.parametrize("name", FEW)
def test_body_of_few_values_is_read_or_refused_soon(name: str, tmp_path: Path) -> None:
    file = tmp_path / "response.json"
    file.write_text(FEW[name](SIZE - 1_000), encoding="utf-8")
    done = run_bounded(["validate", str(file)], seconds=30)
    assert done.returncode in (0, 1)
    assert len(done.stdout) < 2_000
    assert done.memory < MEMORY


def test_first_hundred_are_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "response.json"
    undocumented = members(5_000, prefix="other")
    file.write_text(with_member("values", f"{{{members(5_000)}}},{undocumented}"), encoding="utf-8")
    done = run_bounded(["validate", str(file)])
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert sum(line.startswith("  at  ") for line in lines) == 100
    assert sum(line.startswith("  drift  ") for line in lines) == 100
    assert lines[-2:] == [
        "  and at least 900 more violations",
        "  and at least 4,900 more drifts",
    ]
    (document,) = json.loads(run_bounded(["validate", "--json", str(file)]).stdout)["files"]
    assert (len(document["violations"]), len(document["drift"])) == (100, 100)
    assert document["more"] == {"violations": 900, "drift": 4_900}


def test_duplicate_names_are_named_up_to_a_hundred(tmp_path: Path) -> None:
    file = tmp_path / "response.json"
    twice = f"{members(300, prefix='n')},{members(300, prefix='n')}"
    file.write_text(f"{json.dumps(RESPONSE)[:-1]},{twice}}}", encoding="utf-8")
    (document,) = json.loads(run_bounded(["validate", "--json", str(file)]).stdout)["files"]
    assert len(document["drift"]) == 100
    assert document["more"]["drift"] == 500


def test_other_member_that_is_broken_is_found_behind_many() -> None:
    payload = RESPONSE | {"values": dict.fromkeys(map(str, range(5_000)), 0)}
    del payload["creatorId"]
    found = violations(payload, "after")
    assert [v.pointer for v in found if v.rule == "creator-id-as-contracted"] == ["/creatorId"]
    assert len(found) == 101


def test_values_are_counted_outside_strings_alone() -> None:
    commas = json.dumps({"a": '",[{' * MOST_VALUES + "\\" * 65_535})
    assert read_document(commas.encode()).payload == json.loads(commas)
    most = "[" + "0," * (MOST_VALUES - 2) + "0]"
    assert len(read_document(most.encode()).payload) == MOST_VALUES - 1
    assert read_document(most.replace("[", "[0,").encode()).too_many


def test_har_of_too_many_values_is_still_named(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    file.write_text('{"log": {"entries": [' + "0," * MOST_VALUES + "0]}}", encoding="utf-8")
    assert "is a HAR" in run_bounded(["validate", str(file)]).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files")
@pytest.mark.parametrize("kind", ["fifo", "socket", "zero", "null"])
def test_what_is_no_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    file = {"zero": Path("/dev/zero"), "null": Path("/dev/null")}.get(kind, tmp_path / kind)
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "fifo":
            os.mkfifo(file)
        elif kind == "socket":
            listener.bind(str(file))
        done = run_bounded(["validate", str(file)], seconds=20)
    hint = "; give what it holds on standard input, as -" if kind == "fifo" else ""
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{file}: cannot be read: it is no regular file{hint}\n"


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="has no such names")
def test_process_substitution_names_standard_input() -> None:
    own, other = os.pipe()
    command = [sys.executable, "-m", "retry_contract", "validate", f"/dev/fd/{own}"]
    done = subprocess.run(command, pass_fds=[own], capture_output=True, text=True, timeout=30)
    os.close(own)
    os.close(other)
    assert done.returncode == 2
    assert "give what it holds on standard input, as -" in done.stderr


def test_silent_standard_input_is_said_to_be_read() -> None:
    command = [sys.executable, "-m", "retry_contract", "validate", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        silent = threading.Timer(30, process.kill)
        silent.start()
        said = process.stderr.readline().decode()
        silent.cancel()
        assert said == "retry-contract validate: reading standard input …\n"
        process.stdin.write(json.dumps(RESPONSE).encode())
        process.stdin.close()
        assert process.stdout.read() == b"standard input: KEPT after-2025-02-24\n"
    assert process.returncode == 0


def test_standard_input_that_comes_at_once_is_read_in_silence() -> None:
    done = run_bounded(["validate", "-"], stdin=json.dumps(RESPONSE).encode())
    assert (done.returncode, done.stderr) == (0, "")
