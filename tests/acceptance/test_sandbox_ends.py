"""How a sandbox ends, and the command that it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from freezegun import freeze_time
from support.started import document_of, is_running, started, wait_until_written

from retry_contract.cli import sandbox_command

Done = CompletedProcess[str]
Here = Callable[..., Done]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

SOON = 30
"""In seconds. Well below what the commands here take by themselves."""
BOTH = ["INT", "TERM"]
LATE = "retry-contract sandbox: --timeout 2: the command had not ended after 2 s, and was ended"


@pytest.mark.parametrize("name", BOTH)
def test_signal_ends_one_that_a_shell_started_in_the_background(
    name: str, shell: dict[str, str], tmp_path: Path
) -> None:
    """Such a shell has it ignore SIGINT."""
    file, sandbox = tmp_path / "s.env", f'"{sys.executable}" -m retry_contract sandbox --port 0'
    wait = f'while [ ! -f "{file}" ]; do kill -0 $! || exit 9; sleep 0.02; done'
    script = f'{sandbox} --env-file "{file}" & {wait}; kill -{name} $!; wait $!; echo "ended $?"'
    done = subprocess.run(
        ["sh", "-c", script], env=shell, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Ctrl-C ends it.\nended 0\n")
    assert not file.exists()


def test_signal_ends_it_soon(shell: dict[str, str]) -> None:
    with started(shell, "--json") as process:
        document_of(process)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert time.monotonic() - begin < 5  # 0.2 s where nothing else runs
    assert process.returncode == 0


@pytest.mark.parametrize("name", BOTH)
def test_signal_is_passed_on_to_the_command(name: str, here: Here, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = f"trap 'echo got {name} > \"{out}\"; exit 4' {name}"
    forever = "while :; do :; done"
    done = here("sandbox", "--port", "0", "--run", f"{said}; kill -{name} $PPID; {forever}")
    assert done.returncode == 128 + signal.Signals[f"SIG{name}"]
    assert out.read_text() == f"got {name}\n"


def test_children_of_the_command_have_time_to_end_after_a_signal(
    here: Here, tmp_path: Path
) -> None:
    """The shell is ended by SIGTERM at once; what it had started writes what it has."""
    out, ready = tmp_path / "out", tmp_path / "ready"
    child = (
        f'trap \'sleep 0.2; echo saved > "{out}"; exit\' TERM; echo > "{ready}"; sleep 60 & wait'
    )
    script = tmp_path / "child.sh"
    script.write_text(child, encoding="utf-8")
    wait = f'while [ ! -f "{ready}" ]; do sleep 0.02; done'
    done = here("sandbox", "--port", "0", "--run", f'sh "{script}" & {wait}; kill $PPID; sleep 60')
    assert (done.returncode, out.read_text()) == (143, "saved\n")


DEAF = """
import pathlib, signal, subprocess
def deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"], preexec_fn=deaf)
pathlib.Path({pid!r}).write_text(str(child.pid))
child.wait()
"""
"""A command with a child that neither signal ends."""


@pytest.fixture
def deaf(tmp_path: Path) -> tuple[str, Path]:
    """The command, and the file with its child's id."""
    pid, script = tmp_path / "pid", tmp_path / "command.py"
    script.write_text(DEAF.format(pid=str(pid)), encoding="utf-8")
    return f'"{sys.executable}" "{script}"', pid


@pytest.mark.slow
@pytest.mark.parametrize("name", BOTH)
def test_nothing_is_left_of_a_command(
    name: str, deaf: tuple[str, Path], shell: dict[str, str]
) -> None:
    command, pid = deaf
    number = signal.Signals[f"SIG{name}"]
    with started(shell, "--run", command) as process:
        child = wait_until_written(pid)
        process.send_signal(number)
        process.communicate(timeout=SOON)
    assert process.returncode == 128 + number
    assert not is_running(child)


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["the time of day", "a stopped one"])
def test_command_is_ended_after_its_timeout(clock: str, here: Here, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    words = ("--timeout", "2", "--run", f'sleep 60 & echo $! > "{pid}"; sleep 60')
    begin = time.monotonic()
    if clock == "a stopped one":
        with freeze_time("2025-02-01"):
            done = here("sandbox", "--port", "0", *words)
    else:
        done = here("sandbox", "--port", "0", *words)
    assert time.monotonic() - begin < SOON
    assert (done.returncode, done.stdout, done.stderr) == (3, "", LATE + "\n")
    assert not is_running(pid.read_text().strip())


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["the time of day", "a stopped one"])
def test_command_that_ignores_its_end_is_killed(
    clock: str, deaf: tuple[str, Path], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, pid = deaf
    monkeypatch.setattr(sandbox_command, "_GRACE", 0.2)
    words = ("--timeout", "2", "--run", f"trap '' TERM; {command}")
    if clock == "a stopped one":
        with freeze_time("2025-02-01"):
            done = here("sandbox", "--port", "0", *words)
    else:
        done = here("sandbox", "--port", "0", *words)
    assert (done.returncode, done.stderr) == (3, LATE + "\n")
    assert not is_running(pid.read_text())


def test_command_that_ends_in_time_has_its_own_exit_code(here: Here) -> None:
    done = here("sandbox", "--port", "0", "--timeout", "60", "--run", "exit 7")
    assert (done.returncode, done.stderr) == (7, "")


def test_command_that_is_ended_by_a_signal_has_the_code_of_a_shell(here: Here) -> None:
    assert here("sandbox", "--port", "0", "--run", "kill -9 $$").returncode == 128 + 9


def test_second_signal_a_second_later_ends_the_command_at_once(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_command, "_GRACE", 60.0)
    monkeypatch.setattr(sandbox_command, "ONE_PRESS", 0.1)
    twice = "kill -INT $PPID; sleep 0.5; kill -INT $PPID; sleep 100"
    begin = time.monotonic()
    done = here("sandbox", "--port", "0", "--run", f"trap '' INT; {twice}")
    assert done.returncode == 130
    assert time.monotonic() - begin < SOON


def test_signal_that_comes_twice_within_a_second_is_one(here: Here, tmp_path: Path) -> None:
    """A terminal sends it to a launcher as well, which sends it on."""
    out = tmp_path / "out"
    saves = f"trap 'kill -INT $PPID; sleep 0.3; echo saved > \"{out}\"; exit' INT"
    run = f"{saves}; kill -INT $PPID; while :; do :; done"
    done = here("sandbox", "--port", "0", "--run", run)
    assert (done.returncode, out.read_text()) == (130, "saved\n")
