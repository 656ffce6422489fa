"""Writes the table of docs/cutover.md: what `verify` says before, during and after a cutover."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve
from retry_contract.outcome import Outcome
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.report.causes import causes
from retry_contract.report.text import verdict_line
from retry_contract.rules import RULES
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.http import Request, Response
from retry_contract.service.model import PREFIX
from retry_contract.verification.findings import outcome_of
from retry_contract.verification.options import Options, read_options
from retry_contract.verification.verification import Verification

PAGE = Path(__file__).parents[1] / "docs" / "cutover.md"
BEGIN, END = "<!-- cutover: begin -->\n", "<!-- cutover: end -->\n"
_CHANGE = 20
"""At which request the contract changes where it does so during a run."""


@dataclass(frozen=True)
class Row:
    """One row: when it is run, what is served, and the options of `verify`.

    `contracts` are served in turn, one request each; with `change` the last from a request on.
    """

    when: str
    service: str
    options: dict[str, str]
    contracts: tuple[str, ...]
    change: bool = False


_OLD, _NEW, _BOTH = ("before",), ("after",), ("after", "before")
ROWS = (
    Row("the week before", "old", {"on": "2025-02-17"}, _OLD),
    Row("the week before", "new, to try it", {"contract": "after"}, _NEW),
    Row(
        "that day",
        "old, then new",
        {"on": "2025-02-24"},
        _BOTH[::-1],
        True,
    ),
    Row("the week before", "one of two instances is new", {"on": "2025-02-17"}, _BOTH),
    Row("that day", "one of two instances is old", {"on": "2025-02-24"}, _BOTH),
    Row("the day after", "new", {"on": "2025-02-25"}, _NEW),
    Row("the day after", "old, then new", {"on": "2025-02-25"}, _BOTH[::-1], True),
    Row("the day after", "one of two instances is old", {"on": "2025-02-25"}, _BOTH),
    Row("the day after", "old: the cutover was missed", {"on": "2025-02-25"}, _OLD),
    Row("the day after", "old: the cutover was missed", {"contract": "served"}, _OLD),
)


@dataclass
class Clock:
    """A clock that moves with the requests and the waits alone, so that each run is alike."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def table() -> str:
    """Return the rows of the table."""
    return "".join(map(_line, ROWS))


def _line(row: Row) -> str:
    outcome = verify(row)
    options = " ".join(f"--{name} {value}" for name, value in row.options.items())
    said = verdict_line(outcome).partition(", but ")[0].rstrip(".")
    said = said.replace(f" by {outcome.endpoint}", "")
    found = dict.fromkeys(cause.violation.what.partition("; ")[0] for cause in causes(outcome))
    drift = {d.message.partition(" (transition)")[0] for c in outcome.contracts for d in c.drift}
    notes = sorted(note for note in drift if note not in said)
    text = "; ".join([said, *found, *(f"drift: {note}" for note in notes)])
    code = int(outcome.verdict.exit_code)
    return f"| {row.when} | {row.service} | `{options}` | {code} | {text} |\n"


def verify(row: Row) -> Outcome:
    """Return the outcome of a run against what a row serves."""
    contracts, clock, numbers = catalogue(), Clock(), itertools.count(1)
    sandbox = Sandbox(contracts, Start(row.contracts[0]), lambda: clock.now)

    def answer(request: Request) -> Response:
        number = next(numbers)
        served = number >= _CHANGE if row.change else number % len(row.contracts)
        sandbox.serve(row.contracts[int(served)])
        clock.wait(0.005)
        return sandbox.handle(request)

    with serve(answer) as (url,):
        given = {"endpoint": url + PREFIX, "campaign": sandbox.own.id, "fuzz": "0"}
        given |= {"provision": "simulator", **row.options}
        environment = {**os.environ, "POSTMAN_API_KEY": sandbox.own.key}
        options = read_options(given, catalogue=contracts, environment=environment)
        with _verification(options, clock) as (verification, name):
            results = {(name, rule): verification.check(name, rule) for rule in RULES}
            found = verification.findings()
            found.results |= results
    return outcome_of(found, [name], options, Scrubber(url + PREFIX), {})


@contextlib.contextmanager
def _verification(options: Options, clock: Clock) -> Iterator[tuple[Verification, str]]:
    with contextlib.closing(Verification(options)) as verification:
        (name,) = verification.names
        endpoint = verification.run(name).prober.endpoint
        with mock.patch.object(endpoint, "wait", clock.wait):
            yield verification, name


def written() -> dict[Path, str]:
    """Return the page's file with its content."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return {PAGE: before + BEGIN + _HEAD + table() + END + rest.partition(END)[2]}


_HEAD = """\
| when | what is served | `verify` with | exit | it says |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    for file, content in written().items():
        file.write_text(content, encoding="utf-8")
