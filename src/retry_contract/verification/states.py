"""The states that the service's team is asked for, and what the message in each must be like."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import show
from retry_contract.exchange import Exchange, instant_of
from retry_contract.privacy.descriptions import describe
from retry_contract.rules import scenarios as s
from retry_contract.rules.delivery import (
    FAILURE,
    FEWEST_SENDS,
    MOST_SENDS,
    RETRYABLE_BATCHES,
    attempts_of,
    batch_statuses,
)
from retry_contract.service.seeds import BATCH, BEFORE_CUTOVER, OTHER_CREATOR, SPECIAL, SPENT

FOREIGN = "foreign"
OTHER_BATCH = BATCH + "other"
_QUOTES, _BASIC_PLANE = "\"'", 0xFFFF

Holds = Callable[[Exchange], bool]


@dataclass(frozen=True)
class State:
    """A state by its name, and what its message is like, in words and as Retrieve shows it.

    `scenarios` are those that retry it. Of `named` messages, which a user lists without a word of
    their state, only those serve that Retrieve shows to be in it by every reading.
    """

    name: str
    about: str
    holds: Holds
    scenarios: tuple[str, ...]
    named: Holds

    @property
    def is_refused(self) -> bool:
        """Whether its retries must be refused: a faulty service would text the recipient."""
        return not {*self.scenarios} & {*s.ACCEPTED_RETRIES}


def _failed(shown: Exchange) -> bool:
    return shown.members.get("latestStatus") == FAILURE


def _of_status(status: str, *, in_open_batch: bool = False) -> Holds:
    return lambda shown: bool(
        shown.members.get("latestStatus") == status and (_in_open_batch(shown) or not in_open_batch)
    )


def _in_open_batch(shown: Exchange) -> bool:
    return all(status in RETRYABLE_BATCHES for status in batch_statuses(shown))


def _retryable(shown: Exchange) -> bool:
    """Return whether Retrieve shows a message whose retry must be accepted."""
    return _failed(shown) and _in_open_batch(shown) and tries(shown) < FEWEST_SENDS


def _in_batch(which: Callable[[object], bool]) -> Holds:
    return lambda shown: (
        _failed(shown) and tries(shown) < FEWEST_SENDS and any(map(which, batch_statuses(shown)))
    )


def _is_old(shown: Exchange) -> bool:
    created = instant_of(shown.members.get("createdAt"))
    cutover = catalogue().timeline.at(datetime.now(UTC)).effective_from
    begin = instant_of(show(cutover)) if cutover is not None else None
    return created is not None and begin is not None and created < begin


def _is_special(shown: Exchange) -> bool:
    values = shown.members.get("values")
    texts = [v for v in values.values() if isinstance(v, str)] if isinstance(values, dict) else []
    return any(c in _QUOTES or ord(c) > _BASIC_PLANE for text in texts for c in text)


def tries(shown: Exchange) -> int:
    """Return how many attempts a Retrieve lists."""
    return len(attempts_of(shown) or ())


def _state(
    name: str, about: str, holds: Holds, *scenarios: str, named: Holds | None = None
) -> State:
    return State(name, about, holds, scenarios, named or holds)


_FAILED = f"failed, tried fewer than {FEWEST_SENDS} times, and in no batch that permits no retry"

_ROWS = (
    _state(FAILURE, _FAILED, _retryable, *s.OF_FAILED),
    *(
        _state(
            status,
            f"of latestStatus {status}, and at rest",
            _of_status(status),
            scenario,
            named=_of_status(status, in_open_batch=True),
        )
        for status, scenario in zip(s.UNFAILED_STATUSES, s.UNFAILED, strict=True)
    ),
    *(
        _state(
            BATCH + status,
            f"failed, tried fewer than {FEWEST_SENDS} times, in a batch of status {status}",
            _in_batch(frozenset({status}).__contains__),
            scenario,
        )
        for status, scenario in (
            *zip(RETRYABLE_BATCHES, (s.BATCH_ENQUEUED, s.BATCH_ENQUEUING_FAILED), strict=True),
            *zip(s.OTHER_BATCH_STATUSES, s.BATCH_OTHER, strict=False),
        )
    ),
    _state(
        OTHER_BATCH,
        f"failed, tried fewer than {FEWEST_SENDS} times, in a batch of a status other than "
        + " and ".join(RETRYABLE_BATCHES),
        _in_batch(lambda found: found not in RETRYABLE_BATCHES),
        s.BATCH_OTHER[-1],
    ),
    _state(
        SPENT,
        f"failed, and tried as often as it may be: {FEWEST_SENDS} times, or {MOST_SENDS}",
        lambda shown: _failed(shown) and (tries(shown) >= FEWEST_SENDS or not attempts_of(shown)),
        s.ATTEMPTS,
        named=lambda shown: _failed(shown) and tries(shown) >= MOST_SENDS,
    ),
    _state(
        BEFORE_CUTOVER,
        f"{_FAILED}; created before the latest cutover",
        lambda shown: _retryable(shown) and _is_old(shown),
        s.BEFORE_CUTOVER,
    ),
    _state(
        OTHER_CREATOR,
        f"{_FAILED}; created by another user than the messages in the other states",
        _retryable,
        s.OTHER_CREATOR,
        named=lambda _: False,
    ),
    _state(
        SPECIAL,
        f"{_FAILED}; with an emoji or a quote in its values",
        lambda shown: _retryable(shown) and _is_special(shown),
        s.SPECIAL_VALUES,
    ),
    _state(
        FOREIGN,
        f"of the campaign given as --foreign-campaign: {_FAILED}",
        lambda _: True,  # in that campaign nothing but a retry is ever asked for
        s.ELSEWHERE,
        s.FOREIGN_CAMPAIGN,
        named=lambda _: False,
    ),
)
STATES = {row.name: row for row in _ROWS}
"""The states by name."""


def found_in(shown: Exchange) -> str:
    """Return in a few words what a Retrieve shows of a message's state."""
    if not shown.succeeded:
        return f"status {shown.status}"
    number, status = tries(shown), describe(shown.members.get("latestStatus"))
    return f"{status} in {number} tries" if number > 1 else status
