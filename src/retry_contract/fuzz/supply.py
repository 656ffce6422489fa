"""Failed messages for generated cases, one for each case."""

from collections import deque

from retry_contract.rules.delivery import FAILURE
from retry_contract.verification.prober import Prober

_MOST_AHEAD = 20


class Supply:
    """Hands out failed messages; where messages take time to fail, it sends some ahead.

    `known` is the message that was handed out last.
    """

    def __init__(self, cases: int) -> None:
        self.known: str | None = None
        self._ahead = max(1, min(cases // 2, _MOST_AHEAD))
        self._sent: deque[str] = deque()
        self._failed: deque[str] = deque()

    def take(self, prober: Prober) -> str:
        """Return a failed message that no other case has. Raises NotExercised."""
        if not prober.endpoint.real_time:
            self.known = prober.message_in(FAILURE)
            return self.known
        if not self._failed:
            while len(self._sent) < self._ahead:
                self._sent.append(prober.simulate()[0])
            first = [self._sent.popleft() for _ in range((self._ahead + 1) // 2)]
            prober.wait_until_failed(*first)
            self._failed.extend(first)
        self.known = self._failed.popleft()
        return self.known
