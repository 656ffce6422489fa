"""Trying a consumer in every situation, and what that says about the cutover."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from retry_contract.consumer.advice import advice_for
from retry_contract.consumer.answers import Consumer, Kind
from retry_contract.consumer.cases import Case, Pair, Payload, example_cases, make_cases, plainest
from retry_contract.consumer.compare import Difference, strings
from retry_contract.consumer.misread import advice_on, misread
from retry_contract.consumer.readiness import Finding, Readiness, Result, Tried
from retry_contract.consumer.shrink import shrink
from retry_contract.consumer.situations import (
    Answers,
    Failure,
    Situation,
    rare_forms,
    situations,
)
from retry_contract.contract.timeline import Timeline
from retry_contract.masking import Scrubber

_BLIND = (
    "Nothing that it read could be compared, so no misreading would be seen: let it return what it "
    "reads (a command: write `ok JSON`)."
)
_CACHES = (
    "It answers otherwise after other payloads, as code with a cache does: what counts is how it "
    "reads a payload that is the first."
)
_FORGET = (
    "let it forget between two payloads what it has read (a cache, a table, known ids): it is "
    "shown the same message many times"
)


@dataclass(frozen=True)
class Asked:
    """What a check is to do: how many generated payloads, from which seed, at which instant.

    `secret` is what no output may hold, if anything.
    """

    target: str
    payloads: int
    seed: int
    now: datetime
    secret: str = ""


def check(asked: Asked, consumer: Consumer, pair: Pair, timeline: Timeline) -> Readiness:
    """Try a consumer on the examples and generated payloads. Raises Unusable.

    All are read by one process. What fails is told only if it fails afresh too, in a process that
    has read nothing else; and the plainest message is read afresh, lest a cache hides a failure.
    """
    begin = time.perf_counter()
    scrub = Scrubber(asked.secret).scrub
    answers, afresh = Answers(consumer.ask, scrub), Answers(consumer.ask_afresh, scrub)
    usual, unusual = example_cases(pair)
    cases = [*make_cases(pair, asked.payloads, asked.seed), *usual]
    attempts = _attempts(pair, cases, unusual, answers)
    afresh.learn(payload for attempt in attempts for payload in attempt.payloads_afresh())
    served = required(pair, timeline, asked.now)
    found = tuple(_judged(attempt, afresh, served) for attempt in attempts)
    in_force = timeline.at(asked.now) is pair.new.period
    seconds = time.perf_counter() - begin
    periods = pair.new.period, pair.old.period
    notes = [_BLIND] if _is_blind(cases, answers) else []
    notes += _notes(attempts, found, afresh)
    told = tuple(dict.fromkeys(notes))
    return Readiness(asked.target, *periods, in_force, found, seconds, asked.seed, notes=told)


def _notes(attempts: Sequence[Attempt], found: Sequence[Tried], afresh: Answers) -> Iterator[str]:
    yield from _own_words(attempts, afresh)
    if any(tried.failed > attempt.failed for attempt, tried in zip(attempts, found, strict=True)):
        yield _CACHES


def _own_words(attempts: Sequence[Attempt], afresh: Answers) -> Iterator[str]:
    """Yield what code tells of its own about the plainest message, and what that depends on."""
    told: set[Difference] = set()
    for attempt in reversed(attempts):  # the cutover first
        situation, plain = attempt.situation, attempt.plain
        if situation.counts:
            new = [p for p in situation.own_words(plain, afresh) if p not in told]
            told.update(new)
            for place in misread(new, situation.payloads(plain)):
                yield (
                    f"What it tells at {place.pointer} depends on {situation.differ_by}: "
                    f"{place.actual} instead of {place.expected}. See that it is meant."
                )


def _is_blind(cases: Sequence[Case], answers: Answers) -> bool:
    """Say whether code returns the same of all replies, and nothing that they hold."""
    asked = [(payload, answers.to(payload)) for c in cases for payload in (c.before, c.after)]
    read = [(payload, a.read) for payload, a in asked if a is not None and a.kind is Kind.READ]
    if not read or any(reading != read[0][1] for _, reading in read):
        return False
    payload, reading = read[0]
    return not {*strings(reading)} & {*strings(payload)}


def required(pair: Pair, timeline: Timeline, now: datetime) -> frozenset[str]:
    """Return the contracts that a consumer must read: not one that nothing serves any more."""
    served = {timeline.at(now).name, *(p.name for p in timeline.tolerated_at(now))}
    return frozenset({pair.new.name, *served})


def _attempts(
    pair: Pair, cases: Sequence[Case], unusual: Sequence[Case], answers: Answers
) -> list[Attempt]:
    """Try the cases in every situation, in one process as long as it lasts."""
    attempts: list[Attempt] = []
    shrunk: list[Case] = []
    for situation in situations(pair):
        attempt = _attempt(situation, cases, answers, shrunk)
        attempts.append(attempt)
        shrunk += [] if attempt.told is None else [attempt.told.case]
    return [*attempts, _attempt(rare_forms(pair), unusual, answers, ())]


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
            return [self.plain]
        return [] if self.told.answer.kind is Kind.HUNG else [self.told.case, self.plain]

    def failure_afresh(self, afresh: Answers) -> Failure | None:
        """Return a failure of a process that has read nothing else."""
        cases = self.cases_afresh()
        found = (self.situation.failure(case, afresh) for case in cases)
        return next((failure for failure in found if failure), None) if cases else self.told


def _attempt(
    situation: Situation, cases: Sequence[Case], answers: Answers, shrunk: Sequence[Case]
) -> Attempt:
    """Try every case in one situation. `shrunk` are cases that are likely to fail here too."""
    answers.learn(payload for case in cases for payload in situation.payloads(case))
    tried = sum(all(answers.to(p) is not None for p in situation.payloads(c)) for c in cases)
    failures = [f for c in cases if (f := situation.failure(c, answers)) is not None]
    told, plain = _choose(failures), plainest(cases[0].pair)
    if told is not None:
        known = _known(told, situation, answers, shrunk)
        told = shrink(known, situation, answers, plain)
    return Attempt(situation, plain, max(tried, len(failures)), len(failures), told)


def _judged(attempt: Attempt, afresh: Answers, served: frozenset[str]) -> Tried:
    situation, told = attempt.situation, attempt.failure_afresh(afresh)
    counts = situation.counts and situation.of in served
    failed, finding = attempt.failed, None
    if told is not None:
        # To refuse is one thing, where nothing serves that yet, or any more; to misread is another.
        counts = counts or told.result is Result.DIFFERS
        failed, finding = max(1, failed), _finding(told, attempt, afresh)
    elif attempt.told is not None:
        finding = _remembers(attempt.told)
    return Tried(situation.name, situation.of, counts, attempt.tried, failed, finding)


def _finding(failure: Failure, attempt: Attempt, afresh: Answers) -> Finding:
    return Finding(
        failure.result,
        failure.answer.error,
        failure.payload,
        failure.answer.where,
        misread(failure.places, attempt.situation.payloads(failure.case)),
        _odd(failure.case, attempt.plain),
        advice=_advice(failure, attempt, afresh),
    )


def _remembers(failure: Failure) -> Finding:
    """Return that code fails on a payload only after others: which, is not of the contract."""
    answer = failure.answer
    error = f"{answer.error or 'it reads something else'}, but only after other payloads"
    return Finding(Result.NOT_TESTED, error, failure.payload, answer.where, advice=_FORGET)


def _known(
    failure: Failure, situation: Situation, answers: Answers, shrunk: Sequence[Case]
) -> Failure:
    """Return the same failure of a case that has been shrunk in another situation, if any has."""
    for case in shrunk:
        answers.find(situation.payloads(case))
        found = situation.failure(case, answers)
        if found is not None and found.sort == failure.sort:
            return found
    return failure


def _choose(failures: Sequence[Failure]) -> Failure | None:
    """Return the failure to tell: one of reading wrongly before one of not reading."""
    differing = (f for f in failures if f.result is Result.DIFFERS)
    return next(differing, failures[0] if failures else None)


def _odd(case: Case, plain: Case) -> tuple[str, ...]:
    return tuple(f"/{name}" for name, v in case.payload.items() if v != plain.payload[name])


def _advice(failure: Failure, attempt: Attempt, afresh: Answers) -> str:
    """Return what to change. Where only the plainest newer reply fails, the new field does it."""
    if failure.places:
        return advice_on(failure.places, attempt.situation.payloads(failure.case))
    old, plain = afresh.to(attempt.plain.before), attempt.plain
    reads_old = old is not None and old.kind is Kind.READ
    return advice_for(failure.answer, only_newer=reads_old and not _odd(failure.case, plain))
