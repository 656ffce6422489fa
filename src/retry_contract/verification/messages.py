"""Messages for the scenarios of a run: from the service's team, named by the user, or sent."""

import contextlib
from collections import deque
from dataclasses import dataclass

from retry_contract.exchange import Exchange, Observation
from retry_contract.outcome import NotExercised
from retry_contract.rules.delivery import FAILURE, FEWEST_SENDS
from retry_contract.verification import outage
from retry_contract.verification.prober import Prober, is_to_simulator
from retry_contract.verification.provider import Mistake, Provider
from retry_contract.verification.states import STATES, found_in

SIMULATE = "needs --provision simulator"
_SENT_AHEAD = 5
"""How many messages are sent at once at first, so that one wait serves them all."""


@dataclass(frozen=True)
class Failed:
    """A message that has failed, and its Single Send if the run sent it.

    Of one that was `named` nothing is known but what Retrieve shows.
    """

    id: str
    sent: Exchange | None = None
    named: bool = False


class Messages:
    """Gives each scenario of a run its messages, from everything that the user has provided.

    `samples` is how many accepted retries are wanted; what is sent waits in `_sent` until it has
    failed. `late` is why a message was not waited for any longer.
    """

    def __init__(
        self, prober: Prober, samples: int | None = None, provider: Provider | None = None
    ) -> None:
        self._prober, self._endpoint = prober, prober.endpoint
        self._provider = provider or Provider()
        self._ahead = _SENT_AHEAD if samples is None else min(_SENT_AHEAD, samples + 2)
        self._taken: set[str] = set()
        self._sent: list[Failed] = []
        self._ready: deque[Failed] = deque()
        self._retried: dict[str, None] = {}
        self.late: NotExercised | None = None

    def meet(self) -> None:
        """Retrieve a message before anything else, if there is one.

        The response shows whether the service talks to the run. The message serves as a control.
        """
        if self._prober.exchanges or not self._endpoint.real_time:
            return
        with contextlib.suppress(NotExercised):
            *others, last = self._endpoint.named or [self.known()]
            for message in others:
                with contextlib.suppress(outage.NoSuchMessage):
                    self._prober.retrieve(message)
                    return
            self._prober.latest_retrieve(last)

    def known(self) -> str:
        """Return a message that can be retrieved. Nothing is sent if one was named."""
        if self._endpoint.named:
            return self._prober.control or self._endpoint.named[0]
        if not self._ready and not self._sent:
            self._ready.appendleft(self.failed())
        return (self._ready or self._sent)[0].id

    def failed(self, *, harmless: bool = False) -> Failed:
        """Return a failed message that was not asked for before. Raises NotExercised.

        One that is `harmless` reaches nobody when it is retried.
        """
        sends = self._endpoint.real_time or not self._retried
        if not self._ready and sends and self._endpoint.simulator is not None:
            self._send_ahead()
        if self._ready:
            return self._ready.popleft()
        if not harmless or self._endpoint.expendable:
            provided = self.provided(FAILURE)
            if provided is not None:
                return Failed(provided)
        named = self._named(FAILURE, harmless=harmless)
        if named is not None:
            return Failed(named, named=True)
        mistake = self._provider.mistakes.get(FAILURE)
        if mistake is not None:
            raise mistake
        if self._endpoint.named:
            raise NotExercised(
                f"no named message is left that has failed, in fewer than {FEWEST_SENDS} tries"
                f"{self._shown_of_named()}"
            )
        if self.late is not None:
            raise self.late
        raise NotExercised("no message to retry: give --message ID, or --provision simulator")

    def in_state(self, state: str) -> str:
        """Return a message in a state. Raises NotExercised if there is none."""
        message = self.provided(state) or self._named(state, harmless=True)
        if message is None:
            if state in self._provider.mistakes:
                raise self._provider.mistakes[state]
            raise NotExercised(f"needs the hook, --states: no message in state {state} is at hand")
        return message

    def provided(self, state: str) -> str | None:
        """Return a message in a state from the service's team; None if there is none of use."""
        with contextlib.suppress(Mistake):
            return self._provider.message(state, self._prober)
        return None

    def spare(self) -> str | None:
        """Return a message for a retry that must be refused, at best one that has failed.

        It reaches nobody: a faulty service would text a person. None if there is no such message.
        """
        if self._endpoint.expendable:
            message = self.provided(FAILURE)
            if message is not None:
                return message
        if not self._ready and (named := self._named(FAILURE, harmless=True)) is not None:
            self._ready.append(Failed(named, named=True))
        candidates = (*(message.id for message in self._ready), *self._retried)
        return next(filter(self.is_harmless, candidates), None)

    def note_retry(self, observation: Observation) -> None:
        """Remember a message whose retry was accepted."""
        if observation.exchange.succeeded:
            self._retried[observation.message] = None

    def is_simulated(self, observation: Observation) -> bool:
        """Return whether Retrieve showed, before the retry, a message to a simulator number."""
        return observation.before is not None and is_to_simulator(observation.before)

    def is_harmless(self, message: str) -> bool:
        """Return whether a retry of a message reaches nobody: by Retrieve, off this machine."""
        if self._endpoint.expendable:
            return True
        return is_to_simulator(self._prober.latest_retrieve(message))

    def wait_until_failed(self, message: str, since: Exchange | None = None) -> None:
        """Wait for a message to fail; once one was late, no other is waited for.

        `since` is the response to the retry after which it is to fail. Raises NotExercised if it
        does not.
        """
        patience = None if self.late is None else 0
        try:
            self._prober.wait_until_failed(message, patience, since=since)
        except NotExercised as late:
            self.late = self.late or late
            raise

    def _send_ahead(self) -> None:
        """Send messages that will fail, and wait for them."""
        first = self._endpoint.real_time and not self._retried
        while len(self._sent) < (self._ahead if first else 1):
            self._sent.append(Failed(*self._prober.simulate()))
        with contextlib.suppress(NotExercised):
            while self._sent:
                self.wait_until_failed(self._sent[0].id)
                self._ready.append(self._sent.pop(0))

    def _shown_of_named(self) -> str:
        """Return in brackets what Retrieve showed of the messages that were not taken."""
        latest = (
            self._prober.latest_retrieve(m) for m in self._endpoint.named if m not in self._taken
        )
        found = {found_in(shown) for shown in latest}
        return f" (Retrieve shows {', '.join(sorted(found))})" if found else ""

    def _named(self, state: str, *, harmless: bool) -> str | None:
        """Return the first of the named messages that Retrieve shows in a state, each once."""
        for message in self._endpoint.named:
            if message in self._taken or (harmless and not self.is_harmless(message)):
                continue
            if STATES[state].named(self._prober.latest_retrieve(message)):
                self._taken.add(message)
                return message
        return None
