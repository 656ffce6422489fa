"""Which errors the user's own code catches or loses: a reply is not read because it is silent."""

from __future__ import annotations

import contextlib
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from retry_contract.consumer.hosted.errors import last_line, place_of
from retry_contract.consumer.hosted.installed import is_installed

_ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)
_MOMENT = 0.1
"""How long, in seconds, other threads may take to do what a call handed to them."""


def watched(call: Callable[[], Any]) -> tuple[Any, str]:
    """Return what a call returns, and the last error that passed through the user's code, if any.

    It is told as `TypeError: … (file.py:7)`. To watch takes time: it is for a single payload.
    """
    passed: list[str] = []
    one = threading.Event()

    def tell(error: BaseException | None, place: str) -> None:
        if error is not None and not isinstance(error, _ENDS):
            passed.append(f"{last_line(error)} ({place})")
            one.set()

    def trace(frame: types.FrameType, event: str, told: Any) -> Any:
        if event == "call":
            if is_installed(frame.f_code.co_filename):
                return None
            frame.f_trace_lines = False
        elif event == "exception":
            tell(told[1], f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        return trace

    def ended(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_value is not None:
            tell(thread.exc_value, place_of(thread.exc_value))

    with _tracing(trace, ended):
        result = call()
        if threading.active_count() > 1:
            one.wait(_MOMENT)
    return result, passed[-1] if passed else ""


@contextlib.contextmanager
def _tracing(trace: Any, ended: Callable[[threading.ExceptHookArgs], None]) -> Iterator[None]:
    """Trace this thread and those that it starts, and hear of any thread that an error ends."""
    before, threads, hook = sys.gettrace(), threading.gettrace(), threading.excepthook
    threading.excepthook = ended
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(threads)
        threading.excepthook = hook
