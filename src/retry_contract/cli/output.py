"""Writing to the terminal, a pipe or a file, in whatever code page it has."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from retry_contract.outcome import ExitCode, Verdict


def prepare_streams() -> None:
    """Let nothing that is printed fail for want of a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_lines(lines: Iterable[str]) -> None:
    """Print lines to standard output."""
    for line in lines:
        print(line)


def write_json(document: dict[str, Any]) -> None:
    """Print one JSON document to standard output, in ASCII."""
    print(json.dumps(document, indent=2))


def refuse(command: str, reason: str, *, as_json: bool) -> ExitCode:
    """Say in one line why a command is of no use as given."""
    if as_json:
        write_json({"outcome": str(Verdict.UNUSABLE), "reason": reason})
    print(f"{command}: {reason}", file=sys.stderr)
    return ExitCode.UNUSABLE


def paint(text: str, verdict: Verdict) -> str:
    """Colour a text by its verdict, on a terminal that wants it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    colour = {Verdict.KEPT: 32, Verdict.BROKEN: 31}.get(verdict, 33)
    return f"\x1b[{colour}m{text}\x1b[0m"
