"""A consumer as a command that is started once a payload, and tells by its exit status."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from retry_contract import processes
from retry_contract.consumer.answers import Answer, Kind, one_line, read_answer
from retry_contract.consumer.process import command
from retry_contract.outcome import Unusable

_AT_ONCE = min(4, os.cpu_count() or 1)
_CANNOT_START = {126: "the program may not be executed", 127: "there is no such program"}


class Each:
    """Starts a command once a payload: 0 means that it was read. `timeout` is in seconds."""

    def __init__(self, words: command.Command, timeout: float) -> None:
        self._command = words
        self._timeout = timeout
        self._running: set[processes.Process] = set()
        self._over = False

    def ask(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
        """Return the answer to each line; a search ends soon after the first that is not read.

        Raises Unusable if the command cannot be started.
        """
        answers: list[Answer | None] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for group in range(0, len(lines), _AT_ONCE):
                    answers += pool.map(self._one, lines[group : group + _AT_ONCE])
                    if search and any(a and a.kind is not Kind.READ for a in answers):
                        break
            except BaseException:  # Ctrl-C, above all: the pool waits for what still runs
                self._end_all()
                raise
        return answers + [None] * (len(lines) - len(answers))

    ask_afresh = ask_together = ask

    def _one(self, line: str) -> Answer:
        process = command.start(self._command)
        self._running.add(process)
        try:
            if self._over:  # since it was about to start
                processes.end(process)
            out, err = process.communicate(f"{line}\n".encode("ascii"), self._timeout)
        except subprocess.TimeoutExpired:
            return Answer(Kind.HUNG, error=f"no answer within {self._timeout:g} s")
        finally:
            processes.end(process)
            command.close(process)
            self._running.discard(process)
        status = process.returncode
        if status in _CANNOT_START:
            raise Unusable(f"the command cannot be started: {_CANNOT_START[status]}")
        return _told(out) if status == 0 else _failed(status, err)

    def _end_all(self) -> None:
        self._over = True
        for process in [*self._running]:
            processes.end(process)


def _told(out: bytes) -> Answer:
    """Return what was read: a line `ok JSON`, if the command wrote one."""
    text = out.decode("utf-8", "replace").strip()
    return read_answer(text) if text.startswith("ok ") else Answer(Kind.READ)


def _failed(status: int, err: bytes) -> Answer:
    said = [line for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    last = f": {one_line(said[-1])}" if said else ""
    return Answer(Kind.REFUSED, error=command.ended(status) + last)
