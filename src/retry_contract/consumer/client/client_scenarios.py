"""The scenarios of a client, and which of them count."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from retry_contract.contract.pair import Pair
from retry_contract.contract.timeline import Timeline
from retry_contract.service.stage import Call
from retry_contract.service.staged_calls import CUTOVER, DRIPS, PAIRED, calls_by_scenario


@dataclass(frozen=True)
class Scenario:
    """One scenario: its name, the contract that it is about, and its calls in turn.

    `older` is another contract that some of its calls meet. One that is `shown_only` never counts.
    """

    name: str
    of: str
    calls: tuple[Call, ...]
    older: str | None = None
    shown_only: bool = False

    def counts(self, served: Set[str], *, reads_old: bool) -> bool:
        """Say whether it counts, where some contracts are served.

        A client need not read an older contract that nothing serves; if it does, it must go on to.
        """
        older = self.older is None or self.older in served or reads_old
        return self.of in served and older and not self.shown_only


def scenarios(pair: Pair, timeline: Timeline) -> tuple[Scenario, ...]:
    """Return the scenarios, beginning with an accepted retry by each contract."""
    old, new, of_old = pair.old.name, pair.new.name, (pair.old.period.alias, PAIRED)
    return tuple(
        Scenario(n, old if n in of_old else new, c, old if n == CUTOVER else None, n == DRIPS)
        for n, c in calls_by_scenario(pair, timeline).items()
    )
