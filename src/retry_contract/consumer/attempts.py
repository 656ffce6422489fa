"""Trying a consumer on all payloads of every situation, and afresh on those that tell the most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retry_contract.consumer.answers import Kind
from retry_contract.consumer.cases import Case, Payload
from retry_contract.consumer.readiness import Result
from retry_contract.consumer.shrink import shrink
from retry_contract.consumer.situations import (
    Answers,
    Failure,
    Situation,
    rare_forms,
    situations,
)


def attempts(
    plain: Case, cases: Sequence[Case], rare: Sequence[Case], answers: Answers
) -> list[Attempt]:
    """Try the cases in every situation, in one process as long as it lasts."""
    made: list[Attempt] = []
    shrunk: list[Case] = []
    for situation in situations(plain.pair):
        attempt = _attempt(situation, plain, cases, answers, shrunk)
        made.append(attempt)
        shrunk += [] if attempt.told is None else [attempt.told.case]
    return [*made, _attempt(rare_forms(plain.pair), plain, rare, answers, ())]


@dataclass(frozen=True)
class Attempt:
    """What came of all cases in one situation: `told` is the plainest failure, if there is any."""

    situation: Situation
    plain: Case
    tried: int
    failed: int
    told: Failure | None

    def payloads_afresh(self) -> Iterator[Payload]:
        """Yield the payloads to be read once more, but not those that last until a timeout."""
        for case in self.cases_afresh():
            yield from self.situation.payloads(case)

    def cases_afresh(self) -> list[Case]:
        """Return the cases to be tried once more, the likeliest to fail first."""
        if self.told is None:
            return [self.plain] if self.tried else []
        return [] if self.told.answer.kind is Kind.HUNG else [self.told.case, self.plain]

    def failure_afresh(self, afresh: Answers) -> Failure | None:
        """Return a failure of a process that has read nothing else."""
        cases = self.cases_afresh()
        found = (self.situation.failure(case, afresh) for case in cases)
        return next((failure for failure in found if failure), None) if cases else self.told


def _attempt(
    situation: Situation,
    plain: Case,
    cases: Sequence[Case],
    answers: Answers,
    shrunk: Sequence[Case],
) -> Attempt:
    """Try every case in one situation. `shrunk` are cases that are likely to fail here too."""
    payloads = (payload for case in cases for payload in situation.payloads(case))
    answers.learn(payloads, situation.of)
    tried = sum(all(answers.to(p) is not None for p in situation.payloads(c)) for c in cases)
    failures = [f for c in cases if (f := situation.failure(c, answers)) is not None]
    told = _choose(failures)
    if told is not None:
        known = _known(told, situation, answers, shrunk)
        told = shrink(known, situation, answers, plain)
    return Attempt(situation, plain, max(tried, len(failures)), len(failures), told)


def _known(
    failure: Failure, situation: Situation, answers: Answers, shrunk: Sequence[Case]
) -> Failure:
    """Return the same failure of a case that has been shrunk in another situation, if any has."""
    for case in shrunk:
        answers.find(situation.payloads(case), situation.of)
        found = situation.failure(case, answers)
        if found is not None and found.sort == failure.sort:
            return found
    return failure


def _choose(failures: Sequence[Failure]) -> Failure | None:
    """Return the failure to tell: one of reading wrongly before one of not reading."""
    differing = (f for f in failures if f.result is Result.DIFFERS)
    return next(differing, failures[0] if failures else None)
