"""What a check of the user's code does and finds, as plain values."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from retry_contract.consumer.compare import Difference
from retry_contract.contract.timeline import Period
from retry_contract.outcome import Verdict
from retry_contract.privacy.scrubber import map_texts
from retry_contract.privacy.words import mask_words


class Result(enum.StrEnum):
    """How the user's code did in one scenario."""

    OK = "ok"
    BREAKS = "breaks"
    DIFFERS = "differs"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class CheckPlan:
    """What a check does: how many generated payloads, from which seed, at which instant.

    `secret` is what no output may hold; `values` are those of the user's template; `accept` are
    the JSON Pointers of places that are meant to differ.
    """

    target: str
    now: datetime
    payloads: int = 0
    seed: int = 0
    secret: str = ""
    values: Mapping[str, str] | None = None
    accept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What went wrong in a scenario, shown by the plainest payload or call that shows it.

    `payload` is the response's, if one was read, `odd` are the JSON Pointers at which it differs
    from the plainest one. `where` is a line of the user's code, `requests` are a client's.
    """

    result: Result
    error: str
    payload: dict[str, Any] | None = None
    where: str = ""
    differs: tuple[Difference, ...] = ()
    odd: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    advice: str = ""


NOTHING_COMPARED = Finding(
    *(Result.NOT_TESTED, "nothing that it returned can be compared"),
    advice='return what it reads as plain data; --accept "" looks only at whether it reads',
)


@dataclass(frozen=True)
class ScenarioOutcome:
    """One scenario: how many payloads or calls were tried and failed, and the plainest failure.

    `of` names its contract; `counts` says that the outcome depends on it; `remark` is of a client.
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
        """How the user's code did here."""
        if self.finding is not None:
            return self.finding.result
        without_failure = Result.OK if self.tried else Result.NOT_TESTED
        return Result.BREAKS if self.failed else without_failure


@dataclass(frozen=True)
class Readiness:
    """What a check found about one reader, tried on payloads, or one client, tried by calls.

    `seed` is None where nothing was generated; `notes` are shown with the outcome. `replay` is a
    command that tries the same again, `began` when it did. `unwritten` is why a file of the report
    is missing.
    """

    target: str
    period: Period
    older: Period
    in_force: bool
    scenarios: tuple[ScenarioOutcome, ...]
    seconds: float
    seed: int | None = None
    unit: Literal["payload", "call"] = "payload"
    notes: tuple[str, ...] = ()
    replay: str | None = None
    began: datetime | None = None
    unwritten: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict of all scenarios that count: a failure of one before what is untested.

        Code that is ready is no green whose report is missing.
        """
        results = {scenario.result for scenario in self.scenarios if scenario.counts}
        if results & {Result.BREAKS, Result.DIFFERS}:
            return Verdict.BROKEN
        if Result.NOT_TESTED in results:
            return Verdict.NOT_TESTED
        return Verdict.USAGE_ERROR if self.unwritten else Verdict.KEPT


def mask_found(found: Readiness) -> Readiness:
    """Return what was found, with the texts of the user's code masked; a payload is made up."""
    scenarios = tuple(
        replace(outcome, finding=outcome.finding and _mask_finding(outcome.finding))
        for outcome in found.scenarios
    )
    target, notes = mask_words(found.target), tuple(map(mask_words, found.notes))
    return replace(found, target=target, notes=notes, scenarios=scenarios)


def _mask_finding(finding: Finding) -> Finding:
    masked: Finding = map_texts(replace(finding, payload=None), mask_words)
    return replace(masked, payload=finding.payload)
