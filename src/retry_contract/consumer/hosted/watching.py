"""Which errors the user's own code catches, so that a reply is not called read for its silence."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retry_contract.consumer.hosted.errors import last_line
from retry_contract.consumer.hosted.installed import is_installed

_ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)


def watched(call: Callable[[], Any]) -> tuple[Any, str]:
    """Return what a call returns, and the last error that passed through the user's code, if any.

    It is told as `TypeError: … (file.py:7)`. To watch takes time: it is for a single payload.
    """
    passed: list[str] = []

    def trace(frame: types.FrameType, event: str, told: Any) -> Any:
        if event == "call":
            if is_installed(frame.f_code.co_filename):
                return None
            frame.f_trace_lines = False
        elif event == "exception" and not isinstance(told[1], _ENDS):
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            passed.append(f"{last_line(told[1])} ({place})")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = call()
    finally:
        sys.settrace(before)
    return result, passed[-1] if passed else ""
