"""What a check of a consumer found, as plain values."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

from retry_contract.contract.timeline import Period
from retry_contract.outcome import Verdict


class Result(enum.StrEnum):
    """What became of a consumer in one situation."""

    OK = "ok"
    BREAKS = "breaks"
    DIFFERS = "differs"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Misread:
    """A place, as a JSON Pointer into what was read, and what was read there of two replies.

    Both are shortened, and hold no text that is not of the payloads.
    """

    pointer: str
    expected: str
    actual: str


@dataclass(frozen=True)
class Finding:
    """What went wrong in one situation, told by the plainest payload or call that shows it.

    `payload` is the reply, if one was read as JSON. `where` is a line of the user's code. `differs`
    is what was read differently, `odd` the JSON Pointers at which the payload differs from the
    plainest one. `requests` are those that a client made, a line each.
    """

    result: Result
    error: str
    payload: dict[str, Any] | None = None
    where: str = ""
    differs: tuple[Misread, ...] = ()
    odd: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True)
class Tried:
    """One situation: how many payloads or calls were tried and failed, and the plainest to fail.

    `of` names the contract that it is about; `counts` says that the outcome hangs on it. `remark`
    tells how a client told a refusal.
    """

    name: str
    of: str
    counts: bool
    tried: int
    failed: int = 0
    finding: Finding | None = None
    remark: str = ""

    @property
    def result(self) -> Result:
        """What became of the consumer here."""
        if self.finding is not None:
            return self.finding.result
        return Result.OK if self.tried else Result.NOT_TESTED


@dataclass(frozen=True)
class Readiness:
    """What a check found about one consumer, tried on payloads or by calls.

    `seed` is None where nothing was generated; `seconds` is the duration on the wall clock. `notes`
    are what the user must know beside the verdict, a sentence each.
    """

    target: str
    period: Period
    older: Period
    in_force: bool
    situations: tuple[Tried, ...]
    seconds: float
    seed: int | None = None
    unit: Literal["payload", "call"] = "payload"
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What all situations that count say together; a failure of one before what is untested."""
        results = {s.result for s in self.situations if s.counts}
        if results & {Result.BREAKS, Result.DIFFERS}:
            return Verdict.BROKEN
        return Verdict.NOT_TESTED if Result.NOT_TESTED in results else Verdict.KEPT

    @property
    def ready(self) -> bool:
        """Whether every situation that counts was tried and passed."""
        return self.verdict is Verdict.KEPT

    def scrubbed(self, scrub: Callable[[str], str]) -> Readiness:
        """Return the same without what no output may hold: the user's code may show anything."""
        situations = tuple(scrubbed(tried, scrub) for tried in self.situations)
        notes = tuple(map(scrub, self.notes))
        return replace(self, target=scrub(self.target), situations=situations, notes=notes)

    def of(self, period: Period) -> Tried:
        """Return the situation of a contract's plain reply."""
        return next(s for s in self.situations if s.name == period.alias)


def scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    """Return values, and all that they hold, with each text scrubbed."""
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return scrub(value)
    if isinstance(value, tuple | list):
        return type(value)(scrubbed(item, scrub) for item in value)
    if isinstance(value, dict):
        return {scrub(name): scrubbed(item, scrub) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **{name: scrubbed(item, scrub) for name, item in held.items()})
    return value
