"""A consumer as a process that answers lines: a payload in, `ok`, `ok JSON` or `error` out."""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO

from retry_contract import processes
from retry_contract.consumer.answers import (
    Answer,
    Kind,
    one_line,
    read_answer,
    read_detailed,
)
from retry_contract.consumer.hosted.host import READY
from retry_contract.consumer.process import command
from retry_contract.outcome import Unusable

_AT_ONCE = min(4, os.cpu_count() or 1)
_MOST_LOSSES = 3
_MOST_DETOURS, _EARLY_END = 40, 10
_PATIENCE_AT_THE_END = 1.0
_LONGEST_IMPORT = 60.0
_LONGEST_LINE = 10_000_000
_GIVEN_UP = b""
"""Among the lines of output, none of which is empty: each has its end."""


class Lines:
    """Asks a process, starts it again after a crash, a hang or noise, and finds what caused it.

    `timeout` is in seconds, for one payload. `lasting` says that the process stays for the next
    lines; otherwise its input ends after each batch, so that it need not flush its answers.
    """

    def __init__(
        self,
        words: command.Command,
        timeout: float,
        *,
        lasting: bool = False,
        read: Callable[[str], Answer] = read_answer,
        greeting: str = "",
    ) -> None:
        self._anew = functools.partial(
            Lines, words, timeout, lasting=lasting, read=read, greeting=greeting
        )
        self._command = words
        self._timeout = timeout
        self._lasting = lasting
        self._read = read
        self._greeting = self._awaited = greeting
        self._running: _Running | None = None
        self._answered = self._tried_without = lasting

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def give_up(self) -> None:
        """End the process as if the time for its answer were over. Any thread may call this."""
        running = self._running
        if running is not None:
            running.give_up()

    def start_anew(self) -> None:
        """Let the next line be answered by another process."""
        self._stop()

    def ask(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
        """Return the answer to each line; None where it was not tried any more.

        That is after a hang, or after three crashes and noises, of which a search meets one. What
        is lost with the process is laid to a line only if that line alone brings it about. Raises
        Unusable if the process cannot be started, or does not keep to the protocol.
        """
        answers: list[Answer | None] = []
        losses, detours, size = 1 if search else _MOST_LOSSES, 0, len(lines)
        while len(answers) < len(lines) and losses > 0:
            batch = lines[len(answers) : len(answers) + size]
            got, loss = self._batch(batch)
            answers += got
            self._check_start(got, loss)
            if loss is not None and len(batch) > 1 and not self._lasting:
                detours += _EARLY_END if loss.error == command.ended(0) else 1
                got, loss = self._batch(batch[len(got) : len(got) + 1])
                answers += got
                size = max(1, len(batch) // 2) if loss is None else size
            else:
                size = min(len(lines), size * 2)
            if loss is not None:
                answers.append(loss)
                losses -= losses if loss.kind is Kind.HUNG else 1
                if losses <= 0 and not self._answered and _is_unruly(loss):
                    raise Unusable(f"{_UNRULY}; it {loss.error}")
            elif detours > _MOST_DETOURS:
                raise Unusable(_UNRULY)
        return answers + [None] * (len(lines) - len(answers))

    def ask_afresh(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
        """Return the answer to each line by a process that reads no other. Raises Unusable."""
        self.start_anew()
        answers: list[Answer | None] = []
        for begin in range(0, len(lines), _AT_ONCE):
            group = lines[begin : begin + _AT_ONCE]
            try:
                answers += self._side_by_side(group)
            except Unusable:  # what they import may be for one at a time: a port, a file
                answers += [answer for line in group for answer in self._side_by_side([line])]
        return answers

    def ask_together(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
        """Return the answer to each line by a process that reads these alone. Raises Unusable."""
        self.start_anew()
        return self.ask(lines, search=search)

    def _side_by_side(self, lines: Sequence[str]) -> list[Answer | None]:
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(self._anew()) for _ in lines]
            for other in others:  # all of them first: to start takes longer than to answer
                other._answered = other._tried_without = True
                other._start()
            return [other.ask([line])[0] for other, line in zip(others, lines, strict=True)]

    def _check_start(self, got: list[Answer], loss: Answer | None) -> None:
        """Raise Unusable if the process ends with an error even when it is given no payload."""
        self._answered = self._answered or bool(got)
        crashed = loss is not None and loss.kind is Kind.CRASHED
        if self._answered or self._tried_without or not crashed:
            return
        self._tried_without = True
        running = _Running(self._command)
        running.send([], last=True)
        with contextlib.suppress(TimeoutError):
            while running.next_line(self._timeout) is not None:
                pass
        status = running.stop()
        if status > 0:
            why = running.describe(status)
            raise Unusable(f"the command cannot be started: without any payload it {why}")

    def _batch(self, lines: Sequence[str]) -> tuple[list[Answer], Answer | None]:
        """Return the answers that came, and what was lost with the process, if it was."""
        running = self._running or self._start()
        self._hear_greeting(running)
        running.send(lines, last=not self._lasting)
        got: list[Answer] = []
        while len(got) < len(lines):
            try:
                line = running.next_line(self._timeout)
            except TimeoutError:
                self._stop()
                return got, Answer(Kind.HUNG, error=f"no answer within {self._timeout:g} s")
            if line is None:
                status = running.stop()
                self._running = None
                return got, Answer(Kind.CRASHED, error=running.describe(status))
            answer = self._read(line)
            if answer.kind is Kind.NOISE:
                self._stop()
                return got, answer
            got.append(answer)
        return (got, None) if self._lasting else self._finish(running, got)

    def _finish(self, running: _Running, got: list[Answer]) -> tuple[list[Answer], Answer | None]:
        """Wait for the end of the output: a line too many means that answers are out of step."""
        try:
            extra = running.next_line(_PATIENCE_AT_THE_END)
        except TimeoutError:
            extra = None
        self._stop()
        if extra is None:
            return got, None
        return [], Answer(Kind.NOISE, error=f"wrote a line too many: {one_line(extra)}")

    def _start(self) -> _Running:
        self._running = running = _Running(self._command)
        self._awaited = self._greeting
        return running

    def _hear_greeting(self, running: _Running) -> None:
        """Wait for the line that a process begins with. Raises Unusable if it says another."""
        if not self._awaited:
            return
        try:
            line = running.next_line(_LONGEST_IMPORT)
        except TimeoutError:
            line = f"unusable is still being imported after {_LONGEST_IMPORT:g} s"
        if line is None:
            line = f"unusable {ended_at_import(running)}"
        if line != self._awaited:
            raise Unusable(line.removeprefix("unusable "))
        self._awaited = ""

    def _stop(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None


_UNRULY = (
    "the command does not answer each payload: it must read lines until its input ends and write "
    "one line for each; for one that takes a single payload, give --per-payload"
)


def _is_unruly(loss: Answer) -> bool:
    return loss.kind is Kind.NOISE or loss.error == command.ended(0)


def ended_at_import(running: _Running) -> str:
    """Say how the process ended in which a module was imported."""
    return f"cannot be imported: the process {running.describe(running.stop())}"


def python_consumer(target: str, timeout: float) -> Lines:
    """Return the consumer that is a Python callable, `package.module:callable`."""
    return _hosted(timeout, target)


def client_consumer(target: str, timeout: float, output: str) -> Lines:
    """Return such a callable that is called with a client's arguments, as a JSON array a line.

    `output` is a file, which holds what it prints.
    """
    return _hosted(timeout, target, output)


def _hosted(timeout: float, *arguments: str) -> Lines:
    words = [sys.executable, "-P", "-m", "retry_contract.consumer.hosted.host", *arguments]
    return Lines(words, timeout, lasting=True, read=read_detailed, greeting=READY)


class _Running:
    """One running process. Threads read and write, since on Windows no pipe can be polled."""

    def __init__(self, words: command.Command) -> None:
        self._process = command.start(words)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._said: deque[bytes] = deque(maxlen=5)
        self._silent = False
        self._threads = [self._thread(self._collect), self._thread(self._listen)]

    def send(self, lines: Sequence[str], *, last: bool) -> None:
        """Write lines, beside whatever is being read; end the input after the last ones."""
        text = "".join(f"{line}\n" for line in lines).encode("ascii")
        self._threads.append(self._thread(lambda: self._write(text, last)))

    def next_line(self, timeout: float) -> str | None:
        """Return the next line of output, None at its end.

        Raises TimeoutError after seconds, or once it is given up.
        """
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if line == _GIVEN_UP:
            raise TimeoutError
        self._silent = line is None
        return None if line is None else line.decode("utf-8", "replace").rstrip("\r\n")

    def give_up(self) -> None:
        """Let whoever waits for a line wait no longer."""
        self._lines.put(_GIVEN_UP)

    def stop(self) -> int:
        """End the process, and return the status that it ended with."""
        # One that has closed its output is about to end by itself: let its status be known.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_AT_THE_END if self._silent else 0)
        status = self._process.poll()
        processes.end(self._process)
        for thread in self._threads:
            thread.join(_PATIENCE_AT_THE_END)
        # A child that left the group may hold the pipes: then they are left to their threads.
        if not any(thread.is_alive() for thread in self._threads):
            command.close(self._process)
        return self._process.returncode if status is None else status

    def describe(self, status: int) -> str:
        """Say how the process ended, with the last line that it wrote to standard error."""
        said = [line.decode("utf-8", "replace").strip() for line in self._said]
        last = next((line for line in reversed(said) if line), "")
        return command.ended(status) + (f": {one_line(last)}" if last else "")

    def _thread(self, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _collect(self) -> None:
        stream = _open(self._process.stdout)
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LONGEST_LINE):
                self._lines.put(line)
        self._lines.put(None)

    def _listen(self) -> None:
        stream = _open(self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LONGEST_LINE):
                self._said.append(line[:1000])

    def _write(self, text: bytes, last: bool) -> None:
        stream = _open(self._process.stdin)
        # It may have ended, or never read: the reader of its answers will notice.
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()
            if last:
                stream.close()


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("the process was started without pipes")
    return stream
