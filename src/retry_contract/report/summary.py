"""An outcome as Markdown: what a merge request shows."""

from __future__ import annotations

from collections.abc import Iterator

from retry_contract.outcome import Outcome, RuleResult, RuleState, Verdict
from retry_contract.report.text import closing_lines, verdict_line
from retry_contract.rules import RULES

_TO_DO = {
    Verdict.KEPT: "Nothing to do.",
    Verdict.BROKEN: (
        "Show the rows above to whoever runs the service: each names the statement that it "
        "breaks. If a rule does not hold for you, `--ignore RULE` leaves it out, visibly."
    ),
    Verdict.NOT_TESTED: "Mend what the first line names, and run again: nothing was proved.",
    Verdict.UNUSABLE: "Correct the command as the first line says, and run again.",
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
    for contract in outcome.contracts:
        for drift in contract.drift:
            yield ""
            yield f"Drift in {contract.contract}: `{drift.pointer or '/'}` {_cell(drift.message)}."
    yield ""
    yield f"**What to do.** {_TO_DO[outcome.verdict]}"
    yield ""
    yield _cell(next(closing_lines(outcome)))


def _rows(result: RuleResult) -> Iterator[str]:
    rule = RULES[result.rule]
    for v in result.violations:
        cells = (
            result.contract,
            f"`{rule.id}`",
            f"`{v.pointer}`" if v.pointer else "the reply",
            v.expected,
            v.actual,
            f"{rule.source} ({rule.basis})",
        )
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
