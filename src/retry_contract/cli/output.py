"""Writes to the terminal, a pipe or a file, in any code page."""

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
from retry_contract.privacy.descriptions import escape


def prepare_streams() -> None:
    """Let no print fail because a character or a stream is missing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_lines(lines: Iterable[str]) -> None:
    """Print lines, if the output is no closed pipe. Raises UsageError if they cannot be written."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Python writes the rest at exit, and must not fail then.
        sys.stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
        if error.errno not in (errno.EPIPE, errno.EINVAL):  # EINVAL is EPIPE on Windows
            raise UsageError(f"the output cannot be written: {error.strerror}") from None


def write_json(document: dict[str, Any]) -> None:
    """Print a document to standard output as JSON in ASCII, with its format first."""
    write_lines([json.dumps({"format": 1, **document}, indent=2)])


def refuse(command: str, reason: str, verdict: Verdict, *, as_json: bool) -> ExitCode:
    """Print one line that says why a command has no result, and return its exit code."""
    if as_json:
        with contextlib.suppress(UsageError):
            write_json({"outcome": str(verdict), "reason": reason})
    complain(f"{command}: {reason}")
    return verdict.exit_code


def complain(text: str) -> None:
    """Print one line to standard error, if it is open."""
    with contextlib.suppress(OSError):
        print(escape(text), file=sys.stderr)


def disarm(line: str) -> str:
    """Escape what steers a terminal, or a pipeline, as a workflow command does."""
    return re.sub(r"^( *)(::|##\[)", r"\1\\\2", escape(line))


def paint(text: str, verdict: Verdict) -> str:
    """Colour a text by its verdict, if standard output is a terminal that shows colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    colour = {Verdict.KEPT: 32, Verdict.BROKEN: 31}.get(verdict, 33)
    return f"\x1b[{colour}m{text}\x1b[0m"
