"""Trying a consumer in every situation, and what that says about the cutover."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retry_contract.consumer.advice import advice_for
from retry_contract.consumer.answers import Consumer, Kind
from retry_contract.consumer.cases import Case, Pair, example_cases, make_cases, plainest
from retry_contract.consumer.compare import strings
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
    """Try a consumer on the examples and generated payloads. Raises Unusable."""
    begin = time.perf_counter()
    usual, unusual = example_cases(pair)
    cases = [*make_cases(pair, asked.payloads, asked.seed), *usual]
    answers = Answers(consumer, Scrubber(asked.secret).scrub)
    served = required(pair, timeline, asked.now)
    found: list[Tried] = []
    shrunk: list[Case] = []
    for situation in situations(pair):
        tried, failure = _try(situation, cases, answers, served, shrunk)
        found.append(tried)
        shrunk += [] if failure is None else [failure.case]
    found.append(_try(rare_forms(pair), unusual, answers, served, ())[0])
    in_force = timeline.at(asked.now) is pair.new.period
    seconds = time.perf_counter() - begin
    periods = pair.new.period, pair.old.period
    notes = (_BLIND,) if _is_blind(cases, answers) else ()
    return Readiness(
        asked.target, *periods, in_force, tuple(found), seconds, asked.seed, notes=notes
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


def _try(
    situation: Situation,
    cases: Sequence[Case],
    answers: Answers,
    served: frozenset[str],
    shrunk: Sequence[Case],
) -> tuple[Tried, Failure | None]:
    """Try every case in one situation. `shrunk` are cases that are likely to fail here too."""
    answers.learn(payload for case in cases for payload in situation.payloads(case))
    tried = sum(all(answers.to(p) is not None for p in situation.payloads(c)) for c in cases)
    failures = [f for c in cases if (f := situation.failure(c, answers)) is not None]
    counts = situation.counts and situation.of in served
    told = _choose(failures)
    if told is None:
        return Tried(situation.name, situation.of, counts, tried), None
    # To refuse is one thing, where nothing serves that yet, or any more; to misread is another.
    counts = counts or told.result is Result.DIFFERS
    known, plain = _known(told, situation, answers, shrunk), plainest(told.case.pair)
    told = shrink(known, situation, answers, plain)
    number, finding = max(tried, len(failures)), _finding(told, situation, plain, answers)
    return Tried(situation.name, situation.of, counts, number, len(failures), finding), told


def _finding(failure: Failure, situation: Situation, plain: Case, answers: Answers) -> Finding:
    return Finding(
        failure.result,
        failure.answer.error,
        failure.payload,
        failure.answer.where,
        misread(failure.places, situation.payloads(failure.case)),
        _odd(failure.case, plain),
        advice=_advice(failure, plain, answers),
    )


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


def _advice(failure: Failure, plain: Case, answers: Answers) -> str:
    """Return what to change. Where only the plainest newer reply fails, the new field does it."""
    if failure.places:
        return advice_on(failure.places)
    reads_old = (old := answers.to(plain.before)) is not None and old.kind is Kind.READ
    return advice_for(failure.answer, only_newer=reads_old and not _odd(failure.case, plain))
