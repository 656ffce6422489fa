"""What a run says of its baseline: what is known, what has gone, and what is not sure."""

from collections.abc import Iterator
from typing import Any

from retry_contract.outcome import EXERCISED, SHOWN, Entry, KnownBreaches, Outcome, RuleState
from retry_contract.rules import ESSENTIAL
from retry_contract.verification.baseline import DRIFT
from retry_contract.verification.baseline_file import entry_document

_HEADINGS = {
    "known": "known, by the baseline",
    "expired": "expired in the baseline, and so broken",
    "gone": "gone since the baseline was written; --write-baseline drops",
    "not_exercised": "in the baseline, and not exercised this time",
}


def known_document(outcome: Outcome) -> dict[str, Any] | None:
    """Return what became of the entries of the baseline; None without one."""
    if outcome.baseline is None:
        return None
    return {
        name: [entry_document(entry) for entry in getattr(outcome.baseline, name)]
        for name in _HEADINGS
    }


def known_groups(outcome: Outcome) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Yield what became of entries, each with the entries, where there are any."""
    for name, heading in _HEADINGS.items():
        if outcome.baseline is not None and (entries := getattr(outcome.baseline, name)):
            yield heading, entries


def known_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the entries of the baseline by what became of them, a line each."""
    for heading, entries in known_groups(outcome):
        yield f"{heading}: {len(entries):,} {'entry' if len(entries) == 1 else 'entries'}"
        yield from (f"  {entry_text(entry)}" for entry in entries[:SHOWN])
        if entries[SHOWN:]:
            yield f"  and {len(entries[SHOWN:]):,} more"


def entry_text(entry: Entry) -> str:
    """Return an entry in a line: the rule and place, and what people wrote of it."""
    place = f" at {entry.pointer}" if entry.pointer else ""
    place += f": {entry.came}" if entry.came else ""
    until = f", until {entry.expires}" if entry.expires else ""
    written = "".join(f"; {text}" for text in (entry.ticket, entry.reason) if text)
    return f"{entry.rule}{place} ({entry.contract}, since {entry.first_seen}{until}{written})"


def known_clause(outcome: Outcome) -> str:
    """Return what the outcome line says of the baseline: what is known, and what has expired."""
    rules = {result.rule for result in outcome.in_state(RuleState.KNOWN)}
    found = outcome.baseline or KnownBreaches()
    more = "; drift is known" if any(entry.rule == DRIFT for entry in found.known) else ""
    if expired := len(found.expired):
        have = "entry of the baseline has" if expired == 1 else "entries of the baseline have"
        more += f"; {expired:,} {have} expired"
    if not rules:
        return more
    are = "rule is" if len(rules) == 1 else "rules are"
    every = ", each about an accepted retry that was exercised among them"
    hides = any(
        states and states == {RuleState.KNOWN}
        for contract in outcome.contracts
        if (
            states := {
                result.state
                for result in contract.rules
                if result.rule in ESSENTIAL and result.state in EXERCISED
            }
        )
    )
    return f"; {len(rules)} {are} known to be broken{every * hides}{more}"
