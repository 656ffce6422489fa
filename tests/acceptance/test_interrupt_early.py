"""Ctrl-C before a run has begun, twice in a row, and when all but its end is over."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retry_contract.cli import interrupts
from retry_contract.outcome import ExitCode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT that a process sends itself"),
]

# Loaded by Python before all else. AT names modules: the process is interrupted when one is looked
# for, and once more 50 ms later if TWICE is set; `exit` is when the interpreter ends.
PRESSING = """
import atexit, os, signal, sys, threading, time

def press():
    os.kill(os.getpid(), signal.SIGINT)

class Finder:
    left, twice = os.environ.get("AT", "").split(","), os.environ.get("TWICE")

    def find_spec(self, name, path=None, target=None):
        if name in self.left:
            self.left.remove(name)
            if self.twice:
                threading.Thread(target=lambda: (time.sleep(0.05), press())).start()
            press()

sys.meta_path.insert(0, Finder())
if "exit" in Finder.left:
    atexit.register(press)
"""
# A pytest plugin. RETRY_CONTRACT_HOOKS names hooks in which the process is interrupted.
HOOKED = """
import os, signal

def hook(name):
    def press():
        if name in left:
            left.remove(name)
            os.kill(os.getpid(), signal.SIGINT)
    return press

left = os.environ.get("RETRY_CONTRACT_HOOKS", "").split(",")
for name in list(left):
    globals()[name] = hook(name)
"""
STARTING = [
    *("retry_contract.cli.main", "argparse", "dataclasses", "retry_contract.cli.verify", "pytest"),
    *("jsonschema", "httpx", "retry_contract.verification.verification", "_pytest.junitxml"),
]

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, shell: dict[str, str]) -> Run:
    """Run the command with the interruptions that the environment names."""
    (tmp_path / "sitecustomize.py").write_text(PRESSING, encoding="utf-8")
    (tmp_path / "hooked.py").write_text(HOOKED, encoding="utf-8")

    def start(*words: str, **env: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "retry_contract", *words],
            cwd=tmp_path,
            env={**shell, "PYTHONPATH": f"{tmp_path}:{shell['PYTHONPATH']}", **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done

    return start


def test_code_is_that_of_not_tested() -> None:
    assert ExitCode.NOT_TESTED == interrupts.NOT_TESTED


@pytest.mark.parametrize("twice", ["", "1"])
@pytest.mark.parametrize("at", STARTING)
def test_start_is_left_in_one_line(run: Run, at: str, twice: str) -> None:
    done = run("verify", "--fuzz", "0", "--json", AT=at, TWICE=twice)
    assert (done.returncode, done.stderr) == (3, "retry-contract: interrupted\n")
    assert json.loads(done.stdout) == {
        "format": 1,
        "outcome": "not tested",
        "reason": "interrupted",
    }
    done = run("verify", "--", "--json", AT=at, TWICE=twice)
    assert (done.returncode, done.stdout) == (3, ""), "what follows -- is for pytest"


@pytest.mark.parametrize("command", ["rules", "validate"])
def test_start_of_another_command_is_left_too(run: Run, command: str) -> None:
    done = run(command, AT="retry_contract.cli.main")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "retry-contract: interrupted\n"


@pytest.mark.parametrize(
    "hooks",
    [
        *("pytest_sessionstart", "pytest_collection", "pytest_collection_finish"),
        *("pytest_runtest_call", "pytest_collection,pytest_keyboard_interrupt"),
        "pytest_runtest_call,pytest_keyboard_interrupt,pytest_sessionfinish,pytest_unconfigure",
    ],
)
def test_run_is_ended_once(run: Run, hooks: str) -> None:
    words = ("--contract", "after", "--fuzz", "0", "--json", "--report", "report")
    done = run("verify", *words, "--", "-p", "hooked", RETRY_CONTRACT_HOOKS=hooks, AT="exit")
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["reason"] == "interrupted"


def test_run_without_an_option_is_ended_before_its_first_test(run: Run) -> None:
    done = run("verify", "--", "-p", "hooked", RETRY_CONTRACT_HOOKS="pytest_collection", AT="exit")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1] == "retry-contract verify: interrupted"


@pytest.mark.parametrize(
    "hooks",
    ["pytest_sessionfinish", "pytest_unconfigure", "pytest_sessionfinish,pytest_unconfigure"],
)
def test_run_that_is_over_keeps_its_outcome(run: Run, tmp_path: Path, hooks: str) -> None:
    words = ("--fuzz", "0", "--report", "report", "--", "-p", "hooked")
    done = run("verify", *words, RETRY_CONTRACT_HOOKS=hooks, AT="exit")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("KEPT by the built-in model")
    document: Any = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert document["outcome"] == "kept"


def test_process_that_ignores_ctrl_c_goes_on(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "sitecustomize.py"
    ignored = "\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    file.write_text(file.read_text(encoding="utf-8") + ignored, encoding="utf-8")
    done = run("verify", "--fuzz", "0", AT="retry_contract.cli,jsonschema")
    assert done.returncode == 0


def test_ctrl_c_that_python_drops_comes_again() -> None:
    """In a destructor, and where garbage is collected, Python lets no exception through."""
    code = """
import gc, signal, threading
from retry_contract.cli import interrupts

interrupts.leave_at_once()
interrupts.raise_from_now_on()
WHERE
try:
    threading.Event().wait(30)
except KeyboardInterrupt:
    print("ended")
"""
    press = "lambda *_: gc.callbacks.clear() or signal.raise_signal(signal.SIGINT)"
    for where in (
        f"type('Dropped', (), {{'__del__': {press}}})()",
        f"gc.callbacks.append({press}) or gc.collect()",
    ):
        words = [sys.executable, "-c", code.replace("WHERE", where)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=25, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
