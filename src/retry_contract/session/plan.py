"""How each situation is brought about. A situation is observed once in a run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from retry_contract.contract.catalogue import Catalogue
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.timeline import Period, show
from retry_contract.exchange import Observation
from retry_contract.outcome import NotExercised
from retry_contract.rules import situations as s
from retry_contract.rules.delivery import FAILURE
from retry_contract.service.seeds import BATCH
from retry_contract.session.prober import Prober

if TYPE_CHECKING:
    from retry_contract.session.run import Run

UNKNOWN_MESSAGE = "message_00000000-0000-4000-8000-000000000000"
_WRONG_KEY = "key_test_00000000000000000000000000000000"
_METHODS = ("GET", "PUT", "PATCH", "DELETE")
_METHODS_HERE, _METHODS_ELSEWHERE = 2, 1
_MOST_RETRIES = 4
_ONE_SECOND = timedelta(seconds=1)

Step = Callable[["Run"], Iterator[Observation]]


def _accepted(run: Run) -> Iterator[Observation]:
    message, sent = run.prober.failed_message()
    yield run.prober.probe(s.ACCEPTED, message, sent=sent)


def _in_state(situation: str, state: str) -> Step:
    def step(run: Run) -> Iterator[Observation]:
        yield run.prober.probe(situation, run.prober.message_in(state))

    return step


def _unknown(run: Run) -> Iterator[Observation]:
    yield run.prober.probe(s.UNKNOWN, UNKNOWN_MESSAGE, known=False)


def _elsewhere(run: Run) -> Iterator[Observation]:
    message = run.prober.message_in("foreign")
    yield run.prober.probe(s.ELSEWHERE, message, known=False)


def _retried(run: Run) -> Observation:
    """Return the accepted retry, for what is to come after it."""
    (first,) = run.observe(s.ACCEPTED)
    if not first.exchange.succeeded:
        raise NotExercised("the first retry was not accepted")
    return first


def _retried_twice(run: Run) -> Iterator[Observation]:
    prober, message = run.prober, _retried(run).message
    if prober.endpoint.real_time:
        shown = prober.retrieve(message)
        if shown.members.get("latestStatus") == FAILURE:
            message = _retried_anew(prober)
    yield prober.probe(s.RETRIED_TWICE, message)


def _retried_anew(prober: Prober) -> str:
    """Retry another message, where that costs nothing, and return it."""
    message = prober.endpoint.message_in(FAILURE) if prober.endpoint.expendable else None
    if message is None or not prober.probe(s.ACCEPTED, message).exchange.succeeded:
        raise NotExercised("the message moved on")
    return message


def _attempts(run: Run) -> Iterator[Observation]:
    prober = run.prober
    if prober.endpoint.simulator is None:
        message = prober.message_in("attempts-spent")
        yield prober.probe(s.ATTEMPTS, message)
        return
    first = _retried(run)
    yield replace(first, situation=s.ATTEMPTS)
    left = _MOST_RETRIES - 1
    with contextlib.suppress(NotExercised):
        for second in run.observe(s.RETRIED_TWICE):
            if second.message == first.message and second.exchange.succeeded:
                yield replace(second, situation=s.ATTEMPTS)
                left -= 1
    if not prober.endpoint.expendable:
        run.announce(
            f"attempts-capped: the message to the simulator number will be retried up to "
            f"{left} times more"
        )
    for _ in range(left):
        prober.wait_until_failed(first.message)
        observation = prober.probe(s.ATTEMPTS, first.message)
        yield observation
        if not observation.exchange.succeeded:
            return


def _spare(run: Run) -> str:
    """Return a message for a retry that must be refused, at best one that has failed.

    Where a faulty service would text a person, it is one that has been retried already.
    """
    prober = run.prober
    message = prober.endpoint.message_in(FAILURE) if prober.endpoint.expendable else None
    if message is not None:
        return message
    (first,) = run.observe(s.ACCEPTED)
    return (prober.endpoint.expendable and prober.named_in(FAILURE)) or first.message


def _with_authorization(situation: str, write: Callable[[Prober], str | None]) -> Step:
    def step(run: Run) -> Iterator[Observation]:
        yield run.prober.probe(situation, _spare(run), authorization=write(run.prober))

    return step


def _foreign_campaign(run: Run) -> Iterator[Observation]:
    campaign = run.prober.endpoint.foreign_campaign
    if campaign is None:
        raise NotExercised("needs --foreign-campaign")
    message = run.prober.message_in("foreign")
    yield run.prober.probe(s.FOREIGN_CAMPAIGN, message, known=False, campaign=campaign)


def _wrong_method(run: Run) -> Iterator[Observation]:
    message = _spare(run)
    endpoint = run.prober.endpoint
    most = _METHODS_HERE if endpoint.expendable else _METHODS_ELSEWHERE
    for method in _METHODS[: most if endpoint.real_time else None]:
        yield run.prober.probe(s.WRONG_METHOD, message, known=False, method=method)


def _cutover(run: Run) -> Iterator[Observation]:
    """Retry a message one second before each cutover, and another at its very instant."""
    catalogue = run.expectation.catalogue
    for begin in _cutovers(tuple(catalogue.timeline), run.expectation.contract.period):
        twin = run.prober.endpoint.twin_at(begin - _ONE_SECOND)
        if twin is None:
            raise NotExercised(f"needs a clock that can be set to {show(begin)}")
        prober = Prober(twin, run.prober.listen)
        with contextlib.closing(twin):
            for instant in (begin - _ONE_SECOND, begin):
                observation = prober.probe(s.CUTOVER, prober.message_in("failure"), known=False)
                yield replace(observation, expected=_expected_at(instant, catalogue))
                twin.wait(_ONE_SECOND.total_seconds())
        run.add(prober.traffic)


def _cutovers(periods: tuple[Period, ...], own: Period) -> list[datetime]:
    index = periods.index(own)
    begins = (period.effective_from for period in periods[index : index + 2])
    return [begin for begin in begins if begin is not None]


def _expected_at(instant: datetime, catalogue: Catalogue) -> Expectation:
    return Expectation(catalogue, catalogue.of(catalogue.timeline.at(instant)), (), instant)


PLAN: dict[str, Step] = {
    s.ACCEPTED: _accepted,
    s.BATCH_ENQUEUED: _in_state(s.BATCH_ENQUEUED, BATCH + "messages_enqueued"),
    s.BATCH_ENQUEUING_FAILED: _in_state(
        s.BATCH_ENQUEUING_FAILED, BATCH + "messages_enqueuing_failed"
    ),
    s.UNKNOWN: _unknown,
    s.ELSEWHERE: _elsewhere,
    s.RETRIED_TWICE: _retried_twice,
    s.ATTEMPTS: _attempts,
    s.NO_KEY: _with_authorization(s.NO_KEY, lambda _: None),
    s.WRONG_KEY: _with_authorization(s.WRONG_KEY, lambda _: f"Bearer {_WRONG_KEY}"),
    s.WRONG_SCHEME: _with_authorization(s.WRONG_SCHEME, lambda p: f"Basic {p.endpoint.key}"),
    s.FOREIGN_CAMPAIGN: _foreign_campaign,
    s.WRONG_METHOD: _wrong_method,
    s.CUTOVER: _cutover,
    **{
        situation: _in_state(situation, status)
        for situation, status in zip(s.UNFAILED, s.UNFAILED_STATUSES, strict=True)
    },
    **{
        situation: _in_state(situation, BATCH + status)
        for situation, status in zip(s.BATCH_OTHER, s.OTHER_BATCH_STATUSES, strict=True)
    },
}
