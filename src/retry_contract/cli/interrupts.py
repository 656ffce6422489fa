"""Ctrl-C in the command's own process: one line and exit code 3, at whatever moment it comes.

While it starts, it leaves at once: nothing was begun that has to be ended, and an exception would
be lost in what Python does not let one through. Then Ctrl-C is an exception, once for each time
that somebody presses it, however nervously. When all is over but the reports, it is ignored.

Only `leave_at_once` begins this. Whoever calls the command line as a function, or started the
process with Ctrl-C ignored, has signals of their own, which stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_TESTED = 3
"""`ExitCode.NOT_TESTED`, which takes longer to import than all of this."""

_LINE = b"retry-contract: interrupted\n"
_JSON = b'{\n  "outcome": "not tested",\n  "reason": "interrupted"\n}\n'
_AT_ONCE = 1.0
"""Within so many seconds a further Ctrl-C means the same, and must not disturb the first."""


class CtrlC(KeyboardInterrupt):
    """Ctrl-C.

    No plain KeyboardInterrupt: once that has passed through code that was given as a string, as
    dataclasses do, Python ends the process by the signal, whoever has caught it.
    """


class _Leaving:
    """Ends the process, with a line on the streams that it had at first: pytest exchanges them."""

    def __init__(self, *, as_json: bool) -> None:
        self._texts = [(1, _JSON)] * as_json + [(2, _LINE)]
        self._copies: list[tuple[int, bytes]] = []
        for number, text in self._texts:
            with contextlib.suppress(OSError):
                self._copies.append((os.dup(number), text))

    def __call__(self, *_: Any) -> NoReturn:
        for number, text in self._copies:
            with contextlib.suppress(OSError):
                os.write(number, text)
        os._exit(NOT_TESTED)

    def close(self) -> None:
        for number, _ in self._copies:
            os.close(number)


class _Raising:
    def __init__(self) -> None:
        self._last = -_AT_ONCE

    def __call__(self, *_: Any) -> None:
        now = time.monotonic()
        if now - self._last >= _AT_ONCE:
            self._last = now
            raise CtrlC


def leave_at_once() -> None:
    """From now on, end the process on Ctrl-C. A process that ignores it goes on doing so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        own = sys.argv[1 : sys.argv.index("--") if "--" in sys.argv else None]
        signal.signal(signal.SIGINT, _Leaving(as_json="--json" in own))


def raise_from_now_on() -> None:
    """Raise CtrlC on Ctrl-C, for what was begun to be ended."""
    leaving = signal.getsignal(signal.SIGINT)
    if isinstance(leaving, _Leaving):
        signal.signal(signal.SIGINT, _Raising())
        leaving.close()


def ignore_from_now_on() -> None:
    """Let no Ctrl-C disturb what is left to do."""
    if isinstance(signal.getsignal(signal.SIGINT), _Leaving | _Raising):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def handled(handler: Any, *numbers: int) -> Iterator[None]:
    """Handle signals so, where they can be: in the main thread."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, own in before.items():
            signal.signal(number, own)


def endings() -> list[signal.Signals]:
    """Return the signals that end a program: of a closed terminal too, where there is such."""
    names = ("SIGTERM", "SIGHUP", "SIGQUIT")
    found = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    # What is ignored stays so: under nohup, a program outlives its terminal.
    return [number for number in found if signal.getsignal(number) is not signal.SIG_IGN]
