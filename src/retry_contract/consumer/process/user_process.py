"""Processes of the user's code: how they start, what they print, how they end.

Each has its own group: Ctrl-C is the run's, and its children end with it.
"""

import contextlib
import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO, Any, TypeVar

from retry_contract.consumer.process.attempt import READY
from retry_contract.consumer.process.user_environment import own_environment
from retry_contract.outcome import UsageError
from retry_contract.privacy.descriptions import one_line

T = TypeVar("T")
Command = Sequence[str] | str
_CANNOT_START = {126: "the program may not be executed", 127: "there is no such program"}
_LONGEST_LINE = 2**20
"""How much of a line is read, in bytes; the rest of it is passed over."""
_LONGEST_PART, _MOST_PARTS = 2**14, 64
"""How much is read at a time, in bytes, and how many times: the process waits beyond that."""
_LONGEST_KEPT, _MOST_KEPT, _LONGEST_TEXT = 10_000, 60, 50_000
_LONGEST_IMPORT, _PATIENCE_AT_THE_END = 60.0, 1.0
_SLICE = 0.2
"""A signal may reach another thread: then the main one notices it when it wakes, in seconds."""


def read_command(text: str, *, windows: bool = sys.platform == "win32") -> Command:
    """Return a command as `subprocess` takes it, with its program looked for in the PATH.

    On Windows the text stays as it was quoted, but for its first word: `npm` there is the file
    `npm.cmd`, which only its full path starts. Raises UsageError if there is no such program.
    """
    if windows:
        text = text.strip()
        program, gap, rest = text.removeprefix('"').partition('"' if text[:1] == '"' else " ")
        rest = gap.strip('"') + rest
        return f'"{_locate(program)}"{rest}'
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{error}; quote it as for a shell") from None
    if not words:
        raise UsageError("the command is empty")
    return [_locate(words[0]), *words[1:]]


def _locate(program: str) -> str:
    path = shutil.which(program)
    if path is not None:
        return path
    if Path(program).is_file():
        raise UsageError(f"{program!r} is not executable: start it by its interpreter")
    shell = "it is started without a shell: variables, && and cd need sh -c '…'"
    raise UsageError(f"{program!r} is no program in the PATH; {shell}")


def check_started(status: int) -> None:
    """Raise UsageError if a command's exit status says that it could not be started."""
    if status in _CANNOT_START:
        raise UsageError(f"the command cannot be started: {_CANNOT_START[status]}")


def group_arguments() -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` that give a process its own group."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and the children in its group; on Windows, end them."""
    with contextlib.suppress(OSError):  # it may have ended by itself
        if sys.platform == "win32":
            taskkill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(taskkill, capture_output=True, check=False)
        else:
            os.killpg(process.pid, number)


def is_group_alive(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process, or a child in its group, has not ended yet."""
    if sys.platform == "win32":
        return process.poll() is None
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # one that has taken another user's rights
        return True
    return not Path("/proc/self/stat").exists() or not _are_zombies(process.pid)


def _are_zombies(group: int) -> bool:
    """Return whether all of a group have ended. In a container, nobody may fetch their status."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of, *_ = file.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(of) == group and state != "Z":
                return False
    return True


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and the children that are still in its group, and wait for it."""
    signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


class Output:
    """What a process prints: its last lines, and the first that has a secret."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()
        self._before = self._leak = b""
        self._begins_line = True
        self._tail: deque[bytes] = deque(maxlen=_MOST_KEPT)

    def feed(self, line: bytes) -> None:
        """Take a line, or a part of a long one."""
        whole = self._before + line
        at = whole.find(self._secret) if self._secret else -1
        if at >= 0 and not self._leak:
            self._leak = whole[max(0, at - _LONGEST_KEPT) : at + _LONGEST_KEPT]
        ends = line.endswith(b"\n")
        self._before = b"" if ends or not self._secret else whole[-len(self._secret) :]
        if self._begins_line and line.strip():
            self._tail.append(line[:_LONGEST_KEPT])
        self._begins_line = ends

    @property
    def text(self) -> str:
        """The last lines, each as one printable line."""
        return "\n".join(map(_printable, [*self._tail]))[-_LONGEST_TEXT:]

    @property
    def reason(self) -> str:
        """The first of the last lines that names an error or exception, else the last line."""
        lines = self.text.split("\n")
        return next((line for line in lines if "Error" in line or "Exception" in line), lines[-1])

    @property
    def leak(self) -> str:
        """The first line that holds the secret; empty if none does."""
        return _printable(self._leak)


def _printable(line: bytes) -> str:
    return one_line(line.decode("utf-8", "replace"))


class UserProcess:
    """One process. Threads read and write: no pipe can be polled on Windows.

    It has `own_environment` unless another is given. `secret` is looked for in all that it prints,
    of which no more is held than what waits to be read, and the last lines.
    """

    def __init__(
        self, words: Command, environment: Mapping[str, str] | None = None, secret: str = ""
    ) -> None:
        """Start it in its own group. Raises UsageError if it cannot be started."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        try:
            own = own_environment() if environment is None else environment
            self._process = subprocess.Popen(words, env=own, **pipes, **group_arguments())
        except OSError as error:
            reason = error.strerror or "the system refused it"
            raise UsageError(f"the command cannot be started: {reason}") from None
        opened: Any = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._streams: tuple[IO[bytes], IO[bytes], IO[bytes]] = opened
        self.output, self.errors = Output(secret), Output(secret)
        self._parts: queue.Queue[bytes | None] = queue.Queue(_MOST_PARTS)
        self._over, self._given_up = threading.Event(), threading.Event()
        self._passes_over = False
        """Whether the rest of a line that is too long is still to come."""
        self._silent, self._threads = False, list[threading.Thread]()
        self._start(self._read_output)
        self._start(self._read, self._streams[2], self.errors.feed)

    def await_import(self) -> None:
        """Wait until a Python host has imported its callable. Raises UsageError if it cannot."""
        try:
            line = self.next_line(_LONGEST_IMPORT)
        except TimeoutError:
            line = f"it is still being imported after {_LONGEST_IMPORT:g} s"
        if line is None:
            line = f"cannot be imported: the process {self.describe(self.stop())}"
        if line != READY:
            self.stop()
            with contextlib.suppress(ValueError):
                line = json.loads(line)
            raise UsageError(line)

    def send(self, text: str, *, last: bool) -> None:
        """Write lines while the output is read; end the input after the last ones."""
        self._start(self._write, text.encode("ascii"), last)

    def next_line(self, timeout: float) -> str | None:
        """Return the next line, None at the end; of a line of over 1 MiB, the beginning.

        Raises TimeoutError after seconds, or give_up.
        """
        until, line = time.monotonic() + timeout, b""
        while (part := self._next_part(until)) is not None:
            if self._passes_over:
                self._passes_over = not part.endswith(b"\n")
                if time.monotonic() > until:
                    raise TimeoutError
                continue
            line += part
            if part.endswith(b"\n") or len(line) >= _LONGEST_LINE:
                self._passes_over = not part.endswith(b"\n")
                break
        return line.decode("utf-8", "replace").rstrip("\r\n") if line else None

    def _next_part(self, until: float) -> bytes | None:
        """Return the next part of the output, None at the end. Raises TimeoutError."""
        while not self._silent:
            left = until - time.monotonic()
            try:
                part = self._parts.get(timeout=max(0.0, min(left, _SLICE)))
            except queue.Empty:
                if left <= _SLICE:
                    raise TimeoutError from None
                continue
            if self._given_up.is_set():
                raise TimeoutError
            self._silent = part is None
            return part
        return None

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
            self._parts.put_nowait(None)

    def is_alive(self) -> bool:
        """Say whether the process has not ended yet."""
        return self._process.poll() is None

    def stop(self) -> int:
        """End the process and its children, and return the status that it ended with."""
        # One that has closed its output is about to end by itself: let its status be known.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_AT_THE_END if self._silent else 0)
        status = self._process.poll()
        end_group(self._process)
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE_AT_THE_END)
        # A child that left the group may hold the pipes: then they are left to their threads.
        if not any(thread.is_alive() for thread in self._threads):
            for stream in self._streams:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()
        return self._process.returncode if status is None else status

    def describe(self, status: int) -> str:
        """Return how the process ended, with the reason that it wrote to standard error."""
        how = f"ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
        return how + (f": {self.errors.reason}" if self.errors.reason else "")

    def _start(self, run: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read_output(self) -> None:
        self._read(self._streams[1], self.output.feed, self._put)
        self._put(None)

    def _read(self, stream: IO[bytes], *takers: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while part := stream.readline(_LONGEST_PART):
                for take in takers:
                    take(part)

    def _put(self, part: bytes | None) -> None:
        while not self._over.is_set():
            with contextlib.suppress(queue.Full):
                self._parts.put(part, timeout=0.1)
                return

    def _write(self, text: bytes, last: bool) -> None:
        stream = self._streams[0]
        # It may have ended, or never read: who waits for its lines will notice.
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()
            if last:
                stream.close()


class ProcessPool:
    """Processes that run side by side, and are given up together: then it is `over`."""

    def __init__(self) -> None:
        self._processes: set[UserProcess] = set()
        self.over = False

    def add(self, process: UserProcess) -> UserProcess:
        """Take a process in; give up at once one that comes too late."""
        self._processes.add(process)
        if self.over:
            process.give_up()
        return process

    def stop(self, process: UserProcess) -> int:
        """End a process, and return the status that it ended with."""
        self._processes.discard(process)
        return process.stop()

    def results(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls at the same time, the last begins first; raise the first error among them."""
        with ThreadPoolExecutor(len(calls)) as threads:
            try:
                futures = [threads.submit(call) for call in reversed(calls)][::-1]
                for future in futures:
                    while not future.done():
                        wait([future], _SLICE)
                    future.result()
            except BaseException:  # Ctrl-C too: the threads are waited for, and must not hang
                self.over = True
                for process in [*self._processes]:
                    process.give_up()
                raise
            return [future.result() for future in futures]
