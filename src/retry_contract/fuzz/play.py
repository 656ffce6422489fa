"""Playing cases: one after the other, or many side by side where they wait for messages.

Cases begin in their order, so what the first that breaks the contract is does not depend on how
many are played at once.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange
from retry_contract.fuzz.search import EndOfRun
from retry_contract.outcome import Drift, Traffic
from retry_contract.verification.prober import Prober
from retry_contract.verification.provider import Provider

T = TypeVar("T")

_GLANCE, _GRACE = 0.1, 0.5
"""How often the main thread looks at the others, and how long it waits for them, in seconds."""


class Bounds:
    """Until when cases are played: for so many seconds, or until the run is interrupted.

    `waiting` is how many cases wait for a message. It may be used from any thread.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._interrupted, self._lock = threading.Event(), threading.Lock()
        self._calls = deque[Callable[[], None]]()
        self.waiting = 0

    @property
    def passed(self) -> bool:
        """Whether the seconds are over."""
        return self._until is not None and time.monotonic() >= self._until

    def check(self) -> None:
        """Raise EndOfRun where no more may be sent."""
        if self.passed or self._interrupted.is_set():
            raise EndOfRun

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises EndOfRun."""
        left = seconds if self._until is None else self._until - time.monotonic()
        self._count(1)
        try:
            self._interrupted.wait(max(0.0, min(seconds, left)))
        finally:
            self._count(-1)
        self.check()

    def interrupt(self) -> None:
        """End every case at its next request."""
        self._interrupted.set()

    def in_main_thread(self, function: Callable[[], T]) -> T:
        """Return what a function of the user's returns, called where it may expect to be.

        Raises what it raises, or EndOfRun.
        """
        if threading.current_thread() is threading.main_thread():
            return function()
        future: Future[T] = Future()
        self._calls.append(lambda: _resolve(future, function))
        while not future.done():
            self.check()
            with contextlib.suppress(TimeoutError):
                future.exception(_GLANCE)
        return future.result()

    def serve_calls(self) -> None:
        """Call what `in_main_thread` is waited for."""
        while self._calls:
            self._calls.popleft()()

    def _count(self, change: int) -> None:
        with self._lock:
            self.waiting += change


def _resolve(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # pytest's own are none of Exception
        future.set_exception(error)


class Play:
    """One case: what it sends and finds, and its `end`: an exception, or None if all was kept.

    `over` says that it has ended, `counted` that the tally has its traffic.
    """

    def __init__(
        self, case: Any, endpoint: Endpoint, bounds: Bounds, provider: Provider | None = None
    ) -> None:
        self.case, self.bounds, self._provider = case, bounds, provider or Provider()
        self.drift: dict[Drift, None] = {}
        self.end: BaseException | None = None
        self.over = self.counted = False
        self.prober: Prober | None = None
        self._shared = endpoint

    @property
    def kept(self) -> bool:
        """Whether it has ended, and all was kept."""
        return self.over and self.end is None

    @property
    def on_shared_endpoint(self) -> bool:
        """Whether it asks the endpoint that the rest of the run asks."""
        return self.prober is not None and self.prober.endpoint is self._shared

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What was sent so far."""
        return () if self.prober is None else tuple(self.prober.exchanges)

    @property
    def traffic(self) -> Traffic:
        """How much was sent so far."""
        return Traffic() if self.prober is None else self.prober.traffic

    @contextlib.contextmanager
    def open(self, endpoint: Endpoint | None = None) -> Iterator[Prober]:
        """Give the case a prober, on an endpoint of its own if there can be one."""
        endpoint = endpoint or self._shared.renew()
        wait = self.bounds.wait if endpoint.real_time else None
        self.prober = Prober(endpoint, lambda _: self.bounds.check(), wait, pooled=True)
        try:
            yield self.prober
        finally:
            if endpoint is not self._shared:
                endpoint.close()

    def provided(self, state: str, prober: Prober) -> str | None:
        """Return a message in a state from the service's team, if it has one. Raises Mistake."""
        return self._provider.message(state, prober, self.bounds.in_main_thread)

    def run(self, play: Callable[[Any, "Play"], None]) -> None:
        """Play the case to its end. Raises KeyboardInterrupt."""
        try:
            self.bounds.check()
            play(self.case, self)
        except KeyboardInterrupt:
            raise
        except BaseException as end:  # one of another thread too is raised in the main one
            self.end = end
        self.over = True


def run_side_by_side(
    plays: Sequence[Play],
    play: Callable[[Any, Play], None],
    workers: int,
    glance: Callable[[], None],
) -> None:
    """Run plays, at most so many at once; once one has an `end`, none is begun any more.

    `glance` is called often meanwhile. On Ctrl-C the plays end within a second.
    """
    order, lock, bounds = iter(plays), threading.Lock(), plays[0].bounds
    # No joins, events or futures: Ctrl-C may come in the middle of what those do in Python.
    ended, going_on = SimpleQueue[None](), 0

    def work() -> None:
        try:
            while (own := following()) is not None:
                own.run(play)
        finally:
            ended.put(None)

    def following() -> Play | None:
        with lock:
            broken_off = any(one.end is not None for one in plays)
            return None if broken_off else next(order, None)

    try:
        for _ in range(min(workers, len(plays))):
            going_on += 1
            # A daemon: a slow request must not hold up the end of an interrupted run.
            threading.Thread(target=work, name="case", daemon=True).start()
        while going_on:
            with contextlib.suppress(Empty):
                ended.get(timeout=_GLANCE)
                going_on -= 1
            bounds.serve_calls()
            glance()
    except BaseException:
        bounds.interrupt()
        until = time.monotonic() + _GRACE
        with contextlib.suppress(Empty):
            while going_on:
                ended.get(timeout=max(0.0, until - time.monotonic()))
                going_on -= 1
        raise
