"""What the service does with the calls of a client, by the name of the scenario."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from retry_contract.contract.catalogue import Pair
from retry_contract.contract.timeline import Timeline
from retry_contract.service.controls import AUTO
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Response
from retry_contract.service.model import Refusal, Settings
from retry_contract.service.seeds import BATCH, SPENT
from retry_contract.service.stage import UNKNOWN, Call, answer_by, refuse

PAIRED, CUTOVER, DRIPS = "paired", "through the cutover", "201 drips"
_TIMES = 5
"""How often the newer contract's plain response is read: what differs by itself is left out."""
_LEAD = timedelta(hours=1)
_BUSY = Refusal(429, "too_many_requests", "Too many requests; back off.")
_ADDRESS = Refusal(400, "invalid_ip_address_used", "This address is not on the list.")
_PAGE = Response(500, b"<html><h1>Internal Server Error</h1></html>", {"content-type": "text/html"})
_REFUSALS: dict[str, dict[str, Any]] = {
    "400 unknown message": {"state": UNKNOWN},
    "400 not failed": {"state": "sent"},
    "400 batch not ready": {"state": f"{BATCH}other"},
    "400 attempts spent": {"state": SPENT},
    "400 address not listed": {"wrap": refuse(_ADDRESS)},
    "401 wrong key": {"key": "wrong"},
    "403 key of another campaign": {"key": "foreign"},
}
_LOST = {
    "201 cut off": "body-cut-off",
    "201 lost": "no-response",
    "201 stalls": "response-stalls",
    DRIPS: "response-drips",
}


def calls_by_scenario(pair: Pair, timeline: Timeline) -> dict[str, tuple[Call, ...]]:
    """Return the calls of each scenario, beginning with an accepted retry by each contract."""
    at, cutover = timeline.instant_within(pair.new.period), pair.new.period.effective_from
    assert cutover is not None  # only the first contract holds from the beginning
    before, after = (Call(c.name, at, expects="accepted") for c in (pair.old, pair.new))
    around = (cutover - _LEAD, cutover - timedelta(milliseconds=75), cutover + _LEAD)
    refused, once = replace(after, expects="refused"), replace(after, expects="either")
    lost = {name: replace(after, expects="lost", wrap=FAULTS[f].wrap) for name, f in _LOST.items()}
    one_by_one = {
        "429 once": replace(once, wrap=refuse(_BUSY, once=True)),
        "429 each time": replace(refused, wrap=refuse(_BUSY)),
        "500 HTML page": replace(refused, wrap=answer_by(_PAGE)),
        "connection closed": replace(refused, wrap=answer_by(Response(503, pace="reset"))),
        "no response": replace(refused, wrap=answer_by(Response(503, pace="silent"))),
        **lost,
    }
    return {
        pair.old.period.alias: (before,),
        pair.new.period.alias: (after,) * _TIMES,
        PAIRED: (before, after),
        CUTOVER: tuple(Call(AUTO, instant, expects="accepted") for instant in around),
        **{name: _in_both_envelopes(replace(refused, **how)) for name, how in _REFUSALS.items()},
        **{name: (call,) for name, call in one_by_one.items()},
    }


def _in_both_envelopes(call: Call) -> tuple[Call, ...]:
    return tuple(replace(call, settings=Settings(errors=e)) for e in ("nested", "flat"))
