"""What `rules` and `timeline` print as JSON."""

from datetime import datetime
from typing import Any

from retry_contract.contract.timeline import Period, Timeline, show
from retry_contract.report.json_document import source_document
from retry_contract.rules import RULES, Rule
from retry_contract.rules.reach import reached_by
from retry_contract.rules.sources import sources


def rules_document() -> dict[str, Any]:
    """Return every rule with its source and basis, and the statements that none can test."""
    untested = [source for source in sources().values() if source.not_tested]
    return {
        "rules": [rule_document(rule) for rule in RULES.values()],
        "not_tested": [{**source_document(s), "reason": s.not_tested} for s in untested],
    }


def rule_document(rule: Rule) -> dict[str, Any]:
    """Return a rule with its source and basis, and what exercises it."""
    return {
        "rule": rule.id,
        "section": rule.section,
        "sentence": rule.sentence,
        "basis": str(rule.basis),
        "source": rule.source,
        "sources": [source_document(source) for source in rule.sources],
        "reached_by": dict(reached_by(rule.id)),
    }


def timeline_document(timeline: Timeline, now: datetime) -> dict[str, Any]:
    """Return which contract holds when, and which one is in force now."""
    return {
        "now": show(now),
        "in_force": timeline.at(now).name,
        "contracts": [_period_document(period) for period in timeline],
    }


def _period_document(period: Period) -> dict[str, Any]:
    days = period.transition
    return {
        "contract": period.name,
        "alias": period.alias,
        "summary": period.summary,
        "effective_from": period.effective_from and show(period.effective_from),
        "announcements": [
            {"effective_from": a.effective_from, "note": a.note, "source": a.source}
            for a in period.announcements
        ],
        "transition": days and {"from": show(days[0]), "until": show(days[1])},
    }
