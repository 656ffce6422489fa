"""What the check finds of the readers that integrators write, and the table in the docs."""

from __future__ import annotations

import functools
import importlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
import pytest
from support import consumers, libraries
from support.in_process_reader import readiness
from support.sample import one_in
from support.tools import missing

from retry_contract.consumer.readiness import Readiness, Result
from retry_contract.outcome import Verdict

Response = dict[str, Any]
DOCUMENT = Path(__file__).parents[3] / "docs" / "consumer.md"
OK, BREAKS, DIFFERS = Result.OK, Result.BREAKS, Result.DIFFERS
PAYLOADS = 200
"""How many make it likely that a next field stands before `creatorId` and holds its own."""

Results = tuple[Result, ...]
OPEN: Results = (OK, OK, OK, OK, OK)
CLOSED: Results = (OK, BREAKS, BREAKS, BREAKS, BREAKS)
BY_NAME = "read each field by its name"
ROWS: dict[str, tuple[str, Results, str]] = {
    "pydantic_plain": ("pydantic", OPEN, ""),
    "pydantic_forbid": ('pydantic, `extra="forbid"`', CLOSED, "pydantic: "),
    "dataclass_keywords": ("dataclass, `Message(**response)`", CLOSED, "dataclass: "),
    "namedtuple_keywords": ("NamedTuple, `Message(**response)`", CLOSED, "NamedTuple: "),
    "attrs_keywords": ("attrs, `Message(**response)`", CLOSED, "attrs: "),
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
    "substring": ("finds creatorId as a substring", (OK, OK, OK, DIFFERS, OK), BY_NAME),
    "position": ("reads by position", (OK, OK, DIFFERS, DIFFERS, OK), BY_NAME),
    "unpacking": ("unpacks nine values", CLOSED, "Python: read the fields by name"),
    "last_member": ("reads the last member", (OK, OK, DIFFERS, DIFFERS, DIFFERS), BY_NAME),
    "required_creator": ("requires creatorId", (BREAKS, OK, OK, OK, BREAKS), ""),
    "whole_text": ("keeps the text as it is", OPEN, ""),
    "csv_strict": ("csv.DictWriter", CLOSED, "csv.DictWriter: "),
    "csv_tolerant": ('csv.DictWriter, `extrasaction="ignore"`', OPEN, ""),
    "protobuf_strict": ("protobuf, `ParseDict`", CLOSED, "protobuf: "),
    "protobuf_tolerant": ("protobuf, `ignore_unknown_fields`", OPEN, ""),
    "fastavro_tolerant": ("fastavro", OPEN, ""),
    "fastavro_strict": ("fastavro, `strict`", CLOSED, "fastavro: "),
    "sqlalchemy_strict": ("SQLAlchemy, `Message(**response)`", CLOSED, "SQLAlchemy: "),
    "sqlalchemy_tolerant": ("SQLAlchemy, its own columns alone", OPEN, ""),
    "django_strict": ("Django, `Message(**response)`", CLOSED, "Django: "),
    "django_tolerant": ("Django, its own fields alone", OPEN, ""),
    "mashumaro_tolerant": ("mashumaro", OPEN, ""),
    "mashumaro_strict": ("mashumaro, `forbid_extra_keys`", CLOSED, "mashumaro: "),
    "pandas_strict": ("pandas, a row of values", CLOSED, "pandas: "),
    "pandas_tolerant": ("pandas, columns by name", OPEN, ""),
}
"""What it is called in the table, its result in each scenario, and how the advice begins."""

OPTIONAL = {name: name for name in ("fastavro", "sqlalchemy", "django", "mashumaro", "pandas")}
OPTIONAL["protobuf"] = "google.protobuf"
"""The module of each library that is in the group `libraries` alone."""


def module_of(row: str) -> str:
    return OPTIONAL.get(row.partition("_")[0], "")


@functools.cache
def found_of(row: str) -> Readiness:
    """Check a reader, once however many tests ask."""
    return readiness(getattr(consumers, row, None) or getattr(libraries, row), PAYLOADS)


def advice_of(found: Readiness) -> str:
    """Return the advice on the first failure that counts."""
    failures = (s.finding for s in found.scenarios if s.counts and s.finding)
    return next((finding.advice for finding in failures), "")


OF_LIBRARIES = [pytest.param(row, marks=pytest.mark.slow) for row in ROWS if module_of(row)]


@pytest.mark.parametrize(
    "row", one_in(5, (row for row in ROWS if not module_of(row))) + OF_LIBRARIES
)
def test_each_reader_gets_its_results_and_advice(row: str) -> None:
    require(module_of(row))
    _, results, advice = ROWS[row]
    found = found_of(row)
    assert tuple(scenario.result for scenario in found.scenarios[:5]) == results
    assert advice_of(found).startswith(advice)
    assert bool(advice_of(found)) is bool(advice)
    assert (found.verdict is Verdict.KEPT) is not bool(advice)


def test_every_reader_is_in_the_table() -> None:
    of_libraries = {name for name in vars(libraries) if name.endswith(("_strict", "_tolerant"))}
    own = {name for name, held in vars(consumers).items() if callable(held) and name.islower()}
    assert own | of_libraries == ROWS.keys()


@pytest.mark.slow
def test_the_documented_table_is_what_was_found() -> None:
    for module in OPTIONAL.values():
        require(module)
    lines = ["| reader | before | after | another order | one more field | paired | outcome |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row, (title, _, _) in ROWS.items():
        found = found_of(row)
        outcome = "READY" if found.verdict is Verdict.KEPT else "NOT READY"
        cells = [title, *(str(scenario.result) for scenario in found.scenarios[:5]), outcome]
        lines.append(f"| {' | '.join(cells)} |")
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("<!-- readers -->\n")
    assert rest.partition("<!-- end of readers -->")[0] == "\n".join(lines) + "\n"


def require(module: str) -> None:
    try:
        importlib.import_module(module or "builtins")
    except ModuleNotFoundError:
        missing(f"{module} cannot be imported: install the group `libraries`")


class Tolerant(pydantic.BaseModel):
    id: str
    latestStatus: str  # noqa: N815


@dataclass
class Message:
    id: str
    status: str


@pytest.mark.parametrize(
    "read",
    [
        lambda response: (response["id"], response["latestStatus"]),
        lambda response: Tolerant.model_validate(response),
        lambda response: Message(id=response["id"], status=response["latestStatus"]),
    ],
    ids=["a tuple", "pydantic", "a dataclass"],
)
def test_a_reader_of_named_fields_is_ready(read: Callable[[Response], Any]) -> None:
    found = readiness(read, PAYLOADS)
    assert found.verdict is Verdict.KEPT
    assert [scenario.result for scenario in found.scenarios] == [OK] * 6
    assert found.notes == ()


@pytest.mark.parametrize(
    ("read", "pointer"),
    [
        (lambda response: {"n": len(response), "id": response["id"]}, "/n"),
        (lambda response: len(response), ""),
    ],
    ids=["among others", "alone"],
)
def test_a_count_of_fields_differs_unless_it_is_accepted(
    read: Callable[[Response], Any], pointer: str
) -> None:
    found = readiness(read)
    assert found.verdict is Verdict.BROKEN
    assert [str(s.result) for s in found.scenarios[3:5]] == ["differs", "differs"]
    option, accept = shlex.split(advice_of(found).partition("; if it is meant to differ, give ")[2])
    assert (option, accept) == ("--accept", pointer)
    again = readiness(read, accept=[accept])
    assert again.verdict is Verdict.KEPT
    assert [note for note in again.notes if note.startswith("Accepted (paired): ")]
