"""Starts the command many times: one process imports it all, and forks for each run."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_PATIENCE = 60.0
_OF_FUZZING = ("fuzz.generate", "fuzz.stateful", "fuzz.requests")


@dataclass
class Forked:
    """One run: its process id, and the exit code once it has ended."""

    _started: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _calls: list[Callable[[], None]] = field(default_factory=list)
    pid: int = 0
    code: int = 0

    def interrupt(self) -> None:
        """Press Ctrl-C, unless the run has ended."""
        assert self._started.wait(_PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)

    def on_end(self, call: Callable[[], None]) -> None:
        """Call a function once the run has ended; twice if that is just now."""
        self._calls.append(call)
        if self._ended.is_set():
            call()

    def wait(self, seconds: float = _PATIENCE) -> int:
        """Return the exit code. Raises TimeoutError, and ends the run."""
        if not self._ended.wait(seconds):
            os.kill(self.pid, signal.SIGKILL)
            raise TimeoutError
        return self.code

    def told(self, what: str, number: int) -> None:
        if what == "pid":
            self.pid = number
            self._started.set()
        else:
            self.code = number
            self._ended.set()
            for call in self._calls:
                call()


class Forker:
    """Asks the forking process for runs, and hears from it how they end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        self._asked: IO[str] = process.stdin
        self._runs: list[Forked] = []
        self._lock = threading.Lock()

    def start(self, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> Forked:
        """Start `retry-contract` in a folder, where its standard output and error go."""
        with self._lock:
            run = Forked()
            self._runs.append(run)
            job = {"arguments": list(arguments), "folder": str(folder), "env": dict(env)}
            self._asked.write(json.dumps({"index": len(self._runs) - 1, **job}) + "\n")
            self._asked.flush()
        return run

    def listen(self, lines: IO[str]) -> None:
        for line in lines:
            index, what, number = line.split()
            self._runs[int(index)].told(what, int(number))


@contextlib.contextmanager
def forker(env: Mapping[str, str]) -> Iterator[Forker]:
    """Start the forking process, and end it when the block is left."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        env={**env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        made = Forker(process)
        listener = threading.Thread(target=made.listen, args=(process.stdout,))
        listener.start()
        try:
            yield made
        finally:
            assert process.stdin is not None
            process.stdin.close()
            listener.join()


def _serve() -> None:
    """Fork for each job on standard input: a keeper, which waits, and the run itself."""
    from retry_contract.cli.main import main

    for name in ("plugin.session", "cli.watcher", *_OF_FUZZING):
        importlib.import_module(f"retry_contract.{name}")
    gc.freeze()  # pytest collects garbage at its end: what was imported here is none
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            os._exit(_keep(json.loads(line), main))


def _keep(job: dict[str, Any], main: Any) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = os.dup(1)
    # The pipe of the jobs is the forking process' alone.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    pid = os.fork()
    if pid == 0:
        os.close(told)
        os._exit(_run(job, main))
    os.write(told, f"{job['index']} pid {pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(told, f"{job['index']} code {code}\n".encode())
    return 0


def _run(job: dict[str, Any], main: Any) -> int:
    os.chdir(job["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    os.environ.clear()
    os.environ.update(job["env"])
    sys.path[0] = job["folder"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code: int = main(job["arguments"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    _serve()
