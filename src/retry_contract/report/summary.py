"""An outcome as Markdown: what a merge request shows."""

from __future__ import annotations

from collections.abc import Iterator

from retry_contract.outcome import Outcome, RuleResult, RuleState, Verdict
from retry_contract.report.text import closing_lines, reason_lines, verdict_line
from retry_contract.rules import RULES

_DRIFT = (
    "Nothing is broken: the drift above is what the contract does not speak of. Ask whoever runs "
    "the service, or leave out `--strict` to have it reported only."
)
_TO_DO = {
    Verdict.KEPT: "Nothing to do.",
    Verdict.BROKEN: (
        "Show the rows above to the service's team: each names the statement that it "
        "breaks, and `retry-contract explain RULE` shows an example. If a rule does not hold for "
        "you, `--ignore RULE` leaves it out, visibly."
    ),
    Verdict.NOT_TESTED: "Mend what the first line names, and run again: nothing was proved.",
    Verdict.USAGE_ERROR: "Correct the command as the first line says, and run again.",
}


def summary(outcome: Outcome) -> str:
    """Return the outcome, what broke, and what to do, as Markdown."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"## retry-contract: {outcome.verdict}"
    yield ""
    yield _cell(verdict_line(outcome))
    broken = outcome.in_state(RuleState.BROKEN)
    if broken:
        yield ""
        yield "| contract | rule | at | expected | came | source |"
        yield "|---|---|---|---|---|---|"
        for result in broken:
            yield from _rows(result)
    notes = list(_notes(outcome))
    if notes:
        yield ""
        yield from notes
    yield ""
    only_drift = outcome.verdict is Verdict.BROKEN and not broken
    yield f"**What to do.** {_DRIFT if only_drift else _TO_DO[outcome.verdict]}"
    yield ""
    yield _cell(next(closing_lines(outcome)))


def _notes(outcome: Outcome) -> Iterator[str]:
    for contract in outcome.contracts:
        for drift in contract.drift:
            place = _code(drift.pointer) if drift.pointer else "the body"
            yield f"- drift in {contract.contract}: {place}: {_cell(drift.message)}"
    yield from (f"- {_cell(reason)}" for reason in reason_lines(outcome))


def _rows(result: RuleResult) -> Iterator[str]:
    rule = RULES[result.rule]
    for v in result.violations:
        cells = (
            result.contract,
            _code(rule.id),
            _code(v.pointer) if v.pointer else "the response",
            _cell(v.expected),
            _cell(v.actual),
            _cell(f"{rule.source} ({rule.basis})"),
        )
        yield "| " + " | ".join(cells) + " |"


def _code(text: str) -> str:
    """Show a name that a service chose as code, in which Markdown reads nothing."""
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
