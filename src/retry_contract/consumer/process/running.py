"""One process of the user's code, and what it prints: bounded, whatever it prints."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import IO, Any, TypeVar

from retry_contract.consumer.process.command import Command
from retry_contract.consumer.process.group import end, in_a_group
from retry_contract.outcome import UsageError
from retry_contract.privacy.descriptions import one_line

T = TypeVar("T")
_LONGEST_LINE = 1_000_000
_MOST_LINES = 64
"""How many lines of output wait to be read: the process waits beyond that."""
_LONGEST_KEPT, _MOST_KEPT = 10_000, 60
_PATIENCE_AT_THE_END = 1.0
_SLICE = 0.2
"""A signal may reach another thread: then it is seen when the main one wakes, in seconds."""


class Printed:
    """What a process prints: its last lines, and the first that has a secret."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()
        self._before = self._leak = b""
        self._tail: deque[bytes] = deque(maxlen=_MOST_KEPT)

    def feed(self, line: bytes) -> None:
        """Take a line, or a part of a long one."""
        whole = self._before + line
        at = whole.find(self._secret) if self._secret else -1
        if at >= 0 and not self._leak:
            self._leak = whole[max(0, at - _LONGEST_KEPT) : at + _LONGEST_KEPT]
        self._before = b"" if line.endswith(b"\n") else line[-len(self._secret) :]
        if line.strip():
            self._tail.append(line[:_LONGEST_KEPT])

    @property
    def tail(self) -> list[str]:
        """The last lines, each as one printable line."""
        return [one_line(line.decode("utf-8", "replace")) for line in [*self._tail]]

    @property
    def text(self) -> str:
        """The last lines, as one text."""
        return "\n".join(self.tail)

    @property
    def reason(self) -> str:
        """The first of the last lines that names an error or exception, else the last line."""
        named = (line for line in self.tail if "Error" in line or "Exception" in line)
        return next(named, self.tail[-1] if self._tail else "")

    @property
    def leak(self) -> str:
        """The first line that holds the secret; empty if none does."""
        return one_line(self._leak.decode("utf-8", "replace"))


class Running:
    """A process. Threads read and write, since on Windows no pipe can be polled.

    `secret` is looked for in all that it prints.
    """

    def __init__(
        self, words: Command, environment: Mapping[str, str] | None = None, secret: str = ""
    ) -> None:
        """Start a process in its own group. Raises UsageError if it cannot be started."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        try:
            self._process = subprocess.Popen(words, env=environment, **pipes, **in_a_group())
        except OSError as error:
            reason = error.strerror or "the system refused it"
            raise UsageError(f"the command cannot be started: {reason}") from None
        self.output, self.errors = Printed(secret), Printed(secret)
        self._lines: queue.Queue[bytes | None] = queue.Queue(_MOST_LINES)
        self._over, self._given_up = threading.Event(), threading.Event()
        self._silent = False
        self._threads = [self._thread(self._collect), self._thread(self._listen)]

    def send(self, text: str, *, last: bool) -> None:
        """Write lines while the output is read; end the input after the last ones."""
        self._threads.append(self._thread(lambda: self._write(text.encode("ascii"), last)))

    def next_line(self, timeout: float) -> str | None:
        """Return the next line of output, None at its end.

        Raises TimeoutError after seconds, or once it is given up.
        """
        until, line = time.monotonic() + timeout, None
        while True:
            left = until - time.monotonic()
            try:
                line = self._lines.get(timeout=max(0.0, min(left, _SLICE)))
                break
            except queue.Empty:
                if left <= _SLICE:
                    raise TimeoutError from None
        if self._given_up.is_set():
            raise TimeoutError
        self._silent = line is None
        return None if line is None else line.decode("utf-8", "replace").rstrip("\r\n")

    def lines(self, timeout: float) -> Iterator[str]:
        """Yield all lines, to the end of the process. Raises TimeoutError after seconds."""
        until = time.monotonic() + timeout
        while (line := self.next_line(max(0, until - time.monotonic()))) is not None:
            yield line
            if time.monotonic() > until:
                raise TimeoutError
        try:  # one that closed its output may go on
            self._process.wait(max(0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None

    def give_up(self) -> None:
        """Let nobody wait for a line any longer. Any thread may call this."""
        self._given_up.set()
        with contextlib.suppress(queue.Full):  # then nobody waits: there is a line
            self._lines.put_nowait(None)

    def is_alive(self) -> bool:
        """Say whether the process has not ended yet."""
        return self._process.poll() is None

    def stop(self) -> int:
        """End the process and its children, and return the status that it ended with."""
        # One that has closed its output is about to end by itself: let its status be known.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_AT_THE_END if self._silent else 0)
        status = self._process.poll()
        end(self._process)
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE_AT_THE_END)
        # A child that left the group may hold the pipes: then they are left to their threads.
        if not any(thread.is_alive() for thread in self._threads):
            self._close()
        return self._process.returncode if status is None else status

    def describe(self, status: int) -> str:
        """Say how the process ended, with what it wrote of that to standard error."""
        how = f"ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
        return how + (f": {self.errors.reason}" if self.errors.reason else "")

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()

    def _thread(self, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _collect(self) -> None:
        stream = _open(self._process.stdout)
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LONGEST_LINE):
                self.output.feed(line)
                self._put(line)
        self._put(None)

    def _put(self, line: bytes | None) -> None:
        while not self._over.is_set():
            with contextlib.suppress(queue.Full):
                self._lines.put(line, timeout=0.1)
                return

    def _listen(self) -> None:
        stream = _open(self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LONGEST_LINE):
                self.errors.feed(line)

    def _write(self, text: bytes, last: bool) -> None:
        stream = _open(self._process.stdin)
        # It may have ended, or never read: who waits for its lines will notice.
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()
            if last:
                stream.close()


class Group:
    """Processes that run side by side, and are given up together."""

    def __init__(self) -> None:
        self._running: set[Running] = set()
        self.over = False

    def start(
        self, words: Command, environment: Mapping[str, str] | None = None, secret: str = ""
    ) -> Running:
        """Start a process, as `Running` does; one that comes too late is given up at once."""
        running = Running(words, environment, secret)
        self._running.add(running)
        if self.over:
            running.give_up()
        return running

    def stop(self, running: Running) -> int:
        """End a process, and return the status that it ended with."""
        self._running.discard(running)
        return running.stop()

    def results(self, futures: Sequence[Future[T]]) -> list[T]:
        """Return the results of what was begun, in turn; raise the first error among them."""
        found = []
        for future in futures:
            while not future.done():
                wait([future], _SLICE)
            found.append(future.result())
        return found

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Give all of them up after an error, or Ctrl-C: a pool waits for what still runs."""
        try:
            yield
        except BaseException:
            self.over = True
            for running in [*self._running]:
                running.give_up()
            raise


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("the process was started without pipes")
    return stream
