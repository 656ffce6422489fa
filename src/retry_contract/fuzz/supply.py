"""Failed messages for generated cases: each case has one of its own."""

from __future__ import annotations

from collections import deque

from retry_contract.rules.delivery import FAILURE
from retry_contract.verification.prober import Prober

_MOST_AHEAD = 20


class Supply:
    """Hands out failed messages, some made ahead where each takes its time to fail.

    `known` is the one that was handed out last.
    """

    def __init__(self, cases: int) -> None:
        self.known: str | None = None
        self._ahead = max(1, min(cases // 2, _MOST_AHEAD))
        self._sent: deque[str] = deque()
        self._failed: deque[str] = deque()

    def take(self, prober: Prober) -> str:
        """Return a failed message that nothing has been asked of. Raises NotExercised."""
        if prober.endpoint.real_time:
            self._make(prober)
            self.known = self._failed.popleft()
        else:
            self.known = prober.message_in(FAILURE)
        return self.known

    def _make(self, prober: Prober) -> None:
        """Have a failed message at hand: the first half of those that were sent by then."""
        if self._failed:
            return
        while len(self._sent) < self._ahead:
            self._sent.append(prober.simulate()[0])
        first = [self._sent.popleft() for _ in range((self._ahead + 1) // 2)]
        prober.wait_until_failed(*first)
        self._failed.extend(first)
