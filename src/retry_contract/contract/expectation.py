"""Which contract a run expects, and which one it puts up with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import InvalidInstant, as_instant, show
from retry_contract.outcome import UsageError


@dataclass(frozen=True)
class Expectation:
    """The contract that responses are checked by.

    `tolerated` are the contracts that a transition lets be served too, as drift. `instant` is the
    one that the expectation was made for, or None if the contract was named. `as_served` says that
    it was read from what the service shows, so it says nothing about what should be.
    """

    catalogue: Catalogue
    contract: Contract
    tolerated: tuple[Contract, ...] = ()
    instant: datetime | None = None
    as_served: bool = False

    @property
    def why(self) -> str:
        """Say why this contract is expected, in a clause."""
        if self.instant is None:
            return f"{self.contract.name} was asked for"
        begin = self.contract.period.effective_from
        since = f" since {show(begin)}" if begin else " from the beginning"
        return f"{self.contract.name} is in force at {show(self.instant)},{since}"


def named(catalogue: Catalogue, name: str) -> Expectation:
    """Expect a contract by name or alias. Raises KeyError if there is none."""
    return Expectation(catalogue, catalogue[name])


def in_force(catalogue: Catalogue, when: str | datetime) -> Expectation:
    """Expect the contract in force at an instant, with the leniency of a transition.

    Raises InvalidInstant.
    """
    instant = as_instant(when)
    timeline = catalogue.timeline
    return Expectation(
        catalogue,
        catalogue.of(timeline.at(instant)),
        tuple(catalogue.of(p) for p in timeline.tolerated_at(instant)),
        instant,
    )


def expectations(
    catalogue: Catalogue, contract: str | None, on: str | None, *, default: str
) -> tuple[Expectation, ...]:
    """Return what is expected by the options --contract and --on. Raises UsageError."""
    choice = ("auto" if on is not None else default) if contract is None else contract
    if on is not None and choice != "auto":
        raise UsageError(f"--on goes with --contract auto, not with --contract {choice}")
    try:
        if choice == "auto":
            return (in_force(catalogue, datetime.now(UTC) if on is None else on),)
        names = list(catalogue) if choice == default else [choice]
        return tuple(named(catalogue, name) for name in names)
    except InvalidInstant as error:
        raise UsageError(f"--on: {error}") from None
    except KeyError:
        known = ", ".join([*(c.period.alias for c in catalogue.values()), "auto", default])
        shown = choice or "(empty)"
        raise UsageError(f"--contract {shown}: no such contract; use one of {known}") from None
