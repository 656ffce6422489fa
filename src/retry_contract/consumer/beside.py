"""What must be known beside the verdict on code that reads: what it says, remembers and catches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retry_contract.consumer.answers import Kind
from retry_contract.consumer.attempts import Attempt
from retry_contract.consumer.cases import Case
from retry_contract.consumer.compare import Difference
from retry_contract.consumer.misread import misread
from retry_contract.consumer.readiness import Tried
from retry_contract.consumer.readings import strings
from retry_contract.consumer.situations import Answers

_BLIND = (
    "Nothing that it read could be compared, so no misreading would be seen: let it return what it "
    "reads (a command: write `ok JSON`)."
)
_FEW = 2
_CACHES = (
    "It answers otherwise after other payloads, as code with a cache does: what counts is how it "
    "reads a payload that is the first."
)


def notes(
    attempts: Sequence[Attempt],
    found: Sequence[Tried],
    afresh: Answers,
    *,
    blind: bool,
    caught: str,
) -> Iterator[str]:
    """Yield a sentence on each thing that must be known."""
    if blind:
        yield _BLIND
    if caught and not any(tried.finding for tried in found if tried.counts):
        yield f"Of the newer reply alone it caught {caught}. See that it is meant."
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


def newly_caught(plain: Case, afresh: Answers) -> str:
    """Return the error that code catches on the newer reply and not on the older, if any."""
    old, new = afresh.to(plain.before), afresh.to(plain.after)
    return new.caught if old and new and _sort(new.caught) != _sort(old.caught) else ""


def _sort(caught: str) -> tuple[str, str]:
    """Return what an error is known by again: its class, and its place; its text quotes values."""
    return caught.partition(":")[0], caught.rpartition("(")[2]


def tells_much(plain: Case, afresh: Answers) -> bool:
    """Say whether what is read of the newer reply shows more than a few of its fields."""
    answer = afresh.to(plain.after)
    texts = [*strings(answer.read)] if answer else []
    shown = [
        name
        for name, value in plain.before.items()
        if any(held in text for held in strings(value) for text in texts)
    ]
    return len(shown) > _FEW


def is_blind(cases: Sequence[Case], answers: Answers) -> bool:
    """Say whether code returns the same of all replies, and nothing that they hold."""
    asked = [(payload, answers.to(payload)) for c in cases for payload in (c.before, c.after)]
    read = [(payload, a.read) for payload, a in asked if a is not None and a.kind is Kind.READ]
    if not read or any(reading != read[0][1] for _, reading in read):
        return False
    payload, reading = read[0]
    return not {*strings(reading)} & {*strings(payload)}
