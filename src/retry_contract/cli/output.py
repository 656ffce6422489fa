"""Writes to the terminal, a pipe or a file, in any code page."""

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from retry_contract.outcome import ExitCode, UsageError, Verdict
from retry_contract.privacy.disarm import disarm, json_text

_COLOUR = re.compile("(\x1b\\[(?:3[123]|0)m)")


def prepare_streams() -> None:
    """Let no print fail because a character or a stream is missing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_lines(lines: Iterable[str]) -> None:
    """Print lines, each disarmed but for its colours. Raises UsageError as `write_text`."""
    write_text(_with_colours(line) + "\n" for line in lines)


def write_text(parts: Iterable[str]) -> None:
    """Print a text as it is, if the output is no closed pipe. Raises UsageError if it fails."""
    try:
        for part in parts:
            sys.stdout.write(part)
        sys.stdout.flush()
    except OSError as error:
        # Python writes the rest at exit, and must not fail then.
        sys.stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
        if error.errno not in (errno.EPIPE, errno.EINVAL):  # EINVAL is EPIPE on Windows
            raise UsageError(f"the output cannot be written: {error.strerror}") from None


def write_json(document: dict[str, Any]) -> None:
    """Print a document to standard output as JSON in ASCII, with its format first."""
    write_text([json_text({"format": 1, **document}) + "\n"])


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
        print(disarm(text), file=sys.stderr)


def paint(text: str, verdict: Verdict) -> str:
    """Colour a text by its verdict, if standard output is a terminal that shows colours."""
    if not _shows_colours():
        return text
    colour = {Verdict.KEPT: 32, Verdict.BROKEN: 31}.get(verdict, 33)
    return f"\x1b[{colour}m{text}\x1b[0m"


def _shows_colours() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _with_colours(line: str) -> str:
    if not _shows_colours():
        return disarm(line)
    return "".join(
        part if _COLOUR.fullmatch(part) else disarm(part) for part in _COLOUR.split(line) if part
    )
