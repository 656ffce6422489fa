"""The process in which a Python callable is tried: `python -P -m` and this module's name.

Its arguments are `package.module:callable`, and for a client a file for what it prints and for its
errors in full; without one that goes nowhere. One payload, or a client's arguments, a line on
standard input; one line back each, `ok JSON` or `error` with a JSON object. The first line back
says whether the callable was imported. It has a process of its own so that nothing it does can harm
the run: it may exit, hang, crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Any

from retry_contract.consumer.hosted.errors import detail_of
from retry_contract.consumer.hosted.loading import CannotLoad, load, load_client
from retry_contract.consumer.hosted.reading import reading
from retry_contract.consumer.hosted.watching import watched

READY = "ready"


def main() -> None:
    """Answer every line on standard input, then end at once, whatever threads there are."""
    target, output, *_ = *sys.argv[1:], ""
    given, answers = _own_streams(output or os.devnull)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own, folder = os.getpid(), str(Path.cwd())
    try:
        consume = (load_client if output else load)(target, folder)
    except CannotLoad as error:
        _say(answers, f"unusable {error}", own)
    else:
        _say(answers, READY, own)
        runner = asyncio.Runner()
        for number, line in enumerate(given):
            watch = number == 0 and not output
            told = answer(consume, line, runner, watch=watch, output=output)
            _flush()
            _say(answers, told, own)
            os.chdir(folder)
    os._exit(0)


def _say(answers: IO[str], line: str, own: int) -> None:
    """Write a line of the protocol, as the process that was started: a child of it may not."""
    if os.getpid() != own:
        os._exit(0)
    answers.write(line + "\n")
    answers.flush()


def _own_streams(output: str) -> tuple[IO[str], IO[str]]:
    """Take standard input and output for the protocol; the callable's own go to a file."""
    given = os.fdopen(os.dup(0), "r", encoding="ascii", newline="\n")
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    printed = os.open(output, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(printed, standard)
    return given, answers


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the callable may have closed or replaced it
            stream.flush()


def answer(
    consume: Callable[[str], Any],
    line: str,
    runner: asyncio.Runner,
    *,
    watch: bool = False,
    output: str = "",
) -> str:
    """Return the answer to one line, in ASCII.

    What is asynchronous runs in one event loop for all lines: an application has one, and so may
    share a session or a lock between its calls. If it is to be watched, an error that the callable
    catches is told. If there is a file for what is printed, an error is added to it as a program
    prints one that it does not catch: with its causes, its notes and all its lines.
    """
    caught = ""
    try:
        if watch:
            read, caught = watched(lambda: _run(consume(line), runner))
        else:
            read = _run(consume(line), runner)
    except BaseException as error:  # sys.exit and KeyboardInterrupt of the callable too
        if output:
            _show(error, output)
        return "error " + json.dumps(detail_of(error))
    if caught:
        return "caught " + json.dumps({"read": reading(read), "text": caught})
    return "ok " + json.dumps(reading(read, whole=bool(output)))


def _show(error: BaseException, output: str) -> None:
    with contextlib.suppress(BaseException):  # to show an exception may run the callable's code
        shown = "".join(traceback.format_exception(error))
        with Path(output).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(shown)


def _run(read: Any, runner: asyncio.Runner) -> Any:
    """Run what is lazy to its end, whatever it is: what it breaks on, it breaks on only then."""
    if inspect.isawaitable(read):
        return runner.run(_awaited(read))
    if isinstance(read, AsyncIterator):
        return runner.run(_collected(read))
    lazy = isinstance(read, Iterator) and not hasattr(read, "read")  # a response is like a file
    return list(read) if lazy else read


async def _awaited(read: Awaitable[Any]) -> Any:
    return await read


async def _collected(read: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in read]


if __name__ == "__main__":
    main()
