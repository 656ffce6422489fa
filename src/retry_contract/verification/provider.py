"""Messages from the service's team: asked for by state, and looked at before they are used."""

from collections.abc import Callable
from typing import Any

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import describe
from retry_contract.privacy.user_errors import last_line, place_of
from retry_contract.privacy.words import mask_words
from retry_contract.rules.delivery import batch_statuses
from retry_contract.service.seeds import BATCH, OTHER_CREATOR
from retry_contract.verification import outage
from retry_contract.verification.prober import Prober, is_id, is_to_simulator
from retry_contract.verification.states import FOREIGN, STATES, found_in
from retry_contract.verification.states_file import HOOK

_SOON_HERE, _SOON = 2.0, 10.0
"""How many seconds a message that Retrieve does not show yet is waited for."""

_PAUSE = 0.05
_TO_A_PERSON = (
    "off this machine only a message to a simulator number is retried where that must be refused"
)


class Mistake(NotExercised):
    """What the hook did cannot be used; the message names the hook, the state and what it did."""


class HookError(Exception):
    """The hook raised `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Provider:
    """Asks the hook, once more for each message, until it makes a mistake in that state.

    `mistakes` are those by state.
    """

    def __init__(self) -> None:
        self.mistakes: dict[str, Mistake] = {}
        self._given: set[str] = set()

    def message(
        self,
        state: str,
        prober: Prober,
        call: Callable[[Callable[[], Any]], Any] = lambda ask: ask(),
    ) -> str | None:
        """Return a message in a state, looked at by Retrieve; None if the team has none.

        `call` calls the hook. Raises Mistake, and NotTested.
        """
        if state in self.mistakes:
            raise self.mistakes[state]
        try:
            message: str | None = call(lambda: self._ask(state, prober.endpoint))
            if message is not None and prober.endpoint.real_time:
                self._look(state, message, prober)
        except Mistake as mistake:
            self.mistakes.setdefault(state, mistake)
            raise
        return message

    def _ask(self, state: str, endpoint: Endpoint) -> str | None:
        """Return what the hook returns, if that is a new message or None. Raises Mistake."""
        message = _answer(state, endpoint)
        if message is not None and endpoint.real_time:
            if message in self._given:
                why = "which it has returned before; each call must return another message, or None"
                raise Mistake(f"{_hook(state)} returned {mask_words(message)}, {why}")
            self._given.add(message)
        return message

    def _look(self, state: str, message: str, prober: Prober) -> None:
        """Raise Mistake if Retrieve does not show a message to be as its state asks for."""
        wanted = STATES[state]
        if state == FOREIGN:  # in that campaign nothing but a retry is ever asked for
            _check_foreign(message, prober)
            return
        shown = _shown(message, prober)
        creator = shown.members.get("creatorId")
        same = state == OTHER_CREATOR and creator in _creators(prober, shown)
        if shown.succeeded and wanted.holds(shown) and not same:
            if not (prober.endpoint.expendable or not wanted.is_refused or is_to_simulator(shown)):
                raise NotExercised(_TO_A_PERSON)
            return
        came = "of the same creatorId as the others" if same else found_in(shown)
        if shown.succeeded and state.startswith(BATCH) and not batch_statuses(shown):
            came += " in no batch"
        raise Mistake(
            f"{_hook(state)} returned {mask_words(message)}, which Retrieve shows as {came}; "
            f"it must be {wanted.about}"
        )


def _answer(state: str, endpoint: Endpoint) -> str | None:
    try:
        message: Any = endpoint.message_in(state)
    except HookError as failure:
        place = place_of(failure.error)
        said = mask_words(last_line(failure.error).replace("\n", "; "))
        said += f" (at {place})" if place else ""
        raise Mistake(f"{_hook(state)} raised {said}") from failure.error
    if message is None:
        return None
    is_text = type(message) is str  # others may show themselves as something else
    if not is_text or not is_id(message):
        came = describe(message) if is_text else f"a value of type {type(message).__name__}"
        raise Mistake(f"{_hook(state)} returned {came}; give the id of a message, or None")
    return str(message)


def _creators(prober: Prober, but: Exchange) -> list[Any]:
    """Return the creators of the messages that were shown so far, but for one."""
    others = (e.members for e in prober.exchanges if e.succeeded and e.path != but.path)
    return [members["creatorId"] for members in others if "creatorId" in members]


def _check_foreign(message: str, prober: Prober) -> None:
    """Raise Mistake if Retrieve shows a message to be of the campaign that is tested."""
    shown = prober.retrieve_if_there(message)
    if shown.succeeded and shown.members.get("campaignId") == prober.endpoint.campaign:
        came = f"returned {mask_words(message)}, which is of the campaign that is tested"
        raise Mistake(f"{_hook(FOREIGN)} {came}; it must be {STATES[FOREIGN].about}")


def _hook(state: str) -> str:
    return f'{HOOK}("{state}")'


def _shown(message: str, prober: Prober) -> Exchange:
    """Retrieve a message, again and again while it is not there yet."""
    waited, patience = 0.0, _SOON_HERE if prober.endpoint.expendable else _SOON
    while True:
        try:
            shown = prober.retrieve(message)
        except outage.NoSuchMessage:
            shown = prober.exchanges[-1]
        if shown.status != 404 or waited >= patience:
            return shown
        prober.wait(_PAUSE)
        waited += _PAUSE
