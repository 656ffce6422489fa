"""How long a run may still wait for a service that is asked too often (429)."""

import threading
from collections.abc import Callable

from retry_contract.endpoint.clock import monotonic
from retry_contract.outcome import NotTested

LONGEST_IN_ALL = 300.0
"""In seconds, over all waits of a run."""


class Waiting:
    """The seconds that are left to wait after a 429, over everything that asks one endpoint.

    Waits side by side count once. It may be used from any thread. `clock` returns seconds.
    """

    def __init__(
        self, seconds: float | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._all = self._left = LONGEST_IN_ALL if seconds is None else seconds
        self._until, self._clock, self._lock = float("-inf"), clock, threading.Lock()

    def take(self, seconds: float) -> None:
        """Count a wait that begins now. Raises NotTested if it is more than is left."""
        with self._lock:
            end = self._clock() + seconds
            added = min(seconds, end - self._until)
            if added > self._left:
                raise NotTested(
                    f"too many requests (429): at most {self._all:g} seconds of a run are waited "
                    "for that in all; --max-seconds waits longer, --rate asks less often"
                )
            if added > 0:
                self._left -= added
                self._until = end
