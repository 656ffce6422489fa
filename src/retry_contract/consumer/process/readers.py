"""The user's code that reads, as processes: payloads in as lines of JSON, attempts out."""

import collections
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from retry_contract.consumer.process import user_process
from retry_contract.consumer.process.attempt import Attempt, Ending, read_host_line, read_line
from retry_contract.consumer.process.host import host_command
from retry_contract.consumer.process.user_process import Command, ProcessPool, UserProcess
from retry_contract.outcome import UsageError
from retry_contract.privacy.descriptions import one_line

_AT_ONCE = 4
_MOST_LOSSES, _MOST_DETOURS, _EARLY_END = 3, 40, 10
_PATIENCE_AT_THE_END = 1.0
_SUCCESS = "ended with exit status 0"
_LONGEST_QUOTE = 200
"""So that the advice after it is not cut off."""

ONE_LINE = "write one line for each payload, ok, ok JSON or error TEXT; logs go to standard error"
_UNRULY = (
    "the command does not answer each payload: it must read lines until its input ends and write "
    "one line for each; for one that takes a single payload, give --per-payload"
)


_Batch = tuple[list[Attempt], Attempt | None]
"""The attempts that were reported, and the one that ended the process, if one did."""


class Reader(Protocol):
    """The user's code that reads: takes payloads as lines of JSON."""

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line in one process; None where it was not tried. Raises UsageError."""

    def ask_alone(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line in a new process, which reads no other. Raises UsageError."""


def _groups(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    return (lines[at : at + _AT_ONCE] for at in range(0, len(lines), _AT_ONCE))


def _with_crashes(attempts: list[Attempt], crashes: Mapping[int, str]) -> list[Attempt]:
    """Return attempts with the crashes before them, unless one failed: that explains the crashes.

    A command that buffers its output loses the lines before the one at which it crashes.
    """
    if all(attempt.is_read for attempt in attempts):
        for at, error in crashes.items():
            attempts[at] = replace(attempts[at], error=error)
    return attempts


class LineReader:
    """A process that reads a payload a line, and writes a line for each.

    It is started again after a crash, a hang or noise. `timeout` is in seconds, for one payload.
    The input of a command ends after each batch, so that it need not flush; a Python host stays.
    """

    def __init__(self, words: Command, timeout: float, *, is_hosted: bool = False) -> None:
        self._command, self._timeout = words, timeout
        self._hosted, self._parse = is_hosted, read_host_line if is_hosted else read_line
        self._processes = ProcessPool()
        self._process: UserProcess | None = None
        self._imported, self._answered = False, is_hosted

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line; None where it was not tried any more, after a hang or three crashes.

        A crash of a command is laid to a line only if that line alone causes it. If none does, the
        lines that were read alone after one say how the process had ended.
        Raises UsageError if the process cannot be started, or never keeps to the protocol.
        """
        attempts, crashes = list[Attempt](), dict[int, str]()
        losses, detours, size = _MOST_LOSSES, 0, len(lines)
        while len(attempts) < len(lines) and losses > 0:
            batch = lines[len(attempts) : len(attempts) + size]
            got, loss = self._batch(batch)
            if loss is None or len(batch) == 1 or self._hosted:
                size = min(len(lines), size * 2)
            else:  # lines may be lost in a buffer: ask for the next one alone
                detours += _EARLY_END if loss.error == _SUCCESS else 1
                if loss.ending is Ending.CRASHED and not loss.error.startswith(_SUCCESS):
                    crashes[len(attempts) + len(got)] = loss.error
                more, loss = self._batch(batch[len(got) : len(got) + 1])
                got += more
                size = max(1, len(batch) // 2) if loss is None else size
            attempts += got
            self._answered |= bool(got)
            if loss is not None:
                attempts.append(loss)
                losses -= losses if loss.ending is Ending.HUNG else 1
                if losses <= 0 and not self._answered:
                    self._check_protocol(loss)
            elif detours > _MOST_DETOURS:
                if crashes:
                    break
                raise UsageError(_UNRULY)
        return [*_with_crashes(attempts, crashes), *[None] * (len(lines) - len(attempts))]

    def ask_alone(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line in a process that reads no other. Raises UsageError."""
        self.close()
        attempts: list[Attempt | None] = []
        for group in _groups(lines):
            try:
                attempts += self._side_by_side(group)
            except UsageError:  # what they import may be for one at a time: a port, a file
                attempts += [attempt for line in group for attempt in self._side_by_side([line])]
        return attempts

    def _side_by_side(self, lines: Sequence[str]) -> list[Attempt | None]:
        processes = ProcessPool()
        with contextlib.ExitStack() as stack:
            asks = []
            for line in lines:
                copy = LineReader(self._command, self._timeout, is_hosted=self._hosted)
                copy._processes, copy._answered = processes, True
                stack.callback(copy.close)
                copy._start()  # all of them first: to start takes longer than to read
                asks.append(partial(copy.ask, [line]))
            return [attempts[0] for attempts in processes.results(asks)]

    def _batch(self, lines: Sequence[str]) -> _Batch:
        process = self._process or self._start()
        if self._hosted and not self._imported:
            process.await_import()
            self._imported = True
        process.send("".join(f"{line}\n" for line in lines), last=not self._hosted)
        got: list[Attempt] = []
        while len(got) < len(lines):
            try:
                line = process.next_line(self._timeout)
            except TimeoutError:
                self.close()
                return got, Attempt(Ending.HUNG, error=f"no line within {self._timeout:g} s")
            if line is None:
                error = process.describe(self.close())
                return got, Attempt(Ending.CRASHED, error=error, trace=process.errors.text)
            attempt = self._parse(line)
            if attempt.ending is Ending.NOISE:
                self.close()
                return got, attempt
            got.append(attempt)
        return (got, None) if self._hosted else self._finish(process, got)

    def _finish(self, process: UserProcess, got: list[Attempt]) -> _Batch:
        """Wait for the end of the output: a line too many means that lines are out of step."""
        extra = None
        with contextlib.suppress(TimeoutError):
            extra = process.next_line(_PATIENCE_AT_THE_END)
        self.close()
        if extra is None:
            return got, None
        after = f", after {got[-1].error}" if got and got[-1].error else ""
        return [], Attempt(Ending.NOISE, error=f"wrote a line too many: {one_line(extra)}{after}")

    def _check_protocol(self, loss: Attempt) -> None:
        """Raise UsageError if a command that never wrote a line of the protocol cannot."""
        if loss.ending is Ending.NOISE:
            said = str(loss.error)
            shown = said if len(said) <= _LONGEST_QUOTE else f"{said[:_LONGEST_QUOTE]}…"
            raise UsageError(f"it {shown}; {ONE_LINE}")
        if loss.ending is Ending.HUNG:
            slow = "of its first payload; if it starts slowly, give --timeout"
            raise UsageError(f"{loss.error} {slow}")
        if loss.error == _SUCCESS:
            raise UsageError(_UNRULY)
        process = self._start()
        process.send("", last=True)
        with contextlib.suppress(TimeoutError):
            collections.deque(process.lines(self._timeout), maxlen=0)
        status = self.close()
        if status > 0:
            raise UsageError(f"without any payload it {process.describe(status)}")

    def _start(self) -> UserProcess:
        self._imported = False
        self._process = self._processes.add(UserProcess(self._command))
        return self._process

    def close(self) -> int:
        """End the process, if there is one, and return its exit status."""
        status = 0 if self._process is None else self._processes.stop(self._process)
        self._process = None
        return status


def python_reader(target: str, timeout: float) -> LineReader:
    """Return the reader that is a Python callable, `package.module:callable`."""
    return LineReader(host_command(target), timeout, is_hosted=True)


class PerPayloadReader:
    """A command that is started once a payload: exit status 0 means that it was read."""

    def __init__(self, words: Command, timeout: float) -> None:
        self._command, self._timeout = words, timeout
        self._processes = ProcessPool()

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        """Read each line; after a hang, none is tried any more. Raises UsageError."""
        attempts: list[Attempt | None] = []
        for group in _groups(lines):
            found = self._processes.results([partial(self._read, line) for line in group])
            attempts += found
            if any(attempt.ending is Ending.HUNG for attempt in found):
                break
        return attempts + [None] * (len(lines) - len(attempts))

    ask_alone = ask

    def close(self) -> None:
        """Do nothing: each process has ended."""

    def _read(self, line: str) -> Attempt:
        process = self._processes.add(UserProcess(self._command))
        try:
            process.send(f"{line}\n", last=True)
            written = (line for line in process.lines(self._timeout) if line.startswith("ok "))
            first = next(written, "")
            collections.deque(written, maxlen=0)
        except TimeoutError:
            return Attempt(Ending.HUNG, error=f"no line within {self._timeout:g} s")
        finally:
            status = self._processes.stop(process)
        user_process.check_started(status)
        if status:
            error = process.describe(status)
            return Attempt(Ending.RAISED, error=error, trace=process.errors.text)
        return read_line(first) if first else Attempt(Ending.READ)
