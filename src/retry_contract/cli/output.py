"""Writing to the terminal, a pipe or a file, in whatever code page it has."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from retry_contract.outcome import ExitCode, UsageError, Verdict


def prepare_streams() -> None:
    """Let nothing that is printed fail for want of a character, or of a stream."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_lines(lines: Iterable[str]) -> None:
    """Print lines to standard output. Raises UsageError if they cannot be written.

    A reader who has closed the pipe has seen enough: the exit code stays what it is.
    """
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Python writes what is left at exit, and must not fail over it again.
        sys.stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
        # Windows says EINVAL where others say EPIPE.
        if error.errno not in (errno.EPIPE, errno.EINVAL):
            raise UsageError(f"the output cannot be written: {error.strerror}") from None


def write_json(document: dict[str, Any]) -> None:
    """Print one JSON document to standard output, in ASCII."""
    write_lines([json.dumps(document, indent=2)])


def refuse(
    command: str, reason: str, *, as_json: bool, verdict: Verdict = Verdict.USAGE_ERROR
) -> ExitCode:
    """Say in one line why a command came to nothing, and return its exit code."""
    if as_json:
        with contextlib.suppress(UsageError):
            write_json({"outcome": str(verdict), "reason": reason})
    complain(f"{command}: {reason}")
    return verdict.exit_code


def complain(text: str) -> None:
    """Print one line to standard error, if somebody still reads it."""
    with contextlib.suppress(OSError):
        print(visible(text), file=sys.stderr)


def visible(text: str) -> str:
    """Escape what would steer a terminal or break the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def harmless(line: str) -> str:
    """Return a line that steers neither a terminal nor a pipeline, as a workflow command does."""
    return re.sub(r"^( *)(::|##\[)", r"\1\\\2", visible(line))


def paint(text: str, verdict: Verdict) -> str:
    """Colour a text by its verdict, on a terminal that wants it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    colour = {Verdict.KEPT: 32, Verdict.BROKEN: 31}.get(verdict, 33)
    return f"\x1b[{colour}m{text}\x1b[0m"
