"""Programs that are started here and ended here: the server under test, and the peers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVER = Path(__file__).parents[2] / "tests" / "support" / "server.py"
SECONDS = 120
"""What one run of one tool may take at the most."""


@dataclass(frozen=True)
class Target:
    """A server under test, and what every tool is told of it."""

    url: str
    key: str
    campaign: str
    message: str


@dataclass(frozen=True)
class Done:
    """How a program ended, and what it printed."""

    code: int
    output: str


@contextlib.contextmanager
def target(fault: str | None, delivery: float) -> Iterator[Target]:
    """Serve the model with one fault, or none; `delivery` is a message's way, in seconds."""
    words = [sys.executable, str(SERVER), "--delivery", str(delivery)]
    words += ["--fault", fault] if fault else []
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # leaving the block closes its standard input, which ends it
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Target(told["url"], told["key"], told["campaign"], told["messages"][0])


def run(words: Sequence[str], folder: Path, seconds: float = SECONDS, **environment: str) -> Done:
    """Run a program to its end; one that takes too long is ended, with its children."""
    with started(words, folder, **environment) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{Path(words[0]).name} took more than {seconds:g} s") from None
    return Done(process.returncode, output)


@contextlib.contextmanager
def started(
    words: Sequence[str], folder: Path, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Start a program in a process group of its own, which is ended with the block."""
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=clean(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def clean(more: Mapping[str, str]) -> dict[str, str]:
    """The environment without what slows Python down or colours output, and with more."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "NO_COLOR": "1", "CI": "1", **more}
