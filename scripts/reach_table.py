"""Writes the table of docs/live.md: which rules are exercised by what is provided."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.endpoint.sandbox_client import states_of
from retry_contract.endpoint.server import serve
from retry_contract.outcome import RuleState
from retry_contract.rules import GENERATED, RULES
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.http import Request, Response
from retry_contract.service.model import PREFIX
from retry_contract.verification.run import Run

PAGE = Path(__file__).parents[1] / "docs" / "live.md"
BEGIN, END = "<!-- reach: begin -->\n", "<!-- reach: end -->\n"
SEVERAL = ("failure",) * 12 + ("success", "batch:messages_enqueued", "batch:other")
"""The states of several named messages: failed, delivered, and in batches."""

_A_MOMENT = 0.005
"""How long a request takes, in seconds."""
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
    hook: bool = False
    here: bool = True


COLUMNS = (
    Provided("one message", ("failure",)),
    Provided("several", SEVERAL),
    Provided("simulator", simulate=True),
    Provided("several, simulator, foreign campaign", SEVERAL, simulate=True, foreign=True),
    Provided("the hook", hook=True),
    Provided(
        "the hook, simulator, foreign campaign, revoked key",
        simulate=True,
        foreign=True,
        revoked=True,
        hook=True,
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
    sandbox = Sandbox(contracts, Start("after"), lambda: clock.now)

    def answer(request: Request) -> Response:
        clock.wait(_A_MOMENT)
        return sandbox.handle(request)

    with serve(answer) as (url,), contextlib.closing(_endpoint(provided, sandbox, url)) as endpoint:
        endpoint.wait = clock.wait  # type: ignore[method-assign]
        run = Run(endpoint, expect(contracts, "after"))
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
    hook: Callable[[str], str | None] | None = None
    if provided.hook:
        hook = states_of(url, {"RETRY_CONTRACT_SANDBOX": url + CONTROL})
    endpoint = LiveEndpoint(settings, hook)
    endpoint.expendable = provided.here
    return endpoint


def _label(reason: str) -> str:
    return next((label for begin, label in _LABELS.items() if reason.startswith(begin)), reason)


def page() -> str:
    """Return the page with its table."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
