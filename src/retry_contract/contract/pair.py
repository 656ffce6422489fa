"""The newest contract, the one before it, and which fields are new."""

import functools
from dataclasses import dataclass
from datetime import datetime

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.contract.timeline import Timeline


@dataclass(frozen=True)
class Pair:
    """Two contracts with no other between them."""

    old: Contract
    new: Contract

    @functools.cached_property
    def new_fields(self) -> tuple[str, ...]:
        """The names of the fields that only the newer contract has."""
        return tuple(f for f in self.new.fields() if f not in self.old.fields())

    @functools.cached_property
    def fields(self) -> dict[str, Contract]:
        """The fields of both, each with the newest contract that has it."""
        newer, older = dict.fromkeys(self.new.fields(), self.new), self.old.fields()
        return {**newer, **{name: self.old for name in older if name not in newer}}

    def current_contracts(self, timeline: Timeline, now: datetime) -> frozenset[str]:
        """Return the names of the contracts that code must read: those of now, and the newest."""
        tolerated = (period.name for period in timeline.others_at(now))
        return frozenset({self.new.name, timeline.at(now).name, *tolerated})


def newest_pair(contracts: Catalogue) -> Pair:
    """Return the newest contract and the one before it."""
    return Pair(*list(contracts.values())[-2:])
