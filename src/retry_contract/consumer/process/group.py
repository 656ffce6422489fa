"""Processes of their own group, so that Ctrl-C is the run's, and their children end with them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

Process = subprocess.Popen[bytes]


def in_a_group() -> dict[str, Any]:
    """Return the arguments by which `subprocess.Popen` gives a process its own group."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def interrupt(process: Process) -> None:
    """Do to a process and its children what Ctrl-C does; on Windows, end them."""
    _signal(process, signal.SIGINT)


def end(process: Process) -> None:
    """End a process and the children that are still in its group, and wait for it."""
    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(OSError):  # it may have ended by itself
        if sys.platform == "win32":
            taskkill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(taskkill, capture_output=True, check=False)
        else:
            os.killpg(process.pid, number)
