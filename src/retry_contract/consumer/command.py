"""Starting and ending the process of a consumer, on any system."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from retry_contract.outcome import Unusable

Command = Sequence[str] | str
Process = subprocess.Popen[bytes]


def read_command(text: str, *, windows: bool = sys.platform == "win32") -> Command:
    """Return a command as `subprocess` takes it, its program looked for in the PATH.

    On Windows the text stays as it was quoted, but for its first word: `npm` there is the file
    `npm.cmd`, which only its full path starts. Raises Unusable if there is no such program.
    """
    if windows:
        program, rest = _first_word(text)
        return f'"{_found(program)}"{rest}'
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Unusable(f"--exec {text}: {error}; quote it as for a shell") from None
    if not words:
        raise Unusable("--exec: the command is empty")
    return [_found(words[0]), *words[1:]]


def _first_word(text: str) -> tuple[str, str]:
    stripped = text.strip()
    if stripped.startswith('"'):
        program, _, rest = stripped[1:].partition('"')
        return program, rest
    program, space, rest = stripped.partition(" ")
    return program, space + rest


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Unusable(f"--exec: {program!r} is no program that can be started; is it in the PATH?")
    return found


def start(command: Command) -> Process:
    """Start a process of its own group, so that Ctrl-C is the run's, and its children end with it.

    Raises Unusable if it cannot be started.
    """
    try:
        if sys.platform == "win32":
            return _popen(command, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP)
        return _popen(command, start_new_session=True)
    except OSError as error:
        reason = error.strerror or "the system refused it"
        raise Unusable(f"the command cannot be started: {reason}") from None


def _popen(command: Command, *, creationflags: int = 0, start_new_session: bool = False) -> Process:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        creationflags=creationflags,
        start_new_session=start_new_session,
    )


def end(process: Process) -> None:
    """End a process, and the children that are still in its group."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            taskkill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(taskkill, capture_output=True, check=False)
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def close(process: Process) -> None:
    """Close this side of the pipes of a process."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()


def ended(status: int) -> str:
    """Say how a process ended."""
    return f"ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
