"""The situations in which a consumer is tried, and what counts as a failure in each."""

from __future__ import annotations

import functools
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from retry_contract.consumer.added import Added
from retry_contract.consumer.answers import Answer, Ask, Kind, shortened
from retry_contract.consumer.cases import Case, Pair, Payload, decoys
from retry_contract.consumer.compare import EXACT, Difference, differences, own_words
from retry_contract.consumer.readiness import Result, scrubbed


@dataclass(frozen=True)
class Failure:
    """A case that a consumer failed: the payload, and the answer to it.

    `places` are those of what was read where it differs, if that is the failure.
    """

    case: Case
    payload: Payload
    answer: Answer
    places: tuple[Difference, ...] = ()

    @property
    def result(self) -> Result:
        """Whether the code broke, or read something else."""
        return Result.DIFFERS if self.places else Result.BREAKS

    @property
    def sort(self) -> str:
        """What the same failure is known by in a smaller payload."""
        return self.result if self.places else self.answer.sort


_MOST_AGAIN, _TIMES, _MOST_HANGS = 20, 5, 2


class Answers:
    """The answers of a consumer, each payload asked once however many situations show it.

    `scrub` takes out of an answer what must not be written.
    """

    def __init__(self, ask: Ask, scrub: Callable[[str], str] = str) -> None:
        self._ask = ask
        self._scrub = scrub
        self._known: dict[str, Answer | None] = {}
        self._unsteady: frozenset[Difference] | None = None
        self._confirmed: set[Difference] = set()
        self._asked_again = 0
        self._hangs = Counter[str]()

    def learn(self, payloads: Iterable[Payload], of: str = "") -> None:
        """Ask for the answers to payloads, those that are not known yet, in one go.

        Of one contract's, no more is asked for once two were not answered in time: it takes long.
        """
        if self._hangs[of] >= _MOST_HANGS:
            return
        new = [line for line in _lines(payloads) if line not in self._known]
        self._known.update(zip(new, self._answers(new, of), strict=True))

    def find(self, payloads: Iterable[Payload], of: str = "") -> None:
        """Ask until one payload costs the process; the rest may be asked for again."""
        if self._hangs[of] >= _MOST_HANGS:
            return
        new = [line for line in _lines(payloads) if self._known.get(line) is None]
        told = zip(new, self._answers(new, of, search=True), strict=True)
        self._known.update((line, answer) for line, answer in told if answer is not None)

    def _answers(
        self, lines: list[str], of: str = "", *, search: bool = False
    ) -> list[Answer | None]:
        answers = self._ask(lines, search=search)
        self._hangs[of] += sum(
            answer is not None and answer.kind is Kind.HUNG for answer in answers
        )
        return [None if answer is None else self._scrubbed(answer) for answer in answers]

    def _scrubbed(self, answer: Answer) -> Answer:
        """Return an answer without a secret, before anything is cut off or compared."""
        error, caught, read = answer.error, answer.caught, answer.read
        whole = json.dumps([error, caught, read])
        return shortened(answer if self._scrub(whole) == whole else scrubbed(answer, self._scrub))

    def to(self, payload: Payload) -> Answer | None:
        """Return the answer to a payload; None if it was not tried."""
        return self._known.get(_line(payload))

    def once(self, payloads: Iterable[Payload]) -> Answer | None:
        """Ask for payloads one after the other, and return the answer to the last of them."""
        return self._answers([_line(payload) for payload in payloads])[-1]

    def unsteady(self, payload: Payload) -> frozenset[Difference]:
        """Return where readings of one payload differ: a clock, a counter, chance; asked once."""
        if self._unsteady is None:
            first, *others = self._answers([_line(payload)] * _TIMES)
            both = [(first, other) for other in others if first and other]
            found = [differences(one.read, other.read, EXACT) for one, other in both]
            self._unsteady = frozenset(itertools.chain.from_iterable(found))
        return self._unsteady

    def confirm(
        self,
        places: tuple[Difference, ...],
        payloads: tuple[Payload, ...],
        differ: Callable[[Answer, Answer], tuple[Difference, ...]],
    ) -> tuple[Difference, ...]:
        """Return those places where two payloads are read differently again, one after the other.

        The first answers may be seconds apart, in which a clock moves on. What was confirmed once
        is not asked for again, and nothing is after so many tries.
        """
        if not self._confirmed.issuperset(places) and self._asked_again < _MOST_AGAIN:
            self._asked_again += 1
            pair = [_line(payloads[0]), _line(payloads[-1])]
            one, other, third, fourth = self._answers(pair * 2)
            if one and other and third and fourth:
                # A clock moves on between two that are alike too.
                twice = {*differ(one, other)} & {*differ(third, fourth)}
                self._confirmed |= twice - {*differences(one.read, third.read, EXACT)}
        return tuple(place for place in places if place in self._confirmed)


def _lines(payloads: Iterable[Payload]) -> list[str]:
    return list(dict.fromkeys(_line(payload) for payload in payloads))


def _line(payload: Payload) -> str:
    return json.dumps(payload, separators=(",", ":"))


Differ = Callable[[Case, Answer, Answer], tuple[Difference, ...]]


@dataclass(frozen=True)
class Situation:
    """One situation: which payloads of a case it shows, the first of them first, and the judge.

    `of` tells which contract it is about. `counts` says that the verdict hangs on it. `differ_by`
    is what the payloads that it compares differ by, if it does.
    """

    name: str
    of: str
    payloads: Callable[[Case], tuple[Payload, ...]]
    added: Callable[[Case], dict[str, Any]] = field(default=lambda _: {})
    differ_by: str = ""
    counts: bool = True

    def failure(self, case: Case, answers: Answers) -> Failure | None:
        """Return how the consumer failed a case; None if it did not, or was not tried."""
        payloads = self.payloads(case)
        told = [answers.to(payload) for payload in payloads]
        for payload, answer in zip(payloads, told, strict=True):
            if answer is not None and answer.kind is not Kind.READ:
                # What breaks in the situation that this one is compared with is told there.
                return Failure(case, payload, answer)
        one, other = told[0], told[-1]
        if not self.differ_by or one is None or other is None or not (one.told and other.told):
            return None
        places = self._steady(case, answers, self._misread)
        return Failure(case, payloads[-1], other, places) if places else None

    def own_words(self, case: Case, answers: Answers) -> tuple[Difference, ...]:
        """Return where the consumer tells something of its own, and read no field otherwise."""
        told = [answers.to(payload) for payload in self.payloads(case)]
        if not self.differ_by or not all(answer and answer.told for answer in told):
            return ()
        return self._steady(case, answers, self._own_words)

    def _steady(self, case: Case, answers: Answers, differ: Differ) -> tuple[Difference, ...]:
        """Return where the first and the last payload of a case are read differently each time."""
        payloads = self.payloads(case)
        one, other = answers.to(payloads[0]), answers.to(payloads[-1])
        places = differ(case, one, other) if one and other else ()
        if places:
            places = tuple(p for p in places if p not in answers.unsteady(payloads[0]))
        return answers.confirm(places, payloads, functools.partial(differ, case)) if places else ()

    def _misread(self, case: Case, one: Answer, other: Answer) -> tuple[Difference, ...]:
        """Return where one thing is read of the first payload, and another of the last."""
        added = self._added(case)
        places = differences(one.read, other.read, added)
        own = own_words(places, one.read, other.read, added)
        return tuple(place for place in places if place not in own)

    def _own_words(self, case: Case, one: Answer, other: Answer) -> tuple[Difference, ...]:
        added = self._added(case)
        return own_words(differences(one.read, other.read, added), one.read, other.read, added)

    def _added(self, case: Case) -> Added:
        added = self.added(case)
        looks_like = decoys({**case.payload, **added}, case.pair.added)
        others = {k: v for k, v in case.payload.items() if k not in added}
        return Added(added, others, frozenset(looks_like))


def situations(pair: Pair) -> tuple[Situation, ...]:
    """Return the situations for two contracts, beginning with the plain reply of each."""
    old, new = pair.old.name, pair.new.name
    before, after = pair.old.period.alias, pair.new.period.alias
    return (
        Situation(before, old, lambda c: (c.before,)),
        Situation(after, new, lambda c: (c.after,)),
        Situation(
            f"{after}, in another order",
            new,
            lambda c: (c.after, c.reordered),
            differ_by="the order of the fields",
        ),
        Situation(
            f"{after}, with one more field",
            new,
            lambda c: (c.after, c.extended),
            lambda c: {c.unknown[0]: c.unknown[1]},
            differ_by="a field that is not known",
            counts=False,
        ),
        Situation(
            "paired",
            old,
            lambda c: (c.before, c.after),
            lambda c: {name: c.after[name] for name in c.pair.added},
            differ_by=" and ".join(pair.added),
        ),
    )


def rare_forms(pair: Pair) -> Situation:
    """Return the situation of payloads in forms that a contract permits and no page shows."""
    name = f"{pair.new.period.alias}, in rare forms"
    return Situation(name, pair.new.name, lambda c: (c.after,), counts=False)
