"""Messages from the service's team: asked for by state, and looked at before they are used."""

import re
from collections.abc import Callable
from typing import Any

from retry_contract.exchange import Exchange
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import describe
from retry_contract.privacy.masks import mask_numbers
from retry_contract.privacy.user_errors import last_line, place_of
from retry_contract.service.seeds import OTHER_CREATOR
from retry_contract.verification import outage
from retry_contract.verification.prober import Prober
from retry_contract.verification.states import FOREIGN, STATES, found_in
from retry_contract.verification.states_file import HOOK

_ID = re.compile(r"[A-Za-z0-9._~-]+")
_SOON_HERE, _SOON = 2.0, 10.0
"""How many seconds a message that Retrieve does not show yet is waited for."""

_PAUSE = 0.05


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
        self._creators: set[str] = set()

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
            message = _ask(state, lambda: call(lambda: prober.endpoint.message_in(state)))
            if message is not None and prober.endpoint.real_time:
                self._check_new(state, message)
                if state != FOREIGN:  # in that campaign nothing but a retry is ever asked for
                    self._look(state, message, prober)
        except Mistake as mistake:
            self.mistakes.setdefault(state, mistake)
            raise
        return message

    def _check_new(self, state: str, message: str) -> None:
        if message in self._given:
            why = "which it has returned before; each call must return another message, or None"
            raise Mistake(f"{_hook(state)} returned {message}, {why}")
        self._given.add(message)

    def _look(self, state: str, message: str, prober: Prober) -> None:
        """Raise Mistake if Retrieve does not show a message to be as its state asks for."""
        shown = _shown(message, prober)
        wanted = STATES[state]
        creator = shown.members.get("creatorId")
        same = state == OTHER_CREATOR and creator in self._creators
        if shown.succeeded and wanted.holds(shown) and not same:
            if state != OTHER_CREATOR and isinstance(creator, str):
                self._creators.add(creator)
            return
        came = "of the same creatorId as the others" if same else found_in(shown)
        raise Mistake(
            f"{_hook(state)} returned {message}, which Retrieve shows as {came}; "
            f"it must be {wanted.about}"
        )


def _ask(state: str, ask: Callable[[], Any]) -> str | None:
    try:
        message = ask()
    except HookError as failure:
        place = place_of(failure.error)
        said = mask_numbers(last_line(failure.error).replace("\n", "; "))
        said += f" (at {place})" if place else ""
        raise Mistake(f"{_hook(state)} raised {said}") from failure.error
    if message is None:
        return None
    if not isinstance(message, str) or not _ID.fullmatch(message):
        is_text = isinstance(message, str)
        came = describe(message) if is_text else f"a value of type {type(message).__name__}"
        raise Mistake(f"{_hook(state)} returned {came}; give the id of a message, or None")
    return message


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
