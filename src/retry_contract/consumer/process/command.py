"""Starting and ending the process of a consumer, on any system."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from retry_contract.outcome import Unusable
from retry_contract.processes import Process, in_a_group

Command = Sequence[str] | str


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
        raise Unusable(f"{error}; quote it as for a shell") from None
    if not words:
        raise Unusable("the command is empty")
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
        raise Unusable(f"{program!r} is no program that can be started; is it in the PATH?")
    return found


def start(command: Command) -> Process:
    """Start a process in a group of its own. Raises Unusable if it cannot be started."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    try:
        return subprocess.Popen(command, **pipes, **in_a_group())
    except OSError as error:
        reason = error.strerror or "the system refused it"
        raise Unusable(f"the command cannot be started: {reason}") from None


def close(process: Process) -> None:
    """Close this side of the pipes of a process."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()


def ended(status: int) -> str:
    """Say how a process ended."""
    return f"ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
