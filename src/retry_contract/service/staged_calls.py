"""What the service does with the calls of a client, by the name of the scenario."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from retry_contract.contract.pair import Pair
from retry_contract.contract.timeline import Timeline
from retry_contract.service.controls import AUTO
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Response
from retry_contract.service.model import Refusal, Settings
from retry_contract.service.seeds import BATCH, SPENT
from retry_contract.service.stage import UNKNOWN, Call, answering, refusing

PAIRED, CUTOVER, DRIPS = "paired", "through the cutover", "201 drips"
_TIMES = 5
"""How often the newer contract's plain response is read: what differs by itself is left out."""
_LEAD = timedelta(hours=1)
_BUSY = Refusal(429, "too_many_requests", "Too many requests; back off.")
_ADDRESS = Refusal(400, "invalid_ip_address_used", "This address is not on the list.")
_PAGE = Response(
    500, b"<html><body><h1>Internal Server Error</h1></body></html>", {"content-type": "text/html"}
)
_RESET, _SILENT = Response(503, pace="reset"), Response(503, pace="silent")


def calls_by_scenario(pair: Pair, timeline: Timeline) -> dict[str, tuple[Call, ...]]:
    """Return the calls of each scenario, beginning with an accepted retry by each contract."""
    at = timeline.instant_within(pair.new.period)
    before, after = (Call(c.name, at, expects="accepted") for c in (pair.old, pair.new))
    refused = replace(after, expects="refused")
    lost, once = replace(after, expects="lost"), replace(after, expects="either")
    return {
        pair.old.period.alias: (before,),
        pair.new.period.alias: (after,) * _TIMES,
        PAIRED: (before, after),
        CUTOVER: _through(pair),
        **{name: _enveloped(call) for name, call in _refusals(refused).items()},
        "429 once": (replace(once, wrap=refusing(_BUSY, once=True)),),
        "429 each time": (replace(refused, wrap=refusing(_BUSY)),),
        "500 HTML page": (replace(refused, wrap=answering(_PAGE)),),
        "connection closed": (replace(refused, wrap=answering(_RESET)),),
        "no response": (replace(refused, wrap=answering(_SILENT)),),
        "201 cut off": (replace(lost, wrap=FAULTS["body-cut-off"].wrap),),
        "201 lost": (replace(lost, wrap=FAULTS["no-response"].wrap),),
        "201 stalls": (replace(lost, wrap=FAULTS["response-stalls"].wrap),),
        DRIPS: (replace(lost, wrap=FAULTS["response-drips"].wrap),),
    }


def _through(pair: Pair) -> tuple[Call, ...]:
    """Return calls an hour before the cutover, across it, and an hour later."""
    cutover = pair.new.period.effective_from
    assert cutover is not None  # only the first contract holds from the beginning
    instants: tuple[datetime, ...] = (
        cutover - _LEAD,
        cutover - timedelta(milliseconds=75),
        cutover + _LEAD,
    )
    return tuple(Call(AUTO, at, expects="accepted") for at in instants)


def _refusals(refused: Call) -> dict[str, Call]:
    return {
        "400 unknown message": replace(refused, state=UNKNOWN),
        "400 not failed": replace(refused, state="sent"),
        "400 batch not ready": replace(refused, state=f"{BATCH}messages_sent"),
        "400 attempts spent": replace(refused, state=SPENT),
        "400 address not listed": replace(refused, wrap=refusing(_ADDRESS)),
        "401 wrong key": replace(refused, key="wrong"),
        "403 key of another campaign": replace(refused, key="foreign"),
    }


def _enveloped(call: Call) -> tuple[Call, ...]:
    """Return the call with errors in each of the documented envelopes."""
    both = Settings(errors="nested"), Settings(errors="flat")
    return tuple(replace(call, settings=settings) for settings in both)
