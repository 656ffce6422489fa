"""`timeline`, `rules` and `explain`: they print the contract, and check nothing."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retry_contract.cli.output import write_json, write_lines
from retry_contract.cli.subcommand import Subcommand
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.timeline import show
from retry_contract.outcome import ExitCode, UsageError

if TYPE_CHECKING:
    from retry_contract.rules import Rule


def _command(
    name: str,
    about: str,
    lines: Callable[[argparse.Namespace], Iterable[str]],
    example: str = "",
    *options: tuple[str, str, str],
    document: Callable[[argparse.Namespace], dict[str, Any]] | None = None,
) -> Subcommand:
    def run(options: argparse.Namespace) -> int:
        if document is not None and options.json:
            write_json(document(options))
        else:
            write_lines(lines(options))
        return ExitCode.KEPT

    as_json = [("--json", "", "print it as JSON")] if document else []
    epilog = f"example: retry-contract {name}{example}"
    return Subcommand(name, run, about, epilog, (*options, *as_json))


def _timeline(_: argparse.Namespace) -> Iterator[str]:
    timeline = catalogue().timeline
    now = timeline.at(datetime.now(UTC))
    for period in timeline:
        begin = period.effective_from
        since = f"from {show(begin)}" if begin else "from the beginning"
        mark = "  (in force now)" if period is now else ""
        yield f"{period.name}  {since}{mark}"
        yield f"  {period.summary}"
        for announced in period.announcements:
            yield f"  announced for {announced.effective_from}: {announced.note}"
        if period.transition:
            first, end = period.transition
            yield f"  transition from {show(first)} until {show(end)}: the other one is drift"


def _timeline_document(_: argparse.Namespace) -> dict[str, Any]:
    from retry_contract.report.reference_document import timeline_document

    return timeline_document(catalogue().timeline, datetime.now(UTC))


def _rules(_: argparse.Namespace) -> Iterator[str]:
    from retry_contract.rules import RULES
    from retry_contract.rules.sources import sources

    for rule in RULES.values():
        yield f"{rule.id}  [{rule.section}]"
        yield from _rule_lines(rule)
    yield ""
    yield "basis: the page states it, it is published elsewhere, or inferred from either."
    for source in sources().values():
        if source.not_tested:
            yield f"not tested: {source}: {source.not_tested}"


def _rules_document(_: argparse.Namespace) -> dict[str, Any]:
    from retry_contract.report.reference_document import rules_document

    return rules_document()


def _rule_lines(rule: "Rule") -> Iterator[str]:
    from retry_contract.report.text import detail_lines, source_details

    yield f"  {rule.sentence}"
    yield from detail_lines([("basis", str(rule.basis)), *source_details(rule)])


def _named_rule(options: argparse.Namespace) -> "Rule":
    from retry_contract.rules import rule_named

    try:
        return rule_named(options.rule)
    except LookupError as error:
        raise UsageError(str(error)) from None


def _explain(options: argparse.Namespace) -> list[str]:
    from retry_contract.cli.explain import explain, explanation_lines

    rule = _named_rule(options)
    return [rule.id, *_rule_lines(rule), "", *explanation_lines(explain(rule), rule)]


def _explain_document(options: argparse.Namespace) -> dict[str, Any]:
    from retry_contract.cli.explain import explain, explanation_document
    from retry_contract.report.reference_document import rule_document

    rule = _named_rule(options)
    return rule_document(rule) | explanation_document(explain(rule))


_EXPLAIN = "explain a rule, by what keeps and what breaks it"
COMMANDS = (
    _command(
        *("timeline", "print which contract holds when", _timeline), document=_timeline_document
    ),
    _command(
        *("rules", "print every rule with its source and basis", _rules), document=_rules_document
    ),
    _command(
        *("explain", _EXPLAIN, _explain, " message-id-kept", ("rule", "RULE", "")),
        document=_explain_document,
    ),
)
