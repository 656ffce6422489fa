"""Trying a consumer in every situation, and what that says about the cutover."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from retry_contract.consumer.advice import WAITS, advice_for
from retry_contract.consumer.answers import Consumer, Kind
from retry_contract.consumer.attempts import Attempt, attempts
from retry_contract.consumer.beside import is_blind, newly_caught, notes, tells_much
from retry_contract.consumer.cases import (
    Case,
    Pair,
    another,
    example_cases,
    make_cases,
    plainest,
    rare_cases,
)
from retry_contract.consumer.misread import advice_on, misread
from retry_contract.consumer.readiness import Finding, Readiness, Result, Tried
from retry_contract.consumer.situations import Answers, Failure
from retry_contract.contract.timeline import Timeline
from retry_contract.masking import Scrubber

_FORGET = (
    "let it forget between two payloads what it has read (a cache, a table, known ids): it is "
    "shown the same message many times"
)
_SHOW = "let it raise what it catches, or return all that it reads"
_LEARN = "let it take the fields from a list of its own, not from the first reply that it reads"


@dataclass(frozen=True)
class Asked:
    """What a check is to do: how many generated payloads, from which seed, at which instant.

    `secret` is what no output may hold, if anything; `values` are those of the user's template.
    """

    target: str
    payloads: int
    seed: int
    now: datetime
    secret: str = ""
    values: Mapping[str, str] | None = None


def check(asked: Asked, consumer: Consumer, pair: Pair, timeline: Timeline) -> Readiness:
    """Try a consumer on the examples and generated payloads. Raises Unusable.

    All are read by one process. What fails is told only if it fails afresh too, in a process that
    has read nothing else; and the plainest message is read afresh, lest a cache hides a failure.
    """
    begin = time.perf_counter()
    scrub = Scrubber(asked.secret).scrub
    answers, afresh = Answers(consumer.ask, scrub), Answers(consumer.ask_afresh, scrub)
    plain = plainest(pair, asked.values)
    usual, rare = example_cases(plain)
    cases = [*make_cases(plain, asked.payloads, asked.seed), *usual]
    made = attempts(plain, cases, [*rare, *rare_cases(plain)], answers)
    afresh.learn(payload for attempt in made for payload in attempt.payloads_afresh())
    served = required(pair, timeline, asked.now)
    blind, caught = is_blind(cases, answers), newly_caught(plain, afresh)
    unsure = _unsure(plain, caught, afresh)
    if any(attempt.told and not attempt.failure_afresh(afresh) for attempt in made):
        unsure |= _learned(plain, Answers(consumer.ask_together, scrub))
    found = tuple(_judged(attempt, afresh, served, unsure) for attempt in made)
    in_force = timeline.at(asked.now) is pair.new.period
    seconds = time.perf_counter() - begin
    periods = pair.new.period, pair.old.period
    told = tuple(notes(made, found, afresh, blind=blind, caught=caught))
    return Readiness(asked.target, *periods, in_force, found, seconds, asked.seed, notes=told)


def required(pair: Pair, timeline: Timeline, now: datetime) -> frozenset[str]:
    """Return the contracts that a consumer must read: not one that nothing serves any more."""
    served = {timeline.at(now).name, *(p.name for p in timeline.tolerated_at(now))}
    return frozenset({pair.new.name, *served})


def _judged(
    attempt: Attempt, afresh: Answers, served: frozenset[str], unsure: Mapping[str, Finding]
) -> Tried:
    """Return what became of an attempt; `unsure` is what else is found, by situation."""
    situation, told = attempt.situation, attempt.failure_afresh(afresh)
    counts = situation.counts and situation.of in served
    failed, finding = attempt.failed, None
    if told is not None:
        # To refuse is one thing, where nothing serves that yet, or any more; to misread is another.
        counts = counts or told.result is Result.DIFFERS
        failed, finding = max(1, failed), _finding(told, attempt, afresh)
    else:
        remembers = None if attempt.told is None else _remembers(attempt.told, attempt.plain)
        finding = unsure.get(situation.name) or remembers
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


def _remembers(failure: Failure, plain: Case) -> Finding:
    """Return that code fails on a payload only after others: which, is not of the contract."""
    answer = failure.answer
    error = answer.error.rstrip(".") or "it reads something else"
    return Finding(
        Result.NOT_TESTED,
        f"{error}, but only after other payloads",
        failure.payload,
        answer.where,
        odd=_odd(failure.case, plain),
        advice=_FORGET,
    )


def _unsure(plain: Case, caught: str, afresh: Answers) -> dict[str, Finding]:
    """Return that code caught or lost an error of the newer reply, and shows little of it."""
    if not caught or tells_much(plain, afresh):
        return {}
    finding = Finding(Result.NOT_TESTED, f"it caught {caught}", plain.after, advice=_SHOW)
    return {plain.pair.new.period.alias: finding}


def _learned(plain: Case, together: Answers) -> dict[str, Finding]:
    """Return that code fails on a newer reply once it has read an older one, if it does."""
    pair, other = plain.pair, another(plain)
    after = together.once((plain.before, other.after))
    before = together.once((plain.before, other.before))
    if after is None or before is None or before.kind is not Kind.READ or after.kind is Kind.READ:
        return {}
    error = f"{after.error}, once it has read a reply of {pair.old.name}"
    finding = Finding(Result.BREAKS, error, other.after, after.where, advice=_LEARN)
    return {pair.new.period.alias: finding}


def _odd(case: Case, plain: Case) -> tuple[str, ...]:
    return tuple(f"/{name}" for name, v in case.payload.items() if v != plain.payload[name])


def _advice(failure: Failure, attempt: Attempt, afresh: Answers) -> str:
    """Return what to change. Where only the plainest newer reply fails, the new field does it."""
    if failure.places:
        return advice_on(failure.places, attempt.situation.payloads(failure.case))
    old, plain = afresh.to(attempt.plain.before), attempt.plain
    reads_old = old is not None and old.kind is Kind.READ
    only_newer = reads_old and not _odd(failure.case, plain)
    if only_newer and failure.answer.kind is Kind.HUNG:
        return WAITS
    return advice_for(failure.answer, only_newer=only_newer)
