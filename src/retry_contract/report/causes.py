"""What is broken, by cause, and what to do about it."""

from dataclasses import dataclass

from retry_contract.outcome import Outcome, RuleState, Verdict, Violation
from retry_contract.rules import RULES
from retry_contract.rules.sources import Source

_DRIFT = (
    "The drift is what the contract does not mention, and breaks no rule. Ask the service's team, "
    "or leave out --strict to have it reported only."
)
_EXPIRED = (
    "Entries of the baseline have expired and count no more: have them corrected, or write a later "
    "day and its reason into the file. "
)
_KNOWN = "Nothing new is broken. What the baseline knows is still to be mended."
_SENT = (
    "Correct what the reason names. Nothing was proved, but messages went out: look in Retrieve at "
    "what became of them before anything else is sent."
)
_LOST = (
    " What got no response may have been accepted: look in Retrieve before anything else is sent."
)
_STEPS = {
    Verdict.KEPT: "Nothing to do.",
    Verdict.BROKEN: (
        "Show the service's team what is broken: each part names its source. "
        "retry-contract explain RULE shows an example; a rule that does not hold for you is left "
        "out by --ignore RULE, and listed as ignored."
    ),
    Verdict.NOT_TESTED: (
        "Correct what the reason names, and run again: this run says nothing for or against the "
        "service."
    ),
    Verdict.USAGE_ERROR: "Correct the command as the reason says, and run again.",
}


@dataclass(frozen=True)
class Cause:
    """One place where one thing came that must not: the first violation of each broken rule."""

    contract: str
    violations: tuple[tuple[str, Violation], ...]

    @property
    def violation(self) -> Violation:
        """The first violation of all, which says what was expected."""
        return self.violations[0][1]

    @property
    def rules(self) -> tuple[str, ...]:
        """The broken rules, in the order of the rules."""
        return tuple(rule for rule, _ in self.violations)

    @property
    def responses(self) -> tuple[str, ...]:
        """The responses that show it: scenarios and requests."""
        by_request: dict[str, str] = {}
        for _, violation in self.violations:
            by_request.setdefault(violation.seen.rpartition(", ")[2], violation.seen)
        return tuple(by_request.values())

    @property
    def sources(self) -> tuple[Source, ...]:
        """The statements that say what was expected."""
        return RULES[self.violation.rule].sources


def causes(outcome: Outcome) -> tuple[Cause, ...]:
    """Return the causes of the broken rules.

    Violations of one contract have one cause if they are about the same member of the body, or if
    the same status, content type or body came.
    """
    groups: dict[tuple[str, str, str], dict[str, Violation]] = {}
    for result in outcome.in_state(RuleState.BROKEN):
        for violation in result.violations:
            member = "/".join(violation.pointer.split("/")[:2])
            came = "" if member else violation.actual
            group = groups.setdefault((result.contract, member or violation.place, came), {})
            group.setdefault(result.rule, violation)
    return tuple(Cause(contract, tuple(v.items())) for (contract, *_), v in groups.items())


def next_step(outcome: Outcome) -> str:
    """Return what to do next, in a sentence or two."""
    traffic = outcome.traffic
    sent = outcome.endpoint != "mock" and (traffic.retries or traffic.sends)
    if outcome.verdict is Verdict.NOT_TESTED and sent:
        return _SENT
    if outcome.verdict is Verdict.KEPT and outcome.baseline is not None:
        return _KNOWN if outcome.baseline.known else _STEPS[outcome.verdict]
    only_drift = outcome.verdict is Verdict.BROKEN and not outcome.in_state(RuleState.BROKEN)
    step = _DRIFT if only_drift else _STEPS[outcome.verdict]
    expired = outcome.baseline is not None and outcome.baseline.expired
    return _EXPIRED * bool(expired) + step + _LOST * bool(traffic.lost)
