"""A reader as a command that is started once a payload, and reports by its exit status."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from retry_contract.consumer.process.attempt import Attempt, Ending, read_line
from retry_contract.consumer.process.command import Command, check_started
from retry_contract.consumer.process.running import Group

_AT_ONCE = 4


class Each:
    """Starts a command once a payload: 0 means that it was read. `timeout` is in seconds."""

    def __init__(self, words: Command, timeout: float) -> None:
        self._command, self._timeout = words, timeout
        self._group = Group()

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line; after a hang, none is tried any more. Raises UsageError."""
        attempts: list[Attempt | None] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool, self._group.together():
            for begin in range(0, len(lines), _AT_ONCE):
                group = lines[begin : begin + _AT_ONCE]
                attempts += self._group.results([pool.submit(self._one, line) for line in group])
                if any(a and a.ending is Ending.HUNG for a in attempts[begin:]):
                    break
        return attempts + [None] * (len(lines) - len(attempts))

    ask_alone = ask

    def _one(self, line: str) -> Attempt:
        running = self._group.start(self._command)
        running.send(f"{line}\n", last=True)
        try:
            written = (line for line in running.lines(self._timeout) if line.startswith("ok "))
            first = next(written, "")
            collections.deque(written, maxlen=0)
        except TimeoutError:
            return Attempt(Ending.HUNG, error=f"no line within {self._timeout:g} s")
        finally:
            status = self._group.stop(running)
        check_started(status)
        if status:
            error = running.describe(status)
            return Attempt(Ending.RAISED, error=error, trace=running.errors.text)
        return read_line(first) if first else Attempt(Ending.READ)
