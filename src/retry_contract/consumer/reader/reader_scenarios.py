"""The scenarios of a reader, and what counts as a failure in each: docs/consumer.md."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from retry_contract.consumer.compare import Difference, differences
from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.contract.catalogue import Pair
from retry_contract.fuzz.pairs import Case
from retry_contract.fuzz.payloads import Payload
from retry_contract.privacy.descriptions import cut
from retry_contract.privacy.scrubber import map_texts

MOST_HELD, _AT_A_TIME = 64 * 2**20, 1_000
"""How much is held of all that was read, in characters; how many payloads are asked for in one go.
"""


class Readings:
    """The attempts at each payload, asked for once, without what `scrub` takes out.

    Once it `is_full`, no more are asked for.
    """

    def __init__(
        self, ask: Callable[[Sequence[str]], list[Attempt | None]], scrub: Callable[[str], str]
    ) -> None:
        self._ask, self._scrub = ask, scrub
        self._known, self._hung = dict[str, Attempt | None](), set[str]()
        self._held = 0

    @property
    def is_full(self) -> bool:
        """Whether no more can be held."""
        return self._held > MOST_HELD

    def learn(self, payloads: Iterable[Payload], of: str = "") -> None:
        """Ask for the payloads that are not known yet, in one go."""
        new = [line for line in dict.fromkeys(map(_line, payloads)) if line not in self._known]
        for at in range(0, len(new), _AT_A_TIME):
            lines = new[at : at + _AT_A_TIME]
            found = self._run(lines, of)
            self._held += sum(attempt.size for attempt in found if attempt)
            self._known.update(zip(lines, found, strict=False))

    def repeat(self, payload: Payload, times: int, of: str = "") -> list[Attempt | None]:
        """Ask for one payload several times, but not for one that hung."""
        attempts = self._run([_line(payload)] * times, of)
        if failed := next((attempt for attempt in attempts if attempt and attempt.error), None):
            self._known.setdefault(_line(payload), failed)
        return attempts

    def of(self, payload: Payload) -> Attempt | None:
        """Return the attempt at a payload; None if it was not tried."""
        return self._known.get(_line(payload))

    def _run(self, lines: list[str], of: str) -> list[Attempt | None]:
        """Ask for lines; of one contract, for no more once one hung: it takes long."""
        if not lines or of in self._hung or self.is_full:
            return []
        attempts = [a and self._safe(a) for a in self._ask(lines)]
        if any(a and a.ending is Ending.HUNG for a in attempts):
            self._hung.add(of)
        return attempts

    def _safe(self, attempt: Attempt) -> Attempt:
        """Take a secret out before anything is cut off or compared."""
        whole = json.dumps([attempt.error, attempt.read])
        if self._scrub(whole) != whole:
            attempt = map_texts(attempt, self._scrub)
        return replace(attempt, error=cut(attempt.error)) if attempt.error else attempt


def _line(payload: Payload) -> str:
    return json.dumps(payload, separators=(",", ":"))


@dataclass(frozen=True)
class Failure:
    """A case that a reader failed: the payload, the attempt at it, and the places that differ."""

    case: Case
    payload: Payload
    attempt: Attempt
    places: tuple[Difference, ...] = ()

    @property
    def is_of_others(self) -> bool:
        """Whether the payload is read well alone: a process crashed that had read others."""
        return self.attempt.is_read and bool(self.attempt.error) and not self.places

    @property
    def sort(self) -> str:
        """What the same failure has in common on a smaller payload."""
        return "differs" if self.places else self.attempt.sort


@dataclass(frozen=True)
class Scenario:
    """One scenario: which payloads of a case it shows, and whether it `compares` how two are read.

    `of` names the contract that it is about. `added` are the values that the second payload has
    more. A break counts if `breaks_count`, and on an older response if `older_counts`.
    """

    name: str
    of: str
    payloads: Callable[[Case], tuple[Payload, ...]]
    added: Callable[[Case], tuple[Any, ...]] = lambda _: ()
    breaks_count: bool = True
    older_counts: bool = False
    compares: bool = True

    def counts(self, failure: Failure) -> bool:
        """Say whether the outcome depends on a failure: a difference always counts."""
        older = failure.payload == failure.case.before
        return bool(failure.places) or (self.older_counts if older else self.breaks_count)

    def failure(self, case: Case, readings: Readings, left_out: Collection[str]) -> Failure | None:
        """Return how the reader failed a case; None if it did not, or was not tried."""
        payloads = self.payloads(case)
        tried = [Failure(case, p, a) for p in payloads if (a := readings.of(p)) is not None]
        for each in tried:
            if not each.attempt.is_read:
                return each
        if places := self.places(case, readings, left_out):
            return replace(tried[-1], places=places)
        return next((each for each in tried if each.is_of_others), None)

    def places(
        self, case: Case, readings: Readings, left_out: Collection[str] = ()
    ) -> tuple[Difference, ...]:
        """Return where the payloads of a case are read differently, but for what is left out."""
        one, other = (readings.of(self.payloads(case)[index]) for index in (0, -1))
        if not (one and other and (one.returned or other.returned) and self.compares):
            return ()
        left_out = (*left_out, *one.opaque, *other.opaque)
        return tuple(differences(one.read, other.read, self.added(case), left_out))


def scenarios(pair: Pair, served: Collection[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of two contracts, of which some are `served`."""
    old, new, older_counts = pair.old.name, pair.new.name, pair.old.name in served
    before, after = pair.old.period.alias, pair.new.period.alias
    return (
        Scenario(before, old, lambda c: (c.before,), older_counts=older_counts, compares=False),
        Scenario(after, new, lambda c: (c.after,), compares=False),
        Scenario(f"{after}, in another order", new, lambda c: (c.after, c.reordered)),
        Scenario(
            *(f"{after}, with one more field", new, lambda c: (c.after, c.extended)),
            added=lambda c: (c.next_field[1],),
            breaks_count=False,
        ),
        Scenario(
            *("paired", old, lambda c: (c.before, c.after)),
            added=lambda c: tuple(c.after[name] for name in c.pair.new_fields),
            older_counts=older_counts,
        ),
    )
