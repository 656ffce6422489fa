"""A reader as a process that takes a payload a line, and writes a line for each."""

from __future__ import annotations

import collections
import contextlib
import functools
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from retry_contract.consumer.process.attempt import Attempt, Ending, read_hosted, read_line
from retry_contract.consumer.process.command import Command
from retry_contract.consumer.process.host import READY
from retry_contract.consumer.process.running import Running
from retry_contract.outcome import UsageError
from retry_contract.privacy.descriptions import one_line

_AT_ONCE = 4
_MOST_LOSSES, _MOST_DETOURS, _EARLY_END = 3, 40, 10
_PATIENCE_AT_THE_END, _LONGEST_IMPORT = 1.0, 60.0
_WELL = "ended with exit status 0"
ONE_LINE = "write one line for each payload, ok, ok JSON or error TEXT; logs go to standard error"
_UNRULY = (
    "the command does not answer each payload: it must read lines until its input ends and write "
    "one line for each; for one that takes a single payload, give --per-payload"
)


def hosted(target: str, *arguments: str) -> list[str]:
    """Return the command that hosts `package.module:callable`."""
    return [sys.executable, "-P", "-m", "retry_contract.consumer.process.host", target, *arguments]


def await_import(running: Running) -> None:
    """Wait until a host has imported its callable. Raises UsageError if it cannot."""
    try:
        line = running.next_line(_LONGEST_IMPORT)
    except TimeoutError:
        line = f"it is still being imported after {_LONGEST_IMPORT:g} s"
    if line is None:
        line = f"cannot be imported: the process {running.describe(running.stop())}"
    if line != READY:
        running.stop()
        with contextlib.suppress(ValueError):
            line = json.loads(line)
        raise UsageError(line)


class Lines:
    """Asks a process, starts it again after a crash, a hang or noise, and finds what caused it.

    `timeout` is in seconds, for one payload. Of a command the input ends after each batch, so that
    it need not flush its lines; the Python host stays.
    """

    def __init__(
        self,
        words: Command,
        timeout: float,
        *,
        is_hosted: bool = False,
    ) -> None:
        self._another = functools.partial(Lines, words, timeout, is_hosted=is_hosted)
        self._command, self._timeout = words, timeout
        self._hosted, self._read = is_hosted, read_hosted if is_hosted else read_line
        self._running: Running | None = None
        self._imported, self._answered = False, is_hosted

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line; None where it was not tried any more, after a hang or three crashes.

        A crash is laid to a line only if that line alone causes it.
        Raises UsageError if the process cannot be started, or never keeps to the protocol.
        """
        attempts: list[Attempt | None] = []
        losses, detours, size = _MOST_LOSSES, 0, len(lines)
        while len(attempts) < len(lines) and losses > 0:
            batch = lines[len(attempts) : len(attempts) + size]
            got, loss = self._batch(batch)
            attempts += got
            self._answered |= bool(got)
            if loss is not None and len(batch) > 1 and not self._hosted:
                detours += _EARLY_END if loss.error == _WELL else 1
                got, loss = self._batch(batch[len(got) : len(got) + 1])
                attempts += got
                self._answered |= bool(got)
                size = max(1, len(batch) // 2) if loss is None else size
            else:
                size = min(len(lines), size * 2)
            if loss is not None:
                attempts.append(loss)
                losses -= losses if loss.ending is Ending.HUNG else 1
                if losses <= 0 and not self._answered:
                    self._check_protocol(loss)
            elif detours > _MOST_DETOURS:
                raise UsageError(_UNRULY)
        return attempts + [None] * (len(lines) - len(attempts))

    def ask_alone(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line in a process that reads no other. Raises UsageError."""
        self.close()
        attempts: list[Attempt | None] = []
        for begin in range(0, len(lines), _AT_ONCE):
            group = lines[begin : begin + _AT_ONCE]
            try:
                attempts += self._side_by_side(group)
            except UsageError:  # what they import may be for one at a time: a port, a file
                attempts += [attempt for line in group for attempt in self._side_by_side([line])]
        return attempts

    def _side_by_side(self, lines: Sequence[str]) -> list[Attempt | None]:
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(contextlib.closing(self._another())) for _ in lines]
            for other in others:  # all of them first: to start takes longer than to read
                other._answered = True
                other._start()
            with ThreadPoolExecutor(len(others)) as pool:  # each may hang
                return [*pool.map(lambda each, line: each.ask([line])[0], others, lines)]

    def _batch(self, lines: Sequence[str]) -> tuple[list[Attempt], Attempt | None]:
        """Return the attempts that were reported, and what was lost with the process, if it was."""
        running = self._running or self._start()
        if self._hosted and not self._imported:
            await_import(running)
            self._imported = True
        running.send("".join(f"{line}\n" for line in lines), last=not self._hosted)
        got: list[Attempt] = []
        while len(got) < len(lines):
            try:
                line = running.next_line(self._timeout)
            except TimeoutError:
                self.close()
                return got, Attempt(Ending.HUNG, error=f"no line within {self._timeout:g} s")
            if line is None:
                self._running = None
                error = running.describe(running.stop())
                return got, Attempt(Ending.CRASHED, error=error, trace=running.errors.text)
            attempt = self._read(line)
            if attempt.ending is Ending.NOISE:
                self.close()
                return got, attempt
            got.append(attempt)
        return (got, None) if self._hosted else self._finish(running, got)

    def _finish(self, running: Running, got: list[Attempt]) -> tuple[list[Attempt], Attempt | None]:
        """Wait for the end of the output: a line too many means that lines are out of step."""
        extra = None
        with contextlib.suppress(TimeoutError):
            extra = running.next_line(_PATIENCE_AT_THE_END)
        self.close()
        if extra is None:
            return got, None
        after = f", after {got[-1].error}" if got and got[-1].error else ""
        return [], Attempt(Ending.NOISE, error=f"wrote a line too many: {one_line(extra)}{after}")

    def _check_protocol(self, loss: Attempt) -> None:
        """Raise UsageError if a command that never wrote a line of the protocol cannot."""
        if loss.ending is Ending.NOISE:
            raise UsageError(f"it {loss.error}; {ONE_LINE}")
        if loss.ending is Ending.HUNG:
            raise UsageError(
                f"{loss.error} of its first payload; if it starts slowly, give --timeout"
            )
        if loss.error == _WELL:
            raise UsageError(_UNRULY)
        running = Running(self._command)
        running.send("", last=True)
        try:
            collections.deque(running.lines(self._timeout), maxlen=0)
        except TimeoutError:
            pass
        finally:
            status = running.stop()
        if status > 0:
            raise UsageError(f"without any payload it {running.describe(status)}")

    def _start(self) -> Running:
        self._imported = False
        self._running = Running(self._command)
        return self._running

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            self._running.stop()
            self._running = None


def python_reader(target: str, timeout: float) -> Lines:
    """Return the reader that is a Python callable, `package.module:callable`."""
    return Lines(hosted(target), timeout, is_hosted=True)
