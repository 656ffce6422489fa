"""The verdict on each of the consumers that integrators write, and the table in the docs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import consumers, trying
from support.sample import one_in

from retry_contract.consumer.readiness import Readiness, Result

DOCUMENT = Path(__file__).parents[3] / "docs" / "consumer.md"
OK, BREAKS, DIFFERS = Result.OK, Result.BREAKS, Result.DIFFERS

OPEN = (OK, OK, OK, OK, OK)
CLOSED = (OK, BREAKS, BREAKS, BREAKS, BREAKS)
ROWS: dict[str, tuple[str, tuple[Result, ...], str]] = {
    "pydantic_plain": ("pydantic", OPEN, ""),
    "pydantic_forbid": ('pydantic, `extra="forbid"`', CLOSED, "pydantic: "),
    "dataclass_keywords": ("dataclass, `Reply(**reply)`", CLOSED, "dataclass: "),
    "namedtuple_keywords": ("NamedTuple, `Reply(**reply)`", CLOSED, "NamedTuple: "),
    "attrs_keywords": ("attrs, `Reply(**reply)`", CLOSED, "attrs: "),
    "marshmallow_default": ("marshmallow", CLOSED, "marshmallow: set `unknown = EXCLUDE`"),
    "marshmallow_exclude": ("marshmallow, `unknown=EXCLUDE`", OPEN, ""),
    "msgspec_plain": ("msgspec", OPEN, ""),
    "msgspec_forbid": ("msgspec, `forbid_unknown_fields`", CLOSED, "msgspec: "),
    "cattrs_plain": ("cattrs", OPEN, ""),
    "cattrs_forbid": ("cattrs, `forbid_extra_keys`", CLOSED, "cattrs: "),
    "dacite_plain": ("dacite", OPEN, ""),
    "dacite_strict": ("dacite, `strict`", CLOSED, "dacite: "),
    "typed_dict": ("TypedDict, read by name", OPEN, ""),
    "jsonschema_closed": ("jsonschema, closed", CLOSED, "jsonschema: "),
    "exact_key_set": ("the set of keys is compared", CLOSED, "let the code pass over"),
    "substring": ("finds creatorId as a substring", (OK, OK, OK, DIFFERS, OK), ""),
    "position": ("reads by position", (OK, OK, DIFFERS, DIFFERS, OK), ""),
    "unpacking": ("unpacks nine values", CLOSED, "Python: read the fields by name"),
    "last_member": ("reads the last member", (OK, OK, DIFFERS, DIFFERS, DIFFERS), ""),
    "required_creator": ("requires creatorId", (BREAKS, OK, OK, OK, BREAKS), ""),
    "whole_text": ("keeps the text as it is", OPEN, ""),
}
"""What it is called in the table, its result in each situation, and how the advice begins."""


@pytest.fixture(scope="module")
def verdict() -> Callable[[str], Readiness]:
    """Check a consumer, once however many tests ask."""
    known: dict[str, Readiness] = {}

    def of(name: str) -> Readiness:
        if name not in known:
            known[name] = trying.tried(getattr(consumers, name))
        return known[name]

    return of


@pytest.mark.parametrize("name", one_in(5, ROWS))
def test_each_consumer_gets_its_verdict(name: str, verdict: Any) -> None:
    _, results, advice = ROWS[name]
    found = verdict(name)
    assert tuple(tried.result for tried in found.situations[:5]) == results
    assert found.ready is (results in (OPEN, (BREAKS, OK, OK, OK, BREAKS)))
    told = found.of(found.period).finding
    given = told.advice if told is not None else ""
    assert given.startswith(advice)
    assert bool(given) is bool(advice)


def test_every_consumer_is_in_the_table() -> None:
    written = {n for n, v in vars(consumers).items() if callable(v) and n.islower()}
    assert written == ROWS.keys()


@pytest.mark.slow
def test_the_documented_table_is_what_was_found(verdict: Any) -> None:
    lines = ["| reader | before | after | another order | one more field | paired | |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, (title, _, _) in ROWS.items():
        found = verdict(name)
        cells = [title, *(str(tried.result) for tried in found.situations[:5])]
        lines.append("| " + " | ".join([*cells, "READY" if found.ready else "NOT READY"]) + " |")
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("<!-- consumers -->\n")
    shown, _, _ = rest.partition("<!-- end of consumers -->")
    assert shown == "\n".join(lines) + "\n"
