"""The steps that set up each scenario and observe it."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.timeline import show
from retry_contract.endpoint.guard import is_plain
from retry_contract.exchange import Observation
from retry_contract.outcome import NotExercised, NotTested
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
from retry_contract.verification.prober import NOT_SIMULATED, Prober
from retry_contract.verification.provider import Mistake
from retry_contract.verification.states import FOREIGN, STATES

UNKNOWN_MESSAGE = "message_00000000-0000-4000-8000-000000000000"
UNKNOWN_CAMPAIGN = "campaign_00000000-0000-4000-8000-000000000000"
_WRONG_KEY = "key_test_00000000000000000000000000000000"
_METHODS_HERE, _METHODS_ELSEWHERE = ("GET", "HEAD", "PUT", "PATCH", "DELETE"), ("GET", "HEAD")
_TOGETHER_HERE, _TOGETHER_ELSEWHERE = 8, 4
"""How many retries are sent at once; elsewhere fewer than the five a second that are published."""

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


def _created(observer: Observer) -> Iterator[Observation]:
    """Retry a message that was not yet sent on: one at hand, or one that is sent just now."""
    prober, scenario = observer.prober, s.UNFAILED[0]
    try:
        yield prober.probe(scenario, observer.messages.in_state(s.UNFAILED_STATUSES[0]))
    except NotExercised:
        message, sent = prober.simulate()
        if not observer.messages.is_harmless(message):
            raise NotTested(NOT_SIMULATED) from None
        yield prober.probe_at_once(scenario, message, sent, sends=1)


def _unknown(observer: Observer) -> Iterator[Observation]:
    yield observer.prober.probe(s.UNKNOWN, UNKNOWN_MESSAGE, known=False)


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
        reason = _without_messages(observer, error)
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


def _without_messages(observer: Observer, error: NotExercised) -> NotExercised:
    """Return why there is no message: that none was simulated, if none was to be."""
    simulates = observer.prober.endpoint.simulator is not None
    return error if simulates or isinstance(error, Mistake) else NotExercised(SIMULATE)


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
    for _ in range(left):
        observer.messages.wait_until_failed(first.message)
        observation = prober.probe(s.ATTEMPTS, first.message)
        yield observation
        if not observation.exchange.succeeded or sends_before(observation)[0] >= MOST_SENDS:
            return


def _spare(observer: Observer) -> str:
    """Return a message for a retry that must be refused, once the accepted ones have theirs."""
    reason = None
    try:
        observer.observe(s.ACCEPTED)
    except NotExercised as error:
        reason = error
    message = observer.messages.spare()
    if message is None:
        raise reason or NotExercised("the first retry was not accepted")
    return message


def _with_authorization(scenario: str, write: Callable[[str], str | None]) -> Step:
    """Return the step of a retry with another Authorization header, written from the key."""

    def step(observer: Observer) -> Iterator[Observation]:
        message, key = _spare(observer), observer.prober.endpoint.key
        yield observer.prober.probe(scenario, message, authorization=write(key))

    return step


def _foreign_campaign(observer: Observer) -> Iterator[Observation]:
    """Ask for a message in a campaign of another key, and here in one that does not exist too."""
    prober, endpoint = observer.prober, observer.prober.endpoint
    campaign, own, reason = endpoint.foreign_campaign, None, NotExercised(SIMULATE)
    try:
        own = _spare(observer)
    except NotExercised as error:
        reason = _without_messages(observer, error)
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


def _revoked_key(observer: Observer) -> Iterator[Observation]:
    key = observer.prober.endpoint.revoked_key
    if key is None:
        raise NotExercised("needs RETRY_CONTRACT_REVOKED_KEY")
    message = _spare(observer)
    yield observer.prober.probe(s.REVOKED_KEY, message, authorization=f"Bearer {key}")


def _concurrent(observer: Observer) -> Iterator[Observation]:
    """Retry one failed message, which reaches nobody, several times at once."""
    prober, messages = observer.prober, observer.messages
    count = _TOGETHER_HERE if prober.endpoint.expendable else _TOGETHER_ELSEWHERE
    for number in range(_SECOND_RETRIES):
        try:
            message = messages.failed(harmless=True)
        except NotExercised as error:
            if number:
                return
            raise _without_messages(observer, error) from None
        together = prober.probe_together(s.CONCURRENT, message.id, count)
        for observation in together:
            messages.note_retry(observation)
        yield from together
        if sum(o.exchange.succeeded for o in together) <= 1 or not may_all_be_in_order(together):
            return


def _malformed(scenario: str, id_: str) -> Step:
    def step(observer: Observer) -> Iterator[Observation]:
        if not observer.prober.endpoint.expendable and not is_plain(id_):
            raise NotExercised("such an id is asked for on this machine only")
        yield observer.prober.probe(scenario, id_, known=False)

    return step


def _wrong_method(observer: Observer) -> Iterator[Observation]:
    message, expendable = _spare(observer), observer.prober.endpoint.expendable
    for method in _METHODS_HERE if expendable else _METHODS_ELSEWHERE:
        yield observer.prober.probe(s.WRONG_METHOD, message, method=method)


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

PLAN: dict[str, Step] = {
    s.ACCEPTED: _accepted,
    s.UNKNOWN: _unknown,
    s.ELSEWHERE: _in_state(s.ELSEWHERE, FOREIGN, known=False),
    s.RETRIED_TWICE: _retried_twice,
    s.ATTEMPTS: _attempts,
    s.NO_KEY: _with_authorization(s.NO_KEY, lambda _: None),
    s.WRONG_KEY: _with_authorization(s.WRONG_KEY, lambda _: f"Bearer {_WRONG_KEY}"),
    s.WRONG_SCHEME: _with_authorization(s.WRONG_SCHEME, lambda key: f"Basic {key}"),
    s.NO_SCHEME: _with_authorization(s.NO_SCHEME, lambda key: key),
    s.REVOKED_KEY: _revoked_key,
    s.CONCURRENT: _concurrent,
    s.FOREIGN_CAMPAIGN: _foreign_campaign,
    s.WRONG_METHOD: _wrong_method,
    s.CUTOVER: _cutover,
    s.RETRIEVED: _retrieved,
    s.UNFAILED[0]: _created,
    **{scenario: _in_state(scenario, state) for scenario, state in _BY_STATE.items()},
    **{scenario: _malformed(scenario, id_) for scenario, id_ in s.MALFORMED_IDS.items()},
}
