"""Which contract a run expects, and which others it tolerates."""

from dataclasses import dataclass
from datetime import UTC, datetime

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import InvalidInstant, as_instant, show
from retry_contract.outcome import UsageError


@dataclass(frozen=True)
class Expectation:
    """The contract that responses are validated by.

    `tolerated` are the contracts that a transition lets be served too, as drift. `instant` is when
    the contract is in force, or None if it was named. With `as_served`, the contract was read from
    what the service shows, so it says nothing about what should be served.
    """

    catalogue: Catalogue
    contract: Contract
    tolerated: tuple[Contract, ...] = ()
    instant: datetime | None = None
    as_served: bool = False

    @property
    def why(self) -> str:
        """Why this contract is expected, as a clause."""
        if self.instant is None:
            return f"{self.contract.name} was asked for"
        begin = self.contract.period.effective_from
        since = f" since {show(begin)}" if begin else " from the beginning"
        return f"{self.contract.name} is in force at {show(self.instant)},{since}"


def expect(catalogue: Catalogue, name: str) -> Expectation:
    """Expect a contract, by name or alias. Raises KeyError."""
    return Expectation(catalogue, catalogue[name])


def expect_at(catalogue: Catalogue, when: str | datetime) -> Expectation:
    """Expect the contract in force at an instant, and tolerate others. Raises InvalidInstant."""
    instant, timeline = as_instant(when), catalogue.timeline
    tolerated = tuple(map(catalogue.of, timeline.others_at(instant)))
    return Expectation(catalogue, catalogue.of(timeline.at(instant)), tolerated, instant)


def expectations(
    catalogue: Catalogue, contract: str | None, on: str | None, *, default: str
) -> tuple[Expectation, ...]:
    """Return what the options --contract and --on expect. Raises UsageError.

    `default` is the word for every contract, which also holds without an option.
    """
    choice = ("auto" if on is not None else default) if contract is None else contract
    if on is not None and choice != "auto":
        raise UsageError(f"--on goes with --contract auto, not with --contract {choice}")
    try:
        if choice == "auto":
            return (expect_at(catalogue, datetime.now(UTC) if on is None else on),)
        names = catalogue if choice == default else [choice]
        return tuple(expect(catalogue, name) for name in names)
    except InvalidInstant as error:
        raise UsageError(f"--on: {error}") from None
    except KeyError:
        last = "served" if default == "auto" else default
        known = ", ".join([*(c.period.alias for c in catalogue.values()), "auto", last])
        shown = choice or "(empty)"
        raise UsageError(f"--contract {shown}: no such contract; use one of {known}") from None
