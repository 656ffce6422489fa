"""A command under attack: run with a bound on time, and its memory measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.json_schemas import hold

MEMORY = 300
"""In MB. No attack makes the kit take more."""
_MEASURING = """
import os, sys
words = [sys.executable, "-m", "retry_contract", *sys.argv[2:]]
child = os.posix_spawn(sys.executable, words, os.environ)
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    file.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}")
"""
"""A process between, since the peak of a test's own process is counted to its child."""

_KIB_IN_MB = 1 / 1024 if sys.platform != "darwin" else 1 / 1024**2


@dataclass(frozen=True)
class Bounded:
    """What a command came to. `memory` is the most that it or a child of it took, in MB."""

    returncode: int
    stdout: str
    stderr: str
    memory: float


def run_bounded(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = b"",
    seconds: float = 60,
) -> Bounded:
    """Run `retry-contract` with arguments, in a process of its own. Fails if it does not end.

    `env` is added to this process's environment. Without `stdin` standard input stays open and
    silent.
    """
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.NamedTemporaryFile("r") as measured,
    ):
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _MEASURING, measured.name, *arguments],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        hung = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
        hung.start()
        try:
            assert process.stdin is not None
            if stdin is not None:
                process.stdin.write(stdin)
                process.stdin.close()
            process.wait()
        finally:
            hung.cancel()
        assert process.returncode != -signal.SIGKILL, f"did not end within {seconds} s"
        code, peak = map(int, measured.read().split())
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    hold(arguments, texts[0], cwd or Path.cwd())
    return Bounded(code, texts[0], texts[1], peak * _KIB_IN_MB)
