"""From a case that a consumer fails to the plainest one that it fails in the same way."""

from __future__ import annotations

import dataclasses
import itertools
import json
import operator
import re
import time
from collections.abc import Iterator
from typing import Any

from retry_contract.consumer.cases import Case, Payload, is_rare
from retry_contract.consumer.situations import Answers, Failure, Situation
from retry_contract.consumer.values import form_of, usual_text

_MOST_ROUNDS = 25
_LONGEST = 10.0
_SINGLE_DELETIONS = 40
_STAMP = re.compile(r"(.{10})(T.{8})(\..*)")


def shrink(failure: Failure, situation: Situation, answers: Answers, plain: Case) -> Failure:
    """Return the plainest case that fails in the same way; after ten seconds, the plainest yet."""
    until = time.monotonic() + _LONGEST
    for _ in range(_MOST_ROUNDS):
        smaller = _round(failure, situation, answers, plain)
        if smaller is None or time.monotonic() > until:
            return smaller or failure
        failure = smaller
    return failure


def _round(failure: Failure, situation: Situation, answers: Answers, plain: Case) -> Failure | None:
    weight = _weight(failure.case, plain)
    tried = {_weight(case, plain): case for case in _plainer(failure.case, plain)}
    smaller = [tried[w] for w in sorted(tried) if w < weight]
    if not smaller:
        return None
    payloads = (payload for case in smaller for payload in situation.payloads(case))
    answers.find(payloads, situation.of)
    found = (situation.failure(case, answers) for case in smaller)
    return next((f for f in found if f is not None and f.sort == failure.sort), None)


def _weight(case: Case, plain: Case) -> tuple[int, int, str]:
    """Return how far a case is from the plainest: fields that differ, and how much they do."""
    odd = {k: v for k, v in case.payload.items() if v != plain.payload[k]}
    beside = (case.order != plain.order) + (case.unknown != plain.unknown)
    much = sum(_distance(v, plain.payload[k]) for k, v in odd.items())
    return len(odd) + beside, much, json.dumps([odd, case.order, case.unknown])


def _distance(value: Any, plain: Any) -> int:
    """Return the length of a value as JSON, and in how many places it differs from the plain one.

    The latter only where both are as long, as two timestamps are.
    """
    one, other = json.dumps(value), json.dumps(plain)
    same_length = len(one) == len(other)
    return len(one) + (sum(map(operator.ne, one, other)) if same_length else 0)


def _plainer(case: Case, plain: Case) -> Iterator[Case]:
    odd = [name for name, value in case.payload.items() if value != plain.payload[name]]
    yield plain
    yield dataclasses.replace(case, order=plain.order)
    yield dataclasses.replace(case, unknown=plain.unknown)
    for payload in _plainer_payloads(case.payload, plain.payload, odd):
        yield dataclasses.replace(case, payload=payload)
        yield dataclasses.replace(plain, payload=payload)
    for name in odd:
        contract = case.pair.new if name in case.pair.new_fields else case.pair.old
        text = form_of(contract, name).text
        for value in _smaller(case.payload[name], plain.payload[name], text=text):
            if case.rare or not is_rare(plain, name, value):
                yield dataclasses.replace(case, payload={**case.payload, name: value})


def _plainer_payloads(payload: Payload, plain: Payload, odd: list[str]) -> Iterator[Payload]:
    """Yield payloads with fewer odd fields: one alone, two alone, all but one, two made equal."""
    for name in odd:
        yield {**plain, name: payload[name]}
        yield {**payload, name: plain[name]}
    for one, other in itertools.permutations(payload, 2):
        if payload[one] == payload[other]:
            yield {**plain, other: plain[one]}
            yield {**payload, one: plain[one], other: plain[one]}
        elif one in odd and other in odd and one < other:
            yield {**plain, one: payload[one], other: payload[other]}


def _smaller(value: Any, plain: Any, *, text: bool) -> Iterator[Any]:
    """Yield smaller values of one field, in forms that are documented if the value is."""
    if isinstance(value, dict) and isinstance(plain, dict):
        yield from _smaller_members(value, plain)
    elif isinstance(value, str) and text:
        yield from (t for t in _shorter(value) if usual_text(t))
    elif isinstance(value, str) and isinstance(plain, str):
        yield from _nearer_stamps(value, plain)


def _smaller_members(members: dict[str, Any], plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    usual = next(iter(plain), "name")
    for name, value in members.items():
        others = {k: v for k, v in members.items() if k != name}
        yield others
        if name != usual and usual not in members:
            yield {usual: value, **others}
        if value != plain.get(usual) and usual in plain:
            yield {**members, name: plain[usual]}
        if isinstance(value, str):
            yield from ({**members, name: t} for t in _shorter(value) if usual_text(t))


def _shorter(text: str) -> Iterator[str]:
    """Yield a text without parts of it: halves, quarters, and so on down to single letters."""
    size = len(text) // 2
    while size:
        for start in range(0, len(text), size):
            if size > 1 or len(text) <= _SINGLE_DELETIONS:
                yield text[:start] + text[start + size :]
                yield text[start : start + size]
        size //= 2


def _nearer_stamps(value: str, plain: str) -> Iterator[str]:
    """Yield timestamps with one part of the plain one: its day, its time, its fraction."""
    one, other = _STAMP.fullmatch(value), _STAMP.fullmatch(plain)
    if one and other:
        parts = list(zip(one.groups(), other.groups(), strict=True))
        for taken in itertools.product((0, 1), repeat=3):
            yield "".join(pair[index] for pair, index in zip(parts, taken, strict=True))
