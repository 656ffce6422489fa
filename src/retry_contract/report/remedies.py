"""What to do about an outcome, for what is common as concretely as the outcome allows."""

import re
from collections.abc import Callable, Iterator

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import show_day
from retry_contract.outcome import Outcome, RuleState, Verdict
from retry_contract.report.causes import causes, next_step
from retry_contract.rules import GENERATED
from retry_contract.verification.outage import NO_RESPONSE

Remedies = Iterator[str]

_OPTION = re.compile("retry-contract explain RULE|--[a-z-]+(?: RULE| FILE)?")
_SENTENCES = re.compile(r"(?<=\.) ")
_OF_CONTRACTS = frozenset(
    {"creator-id-as-contracted", "one-contract-served", "contract-in-force-served"}
    | {"neighbours-match-schema", "same-shape-as-single-send", "creator-id-kept", *GENERATED}
)
"""The rules that break where another contract is served than the one that is expected."""

_OF_SANDBOX = (
    "The endpoint is the kit's own sandbox. What a `--fault` of its command breaks is meant to be "
    "broken; without one, the contract that it serves is not the one that this run expects."
)


def remedies(outcome: Outcome) -> tuple[str, ...]:
    """Return what to do next, a step each, the most concrete first. Backticks enclose code."""
    if outcome.sandbox and outcome.verdict is Verdict.BROKEN:
        return (_OF_SANDBOX,)
    found = dict.fromkeys(step for steps in _OF_VERDICT[outcome.verdict] for step in steps(outcome))
    general, *more = _SENTENCES.split(_OPTION.sub(r"`\g<0>`", next_step(outcome)))
    if outcome.verdict is Verdict.KEPT:
        return tuple(found) or (general,)
    # A guess at what the cutover has to do with it explains no other cause.
    others = any(not _OF_CONTRACTS.issuperset(cause.rules) for cause in causes(outcome))
    return (general, *found, *more) if others else (*found, general, *more)


def _another_contract(outcome: Outcome) -> Remedies:
    for result in outcome.in_state(RuleState.BROKEN):
        if result.rule == "one-contract-served":
            yield (
                "Some responses keep one contract, and some another. Ask the service's team "
                "whether every instance has the new version; if a deployment goes on, run again "
                "after it."
            )
        if result.rule == "contract-in-force-served":
            yield _of_cutover(result.contract)


def _of_cutover(expected: str) -> str:
    """Return what to do where another contract is served than the one that is expected."""
    timeline = catalogue().timeline
    period = timeline.period(expected)
    begin = period.effective_from
    cutover = f" of {show_day(begin)}" if begin else ""
    others = [other.alias for other in timeline if other is not period]
    served = others[0] if len(others) == 1 else "served"
    return (
        f"Responses look as if another contract than {expected} is served. Ask the service's team "
        f"whether this environment has had the cutover{cutover}. If not, "
        f"`--contract {served}` tests what is served."
    )


def _secret_shown(outcome: Outcome) -> Remedies:
    if _is_broken(outcome, "no-secret-echoed"):
        yield (
            "First see what no-secret-echoed found: if a response shows the API key, have the "
            "key replaced, since logs may hold it."
        )


def _server_error(outcome: Outcome) -> Remedies:
    if _is_broken(outcome, "no-server-error"):
        yield (
            "The service answered one request with a 5xx, and an ordinary one right after it as "
            "usual. Ask its team for its log of the time of this run."
        )


def _silence(outcome: Outcome) -> Remedies:
    if (outcome.reason or "").startswith(NO_RESPONSE):
        yield (
            "Check that the service runs, that its address is the one that you mean, and that "
            "this machine can reach it: a firewall may be in between, or `--proxy` be needed."
        )


def _model(outcome: Outcome) -> Remedies:
    if outcome.endpoint == "mock":
        yield (
            "Nothing to correct. This run tested the kit's own model: name your service with "
            "`--endpoint URL` to test it."
        )


def _superseded(outcome: Outcome) -> Remedies:
    if outcome.superseded is not None:
        yield (
            f"The contract that is served was superseded on {outcome.superseded}: ask the "
            "service's team when this environment has its cutover."
        )


def _missing(outcome: Outcome) -> Remedies:
    if outcome.endpoint != "mock" and outcome.in_state(RuleState.NOT_EXERCISED):
        fine = "" if outcome.in_state(RuleState.KNOWN) else "Nothing is broken. "
        yield f"{fine}What was not exercised is listed below, with what reaches it."


def _known(outcome: Outcome) -> Remedies:
    if outcome.in_state(RuleState.KNOWN):
        yield (
            "What the baseline knows is still to be mended: it is listed below, each with its day, "
            "after which it fails the run again."
        )


def _baseline(outcome: Outcome) -> Remedies:
    known = outcome.baseline
    if known and known.gone:
        yield "What is gone can leave the baseline: `--write-baseline FILE` drops it."


def _is_broken(outcome: Outcome, rule: str) -> bool:
    return any(result.rule == rule for result in outcome.in_state(RuleState.BROKEN))


_OF_VERDICT: dict[Verdict, tuple[Callable[[Outcome], Remedies], ...]] = {
    Verdict.KEPT: (_known, _model, _superseded, _missing, _baseline),
    Verdict.BROKEN: (_secret_shown, _another_contract, _server_error, _baseline),
    Verdict.NOT_TESTED: (_silence,),
    Verdict.USAGE_ERROR: (),
}
