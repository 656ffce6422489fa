"""A sandbox in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.json_schemas import problems

PATIENCE = 20.0
"""In seconds. What has not come by then never comes."""
_SLICE = 0.02


@contextmanager
def started(
    shell: Mapping[str, str], *options: str, cwd: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "retry_contract", "sandbox", "--port", "0", *options],
        env=dict(shell),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def document_of(process: subprocess.Popen[str]) -> Any:
    """Return what a sandbox with --json prints at its start."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    document = json.loads("".join(lines))
    assert problems("sandbox", document) == []
    return document


def wait_until_written(file: Path) -> str:
    """Return the content of a file, once it is there and has one."""
    for _ in range(int(PATIENCE / _SLICE)):
        if file.is_file() and (text := file.read_text(encoding="utf-8")):
            return text
        threading.Event().wait(_SLICE)
    raise AssertionError(f"{file.name} was not written")


def variables_in(text: str) -> dict[str, str]:
    """Return the variables of a file of lines NAME=value."""
    return dict(line.split("=", 1) for line in text.splitlines())


def is_running(pid: str) -> bool:
    """Return whether a process is there, and does more than wait to be asked how it ended."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True)
    return shown.stdout.strip() != "" and not shown.stdout.startswith("Z")
