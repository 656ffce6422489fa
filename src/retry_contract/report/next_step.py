"""What to do about an outcome, in a sentence."""

from __future__ import annotations

from retry_contract.outcome import Outcome, RuleState, Verdict

_DRIFT = (
    "Nothing is broken: the drift is what the contract does not mention. Ask the service's team, "
    "or leave out --strict to have it reported only."
)
_STEPS = {
    Verdict.KEPT: "Nothing to do.",
    Verdict.BROKEN: (
        "Show the causes to the service's team: each names the statement that is broken, and "
        "retry-contract explain RULE shows an example. If a rule does not hold for you, "
        "--ignore RULE leaves it out, visibly."
    ),
    Verdict.NOT_TESTED: "Correct what the reason names, and run again: nothing was proved.",
    Verdict.USAGE_ERROR: "Correct the command as the reason says, and run again.",
}


def next_step(outcome: Outcome) -> str:
    """Return what to do next."""
    only_drift = outcome.verdict is Verdict.BROKEN and not outcome.in_state(RuleState.BROKEN)
    return _DRIFT if only_drift else _STEPS[outcome.verdict]
