"""Folders, environments, pipes and terminals that are not friendly."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytestmark = pytest.mark.slow

Done = CompletedProcess[str]

KEPT = "KEPT by the built-in model of the page; no service was contacted."
COMMAND = [sys.executable, "-m", "retry_contract"]
UNFUZZED = [*COMMAND, "verify", "--fuzz", "0"]
ADDOPTS = "-n auto --cov -k nothing"
HOSTILE = {
    "PYTEST_ADDOPTS": "-k nothing",
    "PYTEST_PLUGINS": "does_not_exist",
    "PYTEST_THEME": "nonsense",
    "PYTEST_THEME_MODE": "nonsense",
    "HYPOTHESIS_STORAGE_DIRECTORY": "/dev/null/hypothesis",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "not a proxy",
    "CI": "true",
}
FILES = {
    "pytest.ini": f"[pytest]\naddopts = {ADDOPTS}\n",
    ".pytest.ini": f"[pytest]\naddopts = {ADDOPTS}\n",
    "pyproject.toml": f'[tool.pytest.ini_options]\naddopts = "{ADDOPTS}"\n',
    "tox.ini": f"[pytest]\naddopts = {ADDOPTS}\n",
    "setup.cfg": f"[tool:pytest]\naddopts = {ADDOPTS}\n",
    "schemathesis.toml": "not TOML",
    "conftest.py": 'raise RuntimeError("the conftest of the folder was run")\n',
    "test_accepted.py": 'raise RuntimeError("a test of the folder was run")\n',
    ".hypothesis": "a file where a folder is wanted",
    ".pytest_cache": "a file where a folder is wanted",
    "contract_tests/__init__.py": 'raise RuntimeError("the package of the folder was run")\n',
    "contract_tests/conftest.py": 'raise RuntimeError("the conftest of the folder was run")\n',
    "schemas/timeline.json": "not JSON",
    "json.py": 'raise RuntimeError("a module of the folder was imported")\n',
    "queue.py": 'raise RuntimeError("a module of the folder was imported")\n',
}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_verify_obeys_nothing_of_its_folder_and_leaves_nothing_there(
    hostile: Path, command: Callable[..., Done]
) -> None:
    done = command("verify", "--fuzz", "10", "--seed", "1", cwd=hostile, env=HOSTILE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("accepted 34 of 34    refused 28 of 28    ")
    assert "not exercised" not in done.stdout
    assert done.stdout.endswith(KEPT + "\n")
    left = {path.relative_to(hostile).as_posix() for path in hostile.rglob("*") if path.is_file()}
    assert left == set(FILES)


@pytest.mark.parametrize("code_page", ["ascii", "cp1252"])
def test_output_survives_any_code_page(code_page: str, command: Callable[..., Done]) -> None:
    done = command("explain", "values-kept", code_page=code_page)
    assert done.returncode == 0
    assert "\\u6d4b" in done.stdout


@pytest.mark.parametrize("arguments", ["rules", "schema either", "explain values-kept", "--help"])
def test_a_reader_who_has_gone_changes_nothing(
    arguments: str, tmp_path: Path, shell: dict[str, str]
) -> None:
    with subprocess.Popen(
        [*COMMAND, *arguments.split()],
        cwd=tmp_path,
        env=shell,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path, shell: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "rules"],
            cwd=tmp_path,
            env=shell,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"retry-contract rules: the output cannot be written: ")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_closed_streams_change_nothing(tmp_path: Path, shell: dict[str, str]) -> None:
    script = '"$0" -m retry_contract rules >&- 2>&- <&-'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable], cwd=tmp_path, env=shell, check=False
    )
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_standard_input_that_is_closed_is_one_line(tmp_path: Path, shell: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m retry_contract validate - <&-', sys.executable],
        cwd=tmp_path,
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "standard input: cannot be read: it is closed\n"


def test_a_terminal_shows_colour_and_progress(tmp_path: Path, shell: dict[str, str]) -> None:
    code, shown = in_terminal(tmp_path, {**shell, "TERM": "xterm"})
    assert code == 0
    assert f"\x1b[32m{KEPT}\x1b[0m" in shown
    assert "\r1/80 test_status_is_201[before-2025-02-24] " in shown
    assert "\r80/80 test_generated_sequences_kept[after-2025-02-24] " in shown
    assert re.search(r"\r +\raccepted 34 of 34    ", shown)


def test_no_color_is_obeyed(tmp_path: Path, shell: dict[str, str]) -> None:
    code, shown = in_terminal(tmp_path, {**shell, "TERM": "xterm", "NO_COLOR": "1"})
    assert code == 0
    assert KEPT in shown
    assert "\x1b" not in shown


def in_terminal(folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run verify on a pseudo terminal, and return its exit code and all that it showed."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        UNFUZZED, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # Linux says EIO once the other end is closed.
                break
            if not read:
                break
            shown += read
    os.close(ours)
    return process.returncode, shown.decode("utf-8")
