"""The steps of the scenarios in which a retry must be refused."""

import contextlib
from collections.abc import Callable, Iterator

from retry_contract.exchange import Observation
from retry_contract.outcome import NotExercised, NotTested
from retry_contract.rules import scenarios as s
from retry_contract.verification.messages import SIMULATE
from retry_contract.verification.observer import Observer, Step
from retry_contract.verification.prober import NOT_SIMULATED
from retry_contract.verification.provider import Mistake
from retry_contract.verification.sender import NoResponse
from retry_contract.verification.states import FOREIGN

UNKNOWN_MESSAGE = "message_00000000-0000-4000-8000-000000000000"
UNKNOWN_CAMPAIGN = "campaign_00000000-0000-4000-8000-000000000000"
_METHODS_HERE, _METHODS_ELSEWHERE = ("GET", "HEAD", "PUT", "PATCH", "DELETE"), ("GET", "HEAD")


def created(observer: Observer) -> Iterator[Observation]:
    """Retry a message that was not yet sent on: one at hand, or one that is sent just now."""
    prober, scenario = observer.prober, s.UNFAILED[0]
    try:
        yield prober.probe(scenario, observer.messages.in_state(s.UNFAILED_STATUSES[0]))
    except NotExercised as error:
        if prober.endpoint.simulator is None and isinstance(error, Mistake):
            raise
        message, sent = prober.simulate()
        if not observer.messages.is_harmless(message):
            raise NotTested(NOT_SIMULATED) from None
        yield prober.probe_at_once(scenario, message, sent, sends=1)


def unknown(observer: Observer) -> Iterator[Observation]:
    """Retry a message that does not exist."""
    yield observer.prober.probe(s.UNKNOWN, UNKNOWN_MESSAGE, known=False)


def without_messages(observer: Observer, error: NotExercised) -> NotExercised:
    """Return why there is no message: that none was simulated, if none was to be."""
    simulates = observer.prober.endpoint.simulator is not None
    return error if simulates or isinstance(error, Mistake) else NotExercised(SIMULATE)


def spare(observer: Observer) -> str:
    """Return a message for a retry that must be refused, once the accepted ones have theirs."""
    reason, endpoint = None, observer.prober.endpoint
    try:
        observer.observe(s.ACCEPTED)
    except NotExercised as error:
        reason = error
    if endpoint.asks_team and endpoint.expendable:  # it gives a failed one, and there may be few
        observe_first(observer, s.RETRIED_TWICE, s.CONCURRENT)
    message = observer.messages.spare()
    if message is None:
        raise reason or NotExercised("the first retry was not accepted")
    return message


def _spare_or_unknown(observer: Observer) -> tuple[str, bool]:
    """Return a message for a retry that must be refused, and whether there is such a message.

    Off this machine, where none reaches nobody, it is one that does not exist.
    """
    try:
        return spare(observer), True
    except NotExercised:
        if observer.prober.endpoint.expendable:
            raise
        return UNKNOWN_MESSAGE, False


def with_authorization(scenario: str, write: Callable[[str], str | None]) -> Step:
    """Return the step of a retry with another Authorization header, written from the key."""

    def step(observer: Observer) -> Iterator[Observation]:
        key = observer.prober.endpoint.key
        written = write(key)
        if written == f"Bearer {key}":
            raise NotExercised("the key has no letters, and so no other case")
        message, known = _spare_or_unknown(observer)
        yield observer.prober.probe(scenario, message, known=known, authorization=written)

    return step


def foreign_campaign(observer: Observer) -> Iterator[Observation]:
    """Ask for a message in a campaign of another key, and here in one that does not exist too."""
    prober, endpoint = observer.prober, observer.prober.endpoint
    campaign, own, reason = endpoint.foreign_campaign, None, NotExercised(SIMULATE)
    try:
        own = spare(observer)
    except NotExercised as error:
        reason = without_messages(observer, error)
    if own is not None and endpoint.expendable:
        yield prober.probe(s.UNKNOWN_CAMPAIGN, own, known=False, campaign=UNKNOWN_CAMPAIGN)
    if campaign is None:
        raise NotExercised("needs --foreign-campaign")
    provided = observer.messages.provided(FOREIGN)
    if provided is not None:
        yield prober.probe(s.FOREIGN_CAMPAIGN, provided, known=False, campaign=campaign)
    if own is not None and observer.messages.is_harmless(own):
        yield prober.probe(s.FOREIGN_CAMPAIGN, own, known=False, campaign=campaign)
    elif provided is None:
        raise reason


def revoked_key(observer: Observer) -> Iterator[Observation]:
    """Retry a message with a key that was revoked."""
    key = observer.prober.endpoint.revoked_key
    if key is None:
        raise NotExercised("needs RETRY_CONTRACT_REVOKED_KEY")
    message, known = _spare_or_unknown(observer)
    written = f"Bearer {key}"
    yield observer.prober.probe(s.REVOKED_KEY, message, known=known, authorization=written)


def observe_first(observer: Observer, *scenarios: str) -> None:
    """Observe scenarios that have the first messages, in whatever order rules are checked."""
    for scenario in scenarios:
        with contextlib.suppress(NotExercised):
            observer.observe(scenario)


def malformed(scenario: str, id_: str) -> Step:
    """Return the step of the retry of an id that no message can have."""

    def step(observer: Observer) -> Iterator[Observation]:
        if not observer.prober.endpoint.expendable and scenario in s.MALFORMED_HERE:
            raise NotExercised("such an id is asked for on this machine only")
        try:
            yield observer.prober.probe(scenario, id_, known=False)
        except NoResponse as lost:  # some servers drop such a request; nothing can come of it
            observer.prober.retrieve(observer.messages.known())
            raise NotExercised(f"no response to such an id: {lost}") from lost

    return step


def wrong_method(observer: Observer) -> Iterator[Observation]:
    """Ask for a retry by every other method that harms nobody."""
    (message, known), prober = _spare_or_unknown(observer), observer.prober
    for method in _METHODS_HERE if prober.endpoint.expendable else _METHODS_ELSEWHERE:
        yield prober.probe(s.WRONG_METHOD, message, known=known, method=method)
