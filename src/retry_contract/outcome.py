"""Plain values that every layer shares: violations, the state of a rule, a run's outcome."""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

SHOWN = 100
"""How many violations, and how many drifts, of a file or a run are shown; the rest is counted."""


class ExitCode(enum.IntEnum):
    """What a command exits with."""

    KEPT = 0
    BROKEN = 1
    USAGE_ERROR = 2
    NOT_TESTED = 3


class RuleState(enum.StrEnum):
    """What became of one rule in one run."""

    KEPT = "kept"
    BROKEN = "broken"
    KNOWN = "known"
    IGNORED = "ignored"
    NOT_EXERCISED = "not exercised"


EXERCISED = frozenset({RuleState.KEPT, RuleState.BROKEN, RuleState.KNOWN})
"""The states of rules of which a run has seen something."""


class Verdict(enum.StrEnum):
    """What a run as a whole says."""

    KEPT = "kept"
    BROKEN = "broken"
    USAGE_ERROR = "usage error"
    NOT_TESTED = "not tested"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that stands for this verdict."""
        return ExitCode[self.name]


class UsageError(Exception):
    """What the user asked for cannot be done as asked; the message says what to do instead."""


class NotTested(Exception):
    """The endpoint could not be tested at all; the message says why."""


class NotSent(NotTested):
    """A request did not leave, so that nothing can have come of it; the message says why."""


class NotExercised(Exception):
    """One rule could not be exercised in this run; the message says why, or what would reach it."""


Place = Literal["body", "status", "content-type"]
"""What a violation without a pointer is about."""


@dataclass(frozen=True)
class Violation:
    """A broken rule, described and never quoted. Its text is a line: where, expected, came, rule.

    `pointer` is a JSON Pointer (RFC 6901) into the body, of a missing member too. Where it is
    empty, `place` says what the violation is about. `seen` is the `scenario` and the request. Of a
    generated case, `case` is its steps as JSON, and `replay` a command that repeats it.
    """

    rule: str
    pointer: str
    message: str
    expected: str
    actual: str
    seen: str = ""
    scenario: str = ""
    place: Place = "body"
    case: str | None = None
    replay: str | None = None

    @property
    def what(self) -> str:
        """What came, and where, in a few words."""
        if self.pointer or self.place == "content-type":
            return f"{self.pointer or self.place} is {self.actual}"
        return self.actual if self.place == "status" else f"the body is {self.actual}"

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """Where it is, what was expected and what came, each with its label."""
        where = self.pointer or f"the {self.place}"
        return ("at", where), ("expected", self.expected), ("came", self.actual)

    def __str__(self) -> str:
        (_, where), *rest = self.details
        return f"{where}: {', '.join(map(' '.join, rest))} ({self.rule})"

    def with_message(self, message: str) -> "Violation":
        """Return this violation with another message."""
        return replace(self, message=message)


@dataclass(frozen=True)
class Drift:
    """Something that the contract does not speak of: reported, and a failure only when strict."""

    pointer: str
    message: str


@dataclass(frozen=True)
class More:
    """How many violations and drifts there are at the least that are not shown."""

    violations: int = 0
    drift: int = 0

    def __add__(self, other: "More") -> "More":
        return More(self.violations + other.violations, self.drift + other.drift)

    def lines(self) -> tuple[str, ...]:
        """Return in a line each how many there are."""
        counts = ((self.violations, "violation"), (self.drift, "drift"))
        return tuple(
            f"and at least {number:,} more {unit}{'' if number == 1 else 's'}"
            for number, unit in counts
            if number
        )


NO_MORE = More()


@dataclass(frozen=True)
class Entry:
    """A breach that is known: a rule, a contract, and a JSON Pointer in which no index counts.

    `came` is the status or the secret that came, where it is about one; empty, any is known.
    `scenario` is where it was seen. The days are those on which it was first and last seen, and
    the one after which it counts no more. `reason` and `ticket` are for people to write.
    """

    rule: str
    contract: str
    pointer: str
    first_seen: date
    last_seen: date
    expires: date | None = None
    reason: str = ""
    ticket: str = ""
    came: str = ""
    scenario: str = ""


@dataclass(frozen=True)
class RuleResult:
    """One rule, checked for one contract.

    `violations` are those that are not known, `known` the entries of the baseline that others have.
    `more` is how many violations were found that `violations` leaves out. `scenarios` are those in
    which it was exercised.
    `cases` is how many generated cases were played, `asked` how many there were to be, where
    --max-seconds ended them.
    """

    rule: str
    contract: str
    state: RuleState
    violations: tuple[Violation, ...] = ()
    reason: str | None = None
    cases: int | None = None
    asked: int | None = None
    more: int = 0
    known: tuple[Entry, ...] = ()
    scenarios: frozenset[str] = frozenset()


@dataclass(frozen=True)
class KnownBreaches:
    """What became in a run of the entries of a baseline.

    Those that are `gone` were exercised and kept; `not_exercised` says nothing of them; `expired`
    are those whose day is over, and that count no more.
    """

    known: tuple[Entry, ...] = ()
    gone: tuple[Entry, ...] = ()
    not_exercised: tuple[Entry, ...] = ()
    expired: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class ContractResult:
    """All rules of one contract, and the drift seen with it; `more` of it was found at least."""

    contract: str
    rules: tuple[RuleResult, ...]
    drift: tuple[Drift, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Traffic:
    """What was asked of the endpoint: requests that left, and responses by HTTP status.

    `retries` and `sends` are what may have reached the service, `accepted` the retries of them that
    were answered so. What is `unanswered`, in words, may have been accepted all the same.
    """

    requests: int = 0
    responses: Mapping[str, int] = field(default_factory=dict)
    retries: int = 0
    accepted: int = 0
    sends: int = 0
    unanswered: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """How many retries and sends were not answered."""
        return len(self.unanswered)

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(
            self.requests + other.requests,
            dict(sorted((Counter(self.responses) + Counter(other.responses)).items())),
            self.retries + other.retries,
            self.accepted + other.accepted,
            self.sends + other.sends,
            self.unanswered + other.unanswered,
        )


@dataclass(frozen=True)
class Outcome:
    """What a run found. `seconds` is its duration, `replay` a command that shows it again.

    `samples` is how many accepted retries were observed, None on the mock. `spent` is how many
    messages were passed over, since they may have been tried too often, or be in a batch.
    `max_seconds` is for how long cases were generated at the most. `cutover` is the number of the
    request at which another contract took over. `superseded` is the day since which the contract is
    no longer in force, if whatever is served was asked for. `mistakes` are those of the hook for
    messages, a sentence each. `began` is when it did, and `baseline` what became of what is known.
    `sandbox` is the command that started the endpoint, if that is the kit's sandbox.
    """

    verdict: Verdict
    endpoint: str
    reason: str | None = None
    contracts: tuple[ContractResult, ...] = ()
    traffic: Traffic = Traffic()
    samples: int | None = None
    spent: int = 0
    max_seconds: float | None = None
    cutover: int | None = None
    mistakes: tuple[str, ...] = ()
    superseded: str | None = None
    seconds: float = 0.0
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    replay: str | None = None
    began: datetime | None = None
    baseline: KnownBreaches | None = None
    sandbox: str | None = None

    def in_state(self, state: RuleState) -> tuple[RuleResult, ...]:
        """Every rule, of every contract, that ended in this state."""
        return tuple(r for c in self.contracts for r in c.rules if r.state is state)


def conclude(
    contracts: Iterable[ContractResult],
    *,
    essential: frozenset[str],
    failure: str | None = None,
    mistake: str | None = None,
    strict: bool = False,
    required: frozenset[str] = frozenset(),
) -> tuple[Verdict, str | None]:
    """Return the verdict over all contracts, and its reason where one is needed.

    `essential` are the rules about an accepted retry: without one of them exercised, nothing is
    called kept. Nor is it without each one that is `required`. `failure` is why testing ended
    early, if it did. `mistake` is one of the user's that was met on the way: what is broken is
    worse, and what was not tested less so.
    """
    contracts = tuple(contracts)
    states = {result.state for contract in contracts for result in contract.rules}
    if RuleState.BROKEN in states:
        return Verdict.BROKEN, "; ".join(filter(None, (failure, mistake))) or None
    if strict and any(contract.drift for contract in contracts):
        return Verdict.BROKEN, "drift was found, and --strict makes it a failure"
    if mistake:
        return Verdict.USAGE_ERROR, "; ".join(filter(None, (mistake, failure)))
    if failure:
        return Verdict.NOT_TESTED, failure
    if not states & EXERCISED:
        return Verdict.NOT_TESTED, "no rule was exercised"
    for contract in contracts:
        rules = [r for r in contract.rules if r.rule in essential]
        if all(r.state not in EXERCISED for r in rules):
            reasons = {r.reason for r in rules if r.reason}
            why = f": {reasons.pop()}" if len(reasons) == 1 else ""
            none = "no rule about an accepted retry was exercised for"
            return Verdict.NOT_TESTED, f"{none} {contract.contract}{why}"
    missing = [
        rule.rule
        for contract in contracts
        for rule in contract.rules
        if rule.rule in required and rule.state is RuleState.NOT_EXERCISED
    ]
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        return Verdict.NOT_TESTED, f"required by --require and not exercised: {names}"
    return Verdict.KEPT, None


def unwritten(outcome: Outcome, problem: str) -> Outcome:
    """Return the outcome of a run of which a file could not be written.

    What was kept is a usage error then: nobody is left with a green whose report is missing.
    """
    kept = outcome.verdict is Verdict.KEPT
    verdict = Verdict.USAGE_ERROR if kept else outcome.verdict
    said = "the contract is kept, but " if kept else ""
    reason = "; ".join(filter(None, (outcome.reason, said + problem)))
    return replace(outcome, verdict=verdict, reason=reason)
