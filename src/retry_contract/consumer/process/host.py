"""The process in which a Python callable runs: `python -P -m` and this module's name.

Its arguments are `package.module:callable`, and of a client the word `call` and a predicate, if
any. Its first line says that the callable was imported, or why not. Then it reads a payload, or a
client's arguments, a line, and writes the members of an `Attempt` for each.
"""

import contextlib
import functools
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from retry_contract.consumer.process.attempt import CALL, LONGEST_READING, READY, TOO_LARGE
from retry_contract.consumer.process.loading import CannotLoad, load, load_client, load_reader
from retry_contract.consumer.process.plain_data import detail_of, reading, run_to_end
from retry_contract.privacy.user_errors import last_line

if TYPE_CHECKING:
    import asyncio

_MOST = 10_000


def host_command(*arguments: str) -> list[str]:
    """Return the command that hosts what its arguments name."""
    return [sys.executable, "-P", "-m", "retry_contract.consumer.process.host", *arguments]


def main() -> None:
    """Answer every line on standard input, then end at once, whatever threads there are."""
    given, lines = _take_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own, folder = os.getpid(), str(Path.cwd())
    try:
        host = _host(folder, *sys.argv[1:])
    except CannotLoad as error:
        _write(lines, json.dumps(str(error)), own)
    else:
        _write(lines, READY, own)
        for line in given:
            members = host.attempt(line)
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(BaseException):  # the callable may have closed it
                    stream.flush()
            _write(lines, members, own)
            os.chdir(folder)
    os._exit(0)


def _host(folder: str, target: str, word: str = "", predicate: str = "") -> "Host":
    if word != CALL:
        return Host(load_reader(target, folder))
    accepted: Callable[[Any], Any] = reports_success
    if predicate:
        accepted = load(predicate, folder, "one argument, what the client returned")
    return Host(load_client(target, folder), accepted)


def _write(lines: IO[str], line: str, own: int) -> None:
    """Write a line of the protocol, as the process that was started: a child of it may not."""
    if os.getpid() != own:
        os._exit(0)
    lines.write(line + "\n")
    lines.flush()


def _take_streams() -> tuple[IO[str], IO[str]]:
    """Take standard input and output for the protocol; what is printed goes to standard error."""
    given = os.fdopen(os.dup(0), "r", encoding="ascii", newline="\n")
    lines = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return given, lines


class Host:
    """Runs a callable line by line, in one event loop: an application has one too.

    For a client, `accepted` says of what it returned whether that reports an accepted retry.
    """

    def __init__(
        self, run: Callable[[str], Any], accepted: Callable[[Any], Any] | None = None
    ) -> None:
        self._run, self._accepted = run, accepted

    def attempt(self, line: str) -> str:
        """Return the members of an `Attempt`, as a JSON object."""
        try:
            value = self._finish(self._run(line))
        except BaseException as error:  # sys.exit and KeyboardInterrupt of the callable too
            ends_well = isinstance(error, SystemExit) and (error.code is None or error.code == 0)
            if self._accepted is not None and ends_well:
                return json.dumps({"read": None, "opaque": [], "success": True})
            return json.dumps(detail_of(error))
        success = self._success(value)
        status = self._accepted and status_of(value)
        read, opaque = reading(value if status is None else status)
        with contextlib.suppress(ValueError):  # of a number with too many digits
            members = json.dumps({"read": read, "opaque": opaque, **success})
            if len(members) < LONGEST_READING:
                return members
        return json.dumps({"read": TOO_LARGE, "opaque": [""], **success})

    def _success(self, value: Any) -> dict[str, Any]:
        if self._accepted is None:
            return {}
        try:
            success = self._accepted(value)
        except BaseException as error:  # of the user's predicate
            return {"refused": f"raised {last_line(error)}"}
        if isinstance(success, bool) or (success is None and self._accepted is reports_success):
            return {"success": success}
        return {"refused": f"answered a {type(success).__name__}"}

    def _finish(self, value: Any) -> Any:
        """Run what is lazy to its end: what it breaks on, it breaks on only then."""
        if inspect.iscoroutine(value):
            return self._loop.run(value)
        lazy = isinstance(value, Iterator) and not hasattr(value, "read")  # a response is a file
        return run_to_end(value, _MOST) if lazy else value

    @functools.cached_property
    def _loop(self) -> "asyncio.Runner":
        import asyncio

        return asyncio.Runner()


def status_of(value: Any) -> int | None:
    """Return the status of an HTTP library's response; None of anything else."""
    with contextlib.suppress(BaseException):  # an attribute may be any code
        status = getattr(value, "status_code", getattr(value, "status", None))
        if isinstance(status, int) and not isinstance(status, bool):
            return int(status)
    return None


def reports_success(value: Any) -> bool | None:
    """Say whether what a client returned reports success; None of None."""
    if value is None:
        return None
    status = status_of(value)
    return bool(value) if status is None else 200 <= status <= 299


if __name__ == "__main__":
    main()
