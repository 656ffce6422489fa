"""The steps that set up each scenario and observe it."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.timeline import show
from retry_contract.exchange import Observation
from retry_contract.outcome import NotExercised
from retry_contract.rules import scenarios as s
from retry_contract.rules.delivery import (
    FAILURE,
    FEWEST_SENDS,
    MOST_SENDS,
    attempts_of,
    may_all_be_in_order,
    sends_before,
    was_in_order,
)
from retry_contract.rules.refusals import TOO_MANY
from retry_contract.service.seeds import SPENT
from retry_contract.verification.messages import SIMULATE, Messages
from retry_contract.verification.observer import Observer, Step
from retry_contract.verification.prober import Prober
from retry_contract.verification.refusal_steps import (
    created,
    foreign_campaign,
    malformed,
    observe_first,
    revoked_key,
    unknown,
    with_authorization,
    without_messages,
    wrong_method,
)
from retry_contract.verification.states import FOREIGN, STATES

_WRONG_KEY = "key_test_00000000000000000000000000000000"
_TOGETHER_ELSEWHERE = 4
"""How many retries are sent at once off this machine: fewer than the published five a second."""

_SAMPLES, _SECOND_RETRIES, _RETRIEVES = 3, 3, 10
_ONE_SECOND = timedelta(seconds=1)
_ALL_SPENT = (
    "each message was refused as one is that was tried 3 times, or that is in a batch: name "
    "another one with --message, or give --provision simulator"
)


def _accepted(observer: Observer) -> Iterator[Observation]:
    """Retry as many messages as were asked for: a deployment reaches one instance after another."""
    messages, asked, count = observer.messages, observer.samples, 0
    while count < (asked or _SAMPLES):
        try:
            message = messages.failed(harmless=bool(count and asked is None))
        except NotExercised:
            if count:
                return
            if observer.spent:
                raise NotExercised(_ALL_SPENT) from None
            raise
        observation = observer.prober.probe(s.ACCEPTED, message.id, sent=message.sent)
        if _is_spent(observation) or (message.named and _may_be_in_batch(observation)):
            observer.spent.append(observation)
            continue
        messages.note_retry(observation)
        yield observation
        count += 1


def _is_spent(observation: Observation) -> bool:
    """Return whether a message may be refused because it was tried too often.

    In the flat envelope a 400 does not say why.
    """
    exchange = observation.exchange
    often = sends_before(observation)[1] >= FEWEST_SENDS
    return often and exchange.status == 400 and exchange.error_code in (TOO_MANY, None)


def _may_be_in_batch(observation: Observation) -> bool:
    """Return whether a message may be refused for its batch, since Retrieve shows no batches.

    For such a batch no code is published, so any 400 may say it.
    """
    before = observation.before
    hidden = before is not None and before.succeeded and "batches" not in before.members
    return hidden and observation.exchange.status == 400


def _in_state(scenario: str, state: str, *, known: bool = True) -> Step:
    def step(observer: Observer) -> Iterator[Observation]:
        message = observer.messages.in_state(state)
        yield observer.prober.probe(scenario, message, known=known)

    return step


def _first_retry(observer: Observer) -> Observation:
    """Return the accepted retry, for what is to come after it."""
    first, *_ = observer.observe(s.ACCEPTED)
    if not first.exchange.succeeded:
        raise NotExercised("the first retry was not accepted")
    return first


def _retried_twice(observer: Observer) -> Iterator[Observation]:
    """Retry a message once more; then others twice, back to back, while it may have failed."""
    prober, message = observer.prober, _first_retry(observer).message
    if prober.retrieve(message).members.get("latestStatus") != FAILURE:
        observation = prober.probe(s.RETRIED_TWICE, message)
        yield observation
        if not _may_be_in_order(observation):
            return
    for _ in range(_SECOND_RETRIES):
        try:
            other = _failed_again(observer, message)
        except NotExercised:
            return
        observations = prober.probe_twice(s.RETRIED_TWICE, other)
        yield from observations
        if observations and not _may_be_in_order(observations[0]):
            return


def _failed_again(observer: Observer, message: str) -> str:
    """Return another failed message, or the same one if it has failed again below the cap."""
    prober, messages = observer.prober, observer.messages
    with contextlib.suppress(NotExercised):
        return messages.failed(harmless=True).id
    shown = prober.retrieve(message)
    attempts = attempts_of(shown) or ()
    failed = shown.members.get("latestStatus") == FAILURE and 0 < len(attempts) < FEWEST_SENDS
    if not failed or not messages.is_harmless(message):
        raise NotExercised("the message moved on")
    return message


def _may_be_in_order(second: Observation) -> bool:
    return second.exchange.succeeded and was_in_order(second)


def _attempts(observer: Observer) -> Iterator[Observation]:
    """Retry a message to a simulator number until it is refused, or one that is spent already."""
    first, reason = None, NotExercised(SIMULATE)
    try:
        first = _first_retry(observer)
    except NotExercised as error:
        reason = without_messages(observer, error)
    if first is not None and observer.messages.is_simulated(first):
        try:
            yield from list(_until_refused(observer, first))
            return
        except NotExercised as error:
            reason = error
    spent = [o for o in observer.spent if o.exchange.error_code == TOO_MANY]
    yield from (replace(o, scenario=s.ATTEMPTS) for o in spent)
    try:
        message = observer.messages.in_state(SPENT)
    except NotExercised:
        if not spent:
            raise reason from None
    else:
        yield replace(observer.prober.probe(s.ATTEMPTS, message), sends=MOST_SENDS)


def _until_refused(observer: Observer, first: Observation) -> Iterator[Observation]:
    """Yield the retries of one message, to the last that either reading of the cap may accept."""
    prober = observer.prober
    yield replace(first, scenario=s.ATTEMPTS)
    left = MOST_SENDS - sends_before(first)[0]
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
    latest = first.exchange
    for _ in range(left):
        observer.messages.wait_until_failed(first.message, since=latest)
        observation = prober.probe(s.ATTEMPTS, first.message)
        latest = observation.exchange
        yield observation
        if not observation.exchange.succeeded or sends_before(observation)[0] >= MOST_SENDS:
            return


def _concurrent(observer: Observer) -> Iterator[Observation]:
    """Retry one failed message, which reaches nobody, several times at once."""
    prober, messages = observer.prober, observer.messages
    observe_first(observer, s.ACCEPTED, s.RETRIED_TWICE)
    count = s.TOGETHER if prober.endpoint.expendable else _TOGETHER_ELSEWHERE
    for number in range(_SECOND_RETRIES):
        try:
            message = messages.failed(harmless=True)
        except NotExercised as error:
            if number:
                return
            raise without_messages(observer, error) from None
        together, failure = prober.probe_together(s.CONCURRENT, message.id, count)
        for observation in together:
            messages.note_retry(observation)
        yield from together
        if failure is not None:
            raise failure
        if sum(o.exchange.succeeded for o in together) <= 1 or not may_all_be_in_order(together):
            return


def _retrieved(observer: Observer) -> Iterator[Observation]:
    """Retrieve a message ten times, each on its own connection: that costs nobody anything."""
    if observer.prober.endpoint.real_time:
        message = observer.messages.known()
        for _ in range(_RETRIEVES):
            observer.prober.retrieve(message)
    yield from ()


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
        messages = Messages(prober)
        with contextlib.closing(twin):
            for instant in (begin - _ONE_SECOND, begin):
                message = messages.in_state(FAILURE)
                observation = prober.probe(s.CUTOVER, message, known=False)
                contract = contracts.of(contracts.timeline.at(instant))
                yield replace(observation, expected=Expectation(contracts, contract, (), instant))
                twin.wait(_ONE_SECOND.total_seconds())
        observer.add(prober.traffic)


_BY_STATE = {
    scenario: state.name
    for state in STATES.values()
    for scenario in state.scenarios
    if state.name not in (FAILURE, FOREIGN, SPENT, s.UNFAILED_STATUSES[0])
}
"""The state of the message that a scenario retries once, and nothing else is done."""


def _similar(key: str) -> str:
    """Return a key that differs in its last character."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


PLAN: dict[str, Step] = {
    s.ACCEPTED: _accepted,
    s.UNKNOWN: unknown,
    s.ELSEWHERE: _in_state(s.ELSEWHERE, FOREIGN, known=False),
    s.RETRIED_TWICE: _retried_twice,
    s.ATTEMPTS: _attempts,
    s.NO_KEY: with_authorization(s.NO_KEY, lambda _: None),
    s.WRONG_KEY: with_authorization(s.WRONG_KEY, lambda _: f"Bearer {_WRONG_KEY}"),
    s.SIMILAR_KEY: with_authorization(s.SIMILAR_KEY, lambda key: f"Bearer {_similar(key)}"),
    s.OTHER_CASE: with_authorization(s.OTHER_CASE, lambda key: f"Bearer {key.swapcase()}"),
    s.WRONG_SCHEME: with_authorization(s.WRONG_SCHEME, lambda key: f"Basic {key}"),
    s.NO_SCHEME: with_authorization(s.NO_SCHEME, lambda key: key),
    s.REVOKED_KEY: revoked_key,
    s.CONCURRENT: _concurrent,
    s.FOREIGN_CAMPAIGN: foreign_campaign,
    s.WRONG_METHOD: wrong_method,
    s.CUTOVER: _cutover,
    s.RETRIEVED: _retrieved,
    s.UNFAILED[0]: created,
    **{scenario: _in_state(scenario, state) for scenario, state in _BY_STATE.items()},
    **{scenario: malformed(scenario, id_) for scenario, id_ in s.MALFORMED_IDS.items()},
}
