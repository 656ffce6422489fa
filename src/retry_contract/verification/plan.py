"""The steps that set up each scenario and observe it."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.timeline import show
from retry_contract.exchange import Observation
from retry_contract.outcome import NotExercised
from retry_contract.rules import scenarios as s
from retry_contract.rules.delivery import FAILURE
from retry_contract.service.seeds import BATCH
from retry_contract.verification.observer import Observer, Step
from retry_contract.verification.prober import Prober

UNKNOWN_MESSAGE = "message_00000000-0000-4000-8000-000000000000"
_WRONG_KEY = "key_test_00000000000000000000000000000000"
_METHODS = ("GET", "PUT", "PATCH", "DELETE")
_METHODS_HERE, _METHODS_ELSEWHERE = 2, 1
_MOST_RETRIES = 4
_ONE_SECOND = timedelta(seconds=1)


def _accepted(observer: Observer) -> Iterator[Observation]:
    message, sent = observer.prober.failed_message()
    yield observer.prober.probe(s.ACCEPTED, message, sent=sent)


def _in_state(scenario: str, state: str, *, known: bool = True) -> Step:
    def step(observer: Observer) -> Iterator[Observation]:
        message = observer.prober.message_in(state)
        yield observer.prober.probe(scenario, message, known=known)

    return step


def _unknown(observer: Observer) -> Iterator[Observation]:
    yield observer.prober.probe(s.UNKNOWN, UNKNOWN_MESSAGE, known=False)


def _first_retry(observer: Observer) -> Observation:
    """Return the accepted retry, for what is to come after it."""
    (first,) = observer.observe(s.ACCEPTED)
    if not first.exchange.succeeded:
        raise NotExercised("the first retry was not accepted")
    return first


def _retried_twice(observer: Observer) -> Iterator[Observation]:
    prober, message = observer.prober, _first_retry(observer).message
    if prober.endpoint.real_time:
        shown = prober.retrieve(message)
        if shown.members.get("latestStatus") == FAILURE:
            message = _retry_another(prober)
    yield prober.probe(s.RETRIED_TWICE, message)


def _retry_another(prober: Prober) -> str:
    """Retry another message, where that costs nothing, and return it."""
    message = prober.endpoint.message_in(FAILURE) if prober.endpoint.expendable else None
    if message is None or not prober.probe(s.ACCEPTED, message).exchange.succeeded:
        raise NotExercised("the message moved on")
    return message


def _attempts(observer: Observer) -> Iterator[Observation]:
    prober = observer.prober
    if prober.endpoint.simulator is None:
        try:
            yield prober.probe(s.ATTEMPTS, prober.message_in("attempts-spent"))
        except NotExercised:
            raise NotExercised("needs --provision simulator") from None
        return
    first = _first_retry(observer)
    yield replace(first, scenario=s.ATTEMPTS)
    left = _MOST_RETRIES - 1
    with contextlib.suppress(NotExercised):
        for second in observer.observe(s.RETRIED_TWICE):
            if second.message == first.message and second.exchange.succeeded:
                yield replace(second, scenario=s.ATTEMPTS)
                left -= 1
    if not prober.endpoint.expendable:
        observer.announce(
            f"attempts-capped: the message to the simulator number will be retried up to "
            f"{left} times more"
        )
    for _ in range(left):
        prober.wait_until_failed(first.message)
        observation = prober.probe(s.ATTEMPTS, first.message)
        yield observation
        if not observation.exchange.succeeded:
            return


def _spare(observer: Observer) -> str:
    """Return a message for a retry that must be refused, at best one that has failed.

    Where a faulty service would text a person, it is one that has been retried already.
    """
    prober = observer.prober
    message = prober.endpoint.message_in(FAILURE) if prober.endpoint.expendable else None
    if message is not None:
        return message
    (first,) = observer.observe(s.ACCEPTED)
    return (prober.endpoint.expendable and prober.named_message(FAILURE)) or first.message


def _with_authorization(scenario: str, write: Callable[[str], str | None]) -> Step:
    """Return the step of a retry with another Authorization header, written from the key."""

    def step(observer: Observer) -> Iterator[Observation]:
        message, key = _spare(observer), observer.prober.endpoint.key
        yield observer.prober.probe(scenario, message, authorization=write(key))

    return step


def _foreign_campaign(observer: Observer) -> Iterator[Observation]:
    campaign = observer.prober.endpoint.foreign_campaign
    if campaign is None:
        raise NotExercised("needs --foreign-campaign")
    message = observer.prober.message_in("foreign")
    yield observer.prober.probe(s.FOREIGN_CAMPAIGN, message, known=False, campaign=campaign)


def _wrong_method(observer: Observer) -> Iterator[Observation]:
    message, endpoint = _spare(observer), observer.prober.endpoint
    most = _METHODS_HERE if endpoint.expendable else _METHODS_ELSEWHERE
    for method in _METHODS[: most if endpoint.real_time else None]:
        yield observer.prober.probe(s.WRONG_METHOD, message, known=False, method=method)


def _cutover(observer: Observer) -> Iterator[Observation]:
    """Retry a message one second before each cutover of the contract, another at its instant."""
    contracts = observer.expectation.catalogue
    periods = list(contracts.timeline)
    own = periods.index(observer.expectation.contract.period)
    for begin in (period.effective_from for period in periods[own : own + 2]):
        if begin is None:
            continue
        twin = observer.prober.endpoint.twin_at(begin - _ONE_SECOND)
        if twin is None:
            raise NotExercised(f"needs a clock that can be set to {show(begin)}")
        prober = Prober(twin, observer.prober.listen)
        with contextlib.closing(twin):
            for instant in (begin - _ONE_SECOND, begin):
                observation = prober.probe(s.CUTOVER, prober.message_in(FAILURE), known=False)
                contract = contracts.of(contracts.timeline.at(instant))
                yield replace(observation, expected=Expectation(contracts, contract, (), instant))
                twin.wait(_ONE_SECOND.total_seconds())
        observer.add(prober.traffic)


_STATES = {
    s.BATCH_ENQUEUED: BATCH + "messages_enqueued",
    s.BATCH_ENQUEUING_FAILED: BATCH + "messages_enqueuing_failed",
    **dict(zip(s.UNFAILED, s.UNFAILED_STATUSES, strict=True)),
    **dict(zip(s.BATCH_OTHER, (BATCH + status for status in s.OTHER_BATCH_STATUSES), strict=True)),
}
"""The state of the message that a scenario retries."""

PLAN: dict[str, Step] = {
    s.ACCEPTED: _accepted,
    s.UNKNOWN: _unknown,
    s.ELSEWHERE: _in_state(s.ELSEWHERE, "foreign", known=False),
    s.RETRIED_TWICE: _retried_twice,
    s.ATTEMPTS: _attempts,
    s.NO_KEY: _with_authorization(s.NO_KEY, lambda _: None),
    s.WRONG_KEY: _with_authorization(s.WRONG_KEY, lambda _: f"Bearer {_WRONG_KEY}"),
    s.WRONG_SCHEME: _with_authorization(s.WRONG_SCHEME, lambda key: f"Basic {key}"),
    s.FOREIGN_CAMPAIGN: _foreign_campaign,
    s.WRONG_METHOD: _wrong_method,
    s.CUTOVER: _cutover,
    **{scenario: _in_state(scenario, state) for scenario, state in _STATES.items()},
}
