"""Writes what exercises each rule, from real runs.

These are rules/reach.json, and the tables of docs/live.md and docs/states.md.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.endpoint.sandbox_client import states_of
from retry_contract.endpoint.server import serve
from retry_contract.fuzz.generate import Generator
from retry_contract.outcome import RuleState
from retry_contract.rules import ESSENTIAL, GENERATED, RULES
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.http import Request, Response
from retry_contract.service.model import PREFIX, Settings
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.options import read_options
from retry_contract.verification.run import Run
from retry_contract.verification.states import FOREIGN, STATES

ROOT = Path(__file__).parents[1]
PAGE, STATES_PAGE = ROOT / "docs" / "live.md", ROOT / "docs" / "states.md"
DATA = ROOT / "src" / "retry_contract" / "rules" / "reach.json"
SIMULATOR, MESSAGE = "--provision simulator", "--message ID"
EVERY_STATE = tuple(STATES)
SEVERAL = ("failure",) * 12 + ("success", "batch:messages_enqueued", "batch:other")
"""The states of several named messages: failed, delivered, and in batches."""

_A_MOMENT = 0.005
"""How long a request takes, in seconds."""
_OF_ANY = ("all responses", "cutover")
"""The sections of rules that any message exercises."""

_CITIZEN = "6590001234"
_LABELS = {
    "needs --provision simulator": "`--provision simulator`",
    "needs --foreign-campaign": "`--foreign-campaign`",
    "needs RETRY_CONTRACT_REVOKED_KEY": "the revoked key",
    "needs the hook": "the hook",
    "needs a message of a batch": "a message of a batch",
}


@dataclass
class Clock:
    """A clock that moves with the requests and the waits alone, so that each run is alike."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Provided:
    """One column: what is given to a run, here on this machine or elsewhere."""

    heading: str
    states: tuple[str, ...] = ()
    simulate: bool = False
    foreign: bool = False
    revoked: bool = False
    hook: tuple[str, ...] = ()
    here: bool = True
    fuzz: int = 0


COLUMNS = (
    Provided("one message", ("failure",)),
    Provided("several", SEVERAL),
    Provided("simulator", simulate=True),
    Provided("several, simulator, foreign campaign", SEVERAL, simulate=True, foreign=True),
    Provided("the hook", hook=EVERY_STATE),
    Provided(
        "the hook, simulator, foreign campaign, revoked key",
        simulate=True,
        foreign=True,
        revoked=True,
        hook=EVERY_STATE,
    ),
    Provided("elsewhere: one message", ("failure",), here=False),
    Provided("elsewhere: several", SEVERAL, here=False),
    Provided("elsewhere: simulator, foreign campaign", simulate=True, foreign=True, here=False),
)


def table() -> str:
    """Return the table: a row for each rule that something leaves out."""
    found = [(column.heading, reach(column)) for column in COLUMNS]
    lines = [
        " | ".join(["rule", *(heading for heading, _ in found)]),
        "|".join(["---"] * (len(COLUMNS) + 1)),
    ]
    for rule in RULES:
        cells = [states[rule] for _, states in found]
        if rule not in GENERATED and any(cells):
            lines.append(" | ".join([f"`{rule}`", *(cell or "yes" for cell in cells)]))
    head, rule, *rows = (f"| {line} |\n" for line in lines)
    return "".join([head, rule.replace(" ", ""), *rows])


def reach(provided: Provided) -> Mapping[str, str]:
    """Return for each rule why it is not exercised; "" if it is."""
    contracts, clock = catalogue(), Clock()
    # Generated cases wait in threads of their own, for real.
    settings = Settings(delivery=timedelta(milliseconds=20)) if provided.fuzz else Settings()
    now = (lambda: datetime.now(UTC)) if provided.fuzz else (lambda: clock.now)
    sandbox = Sandbox(contracts, Start("after", settings=settings), now)

    def answer(request: Request) -> Response:
        clock.wait(_A_MOMENT)
        return sandbox.handle(request)

    with serve(answer) as (url,), contextlib.closing(_endpoint(provided, sandbox, url)) as endpoint:
        if not provided.fuzz:
            endpoint.wait = clock.wait  # type: ignore[method-assign]
        generate = _generator(provided.fuzz) if provided.fuzz else None
        run = Run(endpoint, expect(contracts, "after"), callbacks=Callbacks(generate))
        results = [run.check(rule) for rule in RULES.values()]
    assert not any(result.violations for result in results)
    return {
        r.rule: _label(str(r.reason)) if r.state is RuleState.NOT_EXERCISED else "" for r in results
    }


def _endpoint(provided: Provided, sandbox: Sandbox, url: str) -> LiveEndpoint:
    messages = tuple(sandbox.make(state)[0] for state in provided.states)
    for message in messages if not provided.here else ():
        sandbox.service.messages[message].recipient = _CITIZEN
    settings = LiveSettings(
        url + PREFIX,
        sandbox.own.key,
        sandbox.own.id,
        sandbox.foreign.id if provided.foreign else None,
        messages,
        provided.simulate,
        revoked_key=sandbox.own.revoked_key if provided.revoked else None,
    )
    controls = states_of(url, {"RETRY_CONTRACT_SANDBOX": url + CONTROL})
    assert controls is not None  # on loopback

    def hook(state: str) -> str | None:
        return controls(state) if state in provided.hook else None

    endpoint = LiveEndpoint(settings, hook)
    endpoint.expendable = provided.here
    return endpoint


def _generator(cases: int) -> Generator:
    given = {"endpoint": "mock", "fuzz": str(cases), "seed": "1", "contract": "after"}
    return Generator(read_options(given, catalogue=catalogue(), environment={}))


def _label(reason: str) -> str:
    return next((label for begin, label in _LABELS.items() if reason.startswith(begin)), reason)


KEY, FOREIGN_CAMPAIGN = "RETRY_CONTRACT_REVOKED_KEY", "--foreign-campaign ID"
GIVEN: dict[tuple[str, ...], Provided] = {
    (): Provided(""),
    (f"{MESSAGE} (failed)",): Provided("", ("failure",)),
    (f"{MESSAGE} (delivered)",): Provided("", ("success",)),
    (f"{MESSAGE} (failed, in a batch that permits it)",): Provided(
        "", ("batch:messages_enqueued",)
    ),
    (f"{MESSAGE} (failed, in another batch)",): Provided("", ("batch:success",)),
    (SIMULATOR,): Provided("", simulate=True),
    **{(f"state {state}",): Provided("", hook=(state,)) for state in STATES if state != FOREIGN},
    (f"{MESSAGE} (failed)", FOREIGN_CAMPAIGN): Provided("", ("failure",), foreign=True),
    (SIMULATOR, FOREIGN_CAMPAIGN): Provided("", simulate=True, foreign=True),
    (FOREIGN_CAMPAIGN, "state foreign"): Provided("", hook=(FOREIGN,), foreign=True),
    (f"{MESSAGE} (failed)", KEY): Provided("", ("failure",), revoked=True),
    (SIMULATOR, KEY): Provided("", simulate=True, revoked=True),
    ("state failure", KEY): Provided("", hook=("failure",), revoked=True),
    (SIMULATOR, "--fuzz N"): Provided("", simulate=True, fuzz=4),
    ("state failure", "--fuzz N"): Provided("", hook=("failure",), fuzz=4),
}
"""What is given to a run, next to a key and a campaign, in the words of the options."""


def reach_document() -> dict[str, dict[str, list[list[str]]]]:
    """Return what exercises each rule on this machine, and elsewhere with messages to people.

    Each of a rule's lists does alone, by all that is in it.
    """
    return {"here": _ways(here=True), "elsewhere": _ways(here=False)}


def _ways(*, here: bool) -> dict[str, list[list[str]]]:
    whys = {given: reach(replace(provided, here=here)) for given, provided in GIVEN.items()}
    found = {given: {rule for rule, why in by.items() if not why} for given, by in whys.items()}
    return {rule: _least([given for given in GIVEN if rule in found[given]]) for rule in RULES}


def _least(enough: list[tuple[str, ...]]) -> list[list[str]]:
    """Leave out what has something in it that is not needed."""
    return [
        list(given)
        for given in enough
        if not any(set(other) < set(given) for other in enough if other != given)
    ]


def states_table(document: Mapping[str, list[list[str]]]) -> str:
    """Return the table of the states: what a message is like, and which rules it exercises."""
    anyway = {rule for rule, ways in document.items() if [] in ways}
    lines = ["| state | the message | rules |\n", "|---|---|---|\n"]
    for state in STATES.values():
        rules = [r for r, ways in document.items() if [f"state {state.name}"] in ways]
        if state.name == FOREIGN:
            rules = ["foreign-campaign-refused"]
        lines.append(f"| `{state.name}` | {state.about} | {_rules_in_words(rules, anyway)} |\n")
    return "".join(lines)


def _rules_in_words(rules: list[str], anyway: set[str]) -> str:
    left_out = anyway | ESSENTIAL | {r.id for r in RULES.values() if r.section in _OF_ANY}
    named = [f"`{rule}`" for rule in rules if rule not in left_out]
    if ESSENTIAL & set(rules):
        named.insert(0, "those about an accepted retry")
    return ", ".join(named)


def written() -> dict[Path, str]:
    """Return each file with its content."""
    document = reach_document()
    reach_text = json.dumps(document, indent=1) + "\n"
    return {
        PAGE: _with_table(PAGE, "reach", table()),
        STATES_PAGE: _with_table(STATES_PAGE, "states", states_table(document["here"])),
        DATA: reach_text,
    }


def _with_table(page: Path, name: str, table: str) -> str:
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, _, rest = text.partition(begin)
    return before + begin + table + end + rest.partition(end)[2]


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
