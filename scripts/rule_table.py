"""Writes docs/rules.md: each rule, who says so, what exercises it, and which faults break it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from retry_contract.rules import RULES, Rule
from retry_contract.rules.reach import reached_by
from retry_contract.rules.sources import Source, sources
from retry_contract.service.faults import FAULTS

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
HEAD = """\
# The rules

`verify` checks these {count} rules for each contract. A rule is one sentence with its source and
its basis: `page`, the endpoint's own page states it; `published`, another public page does;
`inferred`, it follows from either. Below the table, each rule has what exercises it on a live
service, as options of `verify` or states of the [hook](states.md), and the [faults](faults.md) that
break it.

`explain` shows a rule by an exchange that keeps it and one that breaks it, and `rules` lists all
rules; both take `--json`:

```sh
uv run retry-contract explain creator-id-as-contracted
uv run retry-contract rules
```

`--ignore RULE` leaves out a rule that does not hold for you, visibly; `--require RULE` ends a run
that did not exercise it with 3. `python scripts/rule_table.py` writes this page.

"""
OVERVIEW = "| rule | it says | basis |\n|---|---|---|\n"
RETRY = """\
## What gives an accepted retry

Each of these alone: {ways}.

"""
_STATE = "state "

Ways = Sequence[Sequence[str]]


def page() -> str:
    """Return the page: an overview, then the rules by section."""
    retry = RETRY.format(ways=_listed(reached_by("status-is-201")["here"]))
    head = HEAD.format(count=len(RULES))
    return "".join([head, *_overview(), retry, *_sections(), *_untested()])


def _overview() -> Iterator[str]:
    yield OVERVIEW
    for rule in RULES.values():
        yield f"| [`{rule.id}`](#{rule.id}) | {rule.sentence} | {rule.basis} |\n"
    yield "\n"


def _sections() -> Iterator[str]:
    for section, rules in groupby(RULES.values(), attrgetter("section")):
        yield f"## Section: {section}\n\n"
        for rule in rules:
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}\n\n{rule.sentence}\n\n"
    yield f"- Basis: {rule.basis}\n"
    for page in dict.fromkeys(map(_page, rule.sources)):
        stated = [source.sentence for source in rule.sources if _page(source) == page]
        yield f"- Source: {_statements(page, stated)}\n"
    here, elsewhere = map(_exercised, map(reached_by(rule.id).get, ("here", "elsewhere")))
    if here == elsewhere:
        yield f"- Exercised by: {here}\n"
    else:
        yield f"- Exercised on this machine by: {here}\n- Exercised elsewhere by: {elsewhere}\n"
    faults = [f"`{fault.name}`" for fault in FAULTS.values() if fault.rule == rule.id]
    yield f"- Faults: {', '.join(faults)}\n" if faults else ""
    yield f"- Example: `retry-contract explain {rule.id}`\n\n"


def _page(source: Source) -> tuple[str, str]:
    return source.page, source.address


def _statements(page: tuple[str, str], sentences: Sequence[str]) -> str:
    title, address = page
    return f"[{title}]({address}): {'; '.join(sentences)}"


def _exercised(ways: Ways | None) -> str:
    """Return what exercises a rule, in a few words where many things do."""
    if not ways:
        return "nothing, since no generated retry can be accepted there"
    if [] in ways:
        return "a key and a campaign"
    if ways == reached_by("status-is-201")["here"]:
        return "[an accepted retry](#what-gives-an-accepted-retry)"
    if ways == reached_by("neighbours-match-schema")["here"]:
        return "any message"
    return _listed(ways)


def _listed(ways: Ways) -> str:
    """Return the options, then the states, each of which does alone."""
    states = [f"`{_state(way[0])}`" for way in ways if _is_state(way)]
    said = [" with ".join(map(_given, way)) for way in ways if not _is_state(way)]
    return "; ".join([*said, *([f"a message in state {', '.join(states)}"] if states else [])])


def _is_state(way: Sequence[str]) -> bool:
    return len(way) == 1 and way[0].startswith(_STATE)


def _state(word: str) -> str:
    return word.removeprefix(_STATE)


def _given(word: str) -> str:
    """Return a word of reach.json: an option, which may have a note, or a state."""
    if word.startswith(_STATE):
        return f"a message in state `{_state(word)}`"
    option, _, note = word.partition(" (")
    return f"`{option}` ({note}" if note else f"`{option}`"


def _untested() -> Iterator[str]:
    yield "## What no rule tests\n\n"
    for source in sources().values():
        if source.not_tested:
            said = _statements(_page(source), [source.sentence])
            yield f"- {said}. It is not tested: {source.not_tested}.\n"


def written() -> dict[Path, str]:
    """Return the page's file with its content."""
    return {PAGE: page()}


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
