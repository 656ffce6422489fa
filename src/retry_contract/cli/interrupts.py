"""Ctrl-C in the command's own process: one line and exit code 3, whenever it comes.

While the command starts, it leaves at once: nothing has begun that must be ended, and Python does
not let an exception through everywhere. Then Ctrl-C is an exception, once for each press. While
the reports are written, it is ignored.

Only `leave_at_once` starts this. A program that calls the command line as a function, or starts
the process with Ctrl-C ignored, has its own signals, which stay as they are. The sandbox alone
takes Ctrl-C all the same: a shell that starts it in the background has Ctrl-C ignored, and ends it
by a signal.
"""

import contextlib
import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from queue import SimpleQueue

NOT_TESTED = 3
"""`ExitCode.NOT_TESTED`, which takes longer to import than this whole module."""

_LINE = b"retry-contract: interrupted\n"
_JSON = b'{\n  "format": 1,\n  "outcome": "not tested",\n  "reason": "interrupted"\n}\n'
ONE_PRESS, _SOON = 1.0, 0.02
"""In seconds. Another Ctrl-C within this time means the same, and must not disturb the first; one
that Python has dropped is made once more as soon.
"""

_copies: list[tuple[int, bytes]] = []
"""Copies of the first standard streams, since pytest exchanges them, and what is written there."""

_presses: list[float] = []


class CtrlC(KeyboardInterrupt):
    """Ctrl-C.

    Not a plain KeyboardInterrupt: after that has passed through code from a string, as dataclasses
    run it, Python ends the process by the signal even if it was caught.
    """


def leave_at_once() -> None:
    """From now on, end the process on Ctrl-C, unless it ignores Ctrl-C and is no sandbox."""
    ours = [signal.default_int_handler, *([signal.SIG_IGN] if sys.argv[1:2] == ["sandbox"] else [])]
    if signal.getsignal(signal.SIGINT) in ours:
        own = sys.argv[1 : sys.argv.index("--") if "--" in sys.argv else None]
        for number, text in [(1, _JSON)] * ("--json" in own) + [(2, _LINE)]:
            with contextlib.suppress(OSError):
                _copies.append((os.dup(number), text))
        signal.signal(signal.SIGINT, _leave)


def _leave(*_: Any) -> NoReturn:
    for number, text in _copies:
        with contextlib.suppress(OSError):
            os.write(number, text)
    os._exit(NOT_TESTED)


def raise_from_now_on() -> None:
    """From now on, raise CtrlC on Ctrl-C, so that what has begun is ended."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, _raise)
        sys.unraisablehook = functools.partial(_press_again, sys.unraisablehook)
        while _copies:
            os.close(_copies.pop()[0])


def _raise(*_: Any) -> None:
    now = time.monotonic()
    if not _presses or now - _presses[-1] >= ONE_PRESS:
        _presses.append(now)
        raise CtrlC


def _press_again(otherwise: Callable[[Any], Any], lost: Any) -> None:
    """Raise CtrlC soon: Python drops it in a destructor, or where it collects garbage."""
    if not isinstance(lost.exc_value, CtrlC):
        otherwise(lost)
        return
    import threading

    _presses.clear()
    threading.Timer(_SOON, _press, [threading.get_ident()]).start()


def _press(thread: int) -> None:
    """Wake the main thread too, which may wait: a signal to this process need not reach it."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def ignore_from_now_on() -> None:
    """From now on, ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) in (_leave, _raise):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def handle_signals(handler: Any, *numbers: int) -> Iterator[None]:
    """Set a handler for these signals meanwhile, if this is the main thread."""
    import threading

    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in numbers if main}
    try:
        yield
    finally:
        for number, own in before.items():
            signal.signal(number, own)


def ending_signals() -> list[signal.Signals]:
    """Return the signals other than Ctrl-C that end a program, as a closed terminal does."""
    names = ("SIGTERM", "SIGHUP", "SIGQUIT")
    found = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    # An ignored signal stays ignored: under nohup, a program outlives its terminal.
    return [number for number in found if signal.getsignal(number) is not signal.SIG_IGN]


@contextlib.contextmanager
def queue_signals() -> "Iterator[SimpleQueue[int]]":
    """Put the signals that end a program into a queue meanwhile, Ctrl-C and SIGTERM at all events.

    An exception at any place could leave a command or a file behind; what reads the queue ends what
    has begun, in order.
    """
    from queue import SimpleQueue

    signals = SimpleQueue[int]()  # its put may interrupt itself, that of other queues may not
    numbers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, *ending_signals()))
    with handle_signals(lambda number, _: signals.put(number), *numbers):
        yield signals
