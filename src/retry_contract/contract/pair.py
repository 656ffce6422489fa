"""Two contracts with nothing between them, and what the newer one added."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import Timeline


@dataclass(frozen=True)
class Pair:
    """The newest contract, and the one before it."""

    old: Contract
    new: Contract

    @functools.cached_property
    def added(self) -> tuple[str, ...]:
        """The names of the fields that the newer one added."""
        return tuple(f for f in self.new.fields() if f not in self.old.fields())

    @functools.cached_property
    def fields(self) -> dict[str, Contract]:
        """The fields of both, each with the contract that says what it holds."""
        newer, older = dict.fromkeys(self.new.fields(), self.new), self.old.fields()
        return {**newer, **{name: self.old for name in older if name not in newer}}

    def served(self, timeline: Timeline, now: datetime) -> frozenset[str]:
        """Return the contracts that code must read: not one that nothing serves any more."""
        tolerated = (period.name for period in timeline.tolerated_at(now))
        return frozenset({self.new.name, timeline.at(now).name, *tolerated})


def newest_pair(contracts: Catalogue) -> Pair:
    """Return the newest contract and the one before it."""
    old, new = list(contracts.values())[-2:]
    return Pair(old, new)
