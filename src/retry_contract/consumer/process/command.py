"""Commands as the user writes them, and the environment that they are given."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from retry_contract.outcome import UsageError

Command = Sequence[str] | str
_CANNOT_START = {126: "the program may not be executed", 127: "there is no such program"}
_OURS = ("POSTMAN_API_KEY", "RETRY_CONTRACT_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_NOWHERE = {
    **dict.fromkeys(_PROXIES, "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    "POSTMAN_API_KEY": "key_test_of_nobody",
}


def read_command(text: str, *, windows: bool = sys.platform == "win32") -> Command:
    """Return a command as `subprocess` takes it, its program looked for in the PATH.

    On Windows the text stays as it was quoted, but for its first word: `npm` there is the file
    `npm.cmd`, which only its full path starts. Raises UsageError if there is no such program.
    """
    if windows:
        program, rest = _first_word(text)
        return f'"{_found(program)}"{rest}'
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{error}; quote it as for a shell") from None
    if not words:
        raise UsageError("the command is empty")
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
        if Path(program).is_file():
            raise UsageError(f"{program!r} is not executable: start it by its interpreter")
        shell = "it is started without a shell: variables, && and cd need sh -c '…'"
        raise UsageError(f"{program!r} is no program in the PATH; {shell}")
    return found


def check_started(status: int) -> None:
    """Raise UsageError if a command's exit status says that it could not be started."""
    if status in _CANNOT_START:
        raise UsageError(f"the command cannot be started: {_CANNOT_START[status]}")


def apart_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the user's key, and without a way off this machine by proxy."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, **_NOWHERE, **given}
