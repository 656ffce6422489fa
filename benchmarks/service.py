"""The command line, and its sandbox as the service of a measurement: another process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("retry-contract"))


@contextlib.contextmanager
def sandbox(*words: str) -> Iterator[dict[str, Any]]:
    """Yield what `sandbox --json` prints; it ends with the context."""
    command = [COMMAND, "sandbox", "--port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield _document(process.stdout)
        finally:
            process.terminate()


def _document(lines: Iterator[str]) -> dict[str, Any]:
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            break
    document: dict[str, Any] = json.loads(text)
    return document
