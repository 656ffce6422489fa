"""An outcome as Markdown: what a merge request shows."""

from collections.abc import Iterator

from retry_contract.outcome import SHOWN, More, Outcome
from retry_contract.report.bounded import bounded
from retry_contract.report.causes import Cause, causes, next_step
from retry_contract.report.known import entry_text, known_groups
from retry_contract.report.markdown import code, plain
from retry_contract.report.text import reason_lines, sent_line, verdict_line


def summary(outcome: Outcome) -> str:
    """Return the outcome, what broke, and what to do, as Markdown."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield from (f"## retry-contract: {outcome.verdict}", "", plain(verdict_line(outcome)))
    found, notes = causes(outcome), list(_notes(outcome))
    if found:
        yield from ("", "| what came | expected | seen in | contract | breaks | source |")
        yield from ("|---|---|---|---|---|---|", *map(_row, found[:SHOWN]))
        more = len(found[SHOWN:])
        yield from ("", f"and {more:,} more cause{'' if more == 1 else 's'}") if more else ()
    if notes:
        yield from ("", *notes)
    if outcome.samples is not None:
        yield from ("", f"{sent_line(outcome)[0].upper()}{sent_line(outcome)[1:]}.")
    yield from ("", f"**What to do.** {next_step(outcome)}")
    if outcome.replay:
        yield from ("", f"To see it again: {code(outcome.replay)}")


def _row(cause: Cause) -> str:
    cells = (
        plain(cause.violation.what),
        plain(cause.violation.expected),
        plain("; ".join(cause.responses)),
        cause.contract,
        ", ".join(map(code, cause.rules)),
        "; ".join(f"{plain(s.sentence)} ([{s.page}]({s.address}))" for s in cause.sources),
    )
    return "| " + " | ".join(cells) + " |"


def _notes(outcome: Outcome) -> Iterator[str]:
    shown, more = bounded(outcome)
    for contract in shown.contracts:
        for drift in contract.drift:
            place = code(drift.pointer) if drift.pointer else "the body"
            yield f"- drift in {contract.contract}: {place}: {plain(drift.message)}"
    yield from (f"- {line}" for line in More(drift=more.drift).lines())
    for heading, entries in known_groups(outcome):
        yield f"- {plain(heading)}: {len(entries):,}"
        yield from (f"  - {plain(entry_text(entry))}" for entry in entries[:SHOWN])
        yield from [f"  - and {len(entries[SHOWN:]):,} more"] if entries[SHOWN:] else ()
    yield from (f"- {plain(reason)}" for reason in reason_lines(outcome))
