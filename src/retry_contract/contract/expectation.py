"""Which contract a run expects, and which others it tolerates."""

from dataclasses import dataclass
from datetime import UTC, datetime

from retry_contract.choices import unknown_name
from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import InvalidInstant, as_instant, show
from retry_contract.outcome import UsageError


@dataclass(frozen=True)
class Expectation:
    """The contract that responses are validated by.

    `tolerated` are those that a transition lets be served too, as drift. `instant` is when it is in
    force; None if it was named. `as_served` says that it was read from what the service shows.
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
    catalogue: Catalogue,
    contract: str | None,
    on: str | None,
    *,
    default: str,
    every: str | None = None,
) -> tuple[Expectation, ...]:
    """Return what the options --contract and --on expect. Raises UsageError.

    `default` holds without an option. `every` is the word for all contracts, where there is one.
    """
    choice = ("auto" if on is not None else default) if contract is None else contract
    if on is not None and choice != "auto":
        raise UsageError(f"--on goes with --contract auto, not with --contract {choice}")
    try:
        if choice == "auto":
            return (expect_at(catalogue, datetime.now(UTC) if on is None else on),)
        names = catalogue if choice == every else [choice]
        return tuple(expect(catalogue, name) for name in names)
    except InvalidInstant as error:
        raise UsageError(f"--on: {error}") from None
    except KeyError:
        known = [*(c.period.alias for c in catalogue.values()), "auto", every or "served"]
        said = unknown_name("contract", choice or "(empty)", known, also=catalogue)
        raise UsageError(f"--contract {said}") from None
