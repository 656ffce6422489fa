"""What the service does in each scenario of a client: the table, held by what two retries get."""

from __future__ import annotations

import pytest

from retry_contract.contract.catalogue import catalogue, newest_pair
from retry_contract.contract.timeline import show
from retry_contract.service.http import Request
from retry_contract.service.stage import Call, Stage
from retry_contract.service.staged_calls import CUTOVER, DRIPS, PAIRED, calls_by_scenario

CONTRACTS = catalogue()
CALLS = calls_by_scenario(newest_pair(CONTRACTS), CONTRACTS.timeline)
UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
OUTCOMES = {
    "before": ("accepted", "201", "400"),
    "after": ("accepted", "201", "400"),
    "paired": ("accepted", "201", "400"),
    "through the cutover": ("accepted", "201", "400"),
    "400 unknown message": ("refused", "400", "400"),
    "400 not failed": ("refused", "400", "400"),
    "400 batch not ready": ("refused", "400", "400"),
    "400 attempts spent": ("refused", "400", "400"),
    "400 address not listed": ("refused", "400", "400"),
    "401 wrong key": ("refused", "401", "401"),
    "403 key of another campaign": ("refused", "403", "403"),
    "429 once": ("either", "429", "201"),
    "429 each time": ("refused", "429", "429"),
    "500 HTML page": ("refused", "500", "500"),
    "connection closed": ("refused", "connection reset", "connection reset"),
    "no response": ("refused", "no response", "no response"),
    "201 cut off": ("lost", "201", "400"),
    "201 lost": ("lost", "no response, though accepted", "400"),
    "201 stalls": ("lost", "201 (headers, then nothing)", "400"),
    DRIPS: ("lost", "201 (a byte at a time)", "400"),
}
CODES = {
    "400 unknown message": UNRETRYABLE,
    "400 not failed": UNRETRYABLE,
    "400 batch not ready": UNRETRYABLE,
    "400 attempts spent": "too_many_message_attempts_error",
    "400 address not listed": "invalid_ip_address_used",
}


def retries(call: Call, number: int = 2) -> list[tuple[str, bytes, str]]:
    """Return what retries of a call get: the outcome, the body and its content type."""
    stage = Stage(CONTRACTS)
    visit = stage.begin(call)
    path = f"/api/v2/campaigns/{visit.campaign}/messages/{visit.message}/retry"
    for _ in range(number):
        stage.handle(Request("POST", path, {"authorization": f"Bearer {visit.key}"}))
    responses = [(record.outcome(), record.response) for record in visit.seen]
    return [(o, r.body, r.headers.get("content-type", "")) for o, r in responses]


def test_table_has_every_scenario() -> None:
    assert list(CALLS) == list(OUTCOMES)


@pytest.mark.parametrize("name", CALLS)
def test_retries_get_what_the_scenario_says(name: str) -> None:
    expects, first, second = OUTCOMES[name]
    for call in CALLS[name]:
        assert call.expects == expects
        assert [outcome for outcome, _, _ in retries(call)] == [first, second]


def test_each_contract_is_served_and_the_newer_one_five_times() -> None:
    before, after = "before-2025-02-24", "after-2025-02-24"
    assert [call.contract for call in CALLS["before"]] == [before]
    assert [call.contract for call in CALLS["after"]] == [after] * 5
    assert [call.contract for call in CALLS[PAIRED]] == [before, after]
    for name in CALLS.keys() - {CUTOVER}:
        assert {show(call.at) for call in CALLS[name]} == {show(CALLS["after"][0].at)}


def test_cutover_is_met_an_hour_before_just_before_and_an_hour_after() -> None:
    assert [call.at.isoformat() for call in CALLS[CUTOVER]] == [
        "2025-02-23T23:00:00+08:00",
        "2025-02-23T23:59:59.925000+08:00",
        "2025-02-24T01:00:00+08:00",
    ]
    has = [b"creatorId" in body for call in CALLS[CUTOVER] for _, body, _ in retries(call, 1)]
    assert has == [False, False, True]


@pytest.mark.parametrize("name", CODES)
def test_refusal_comes_in_both_envelopes(name: str) -> None:
    nested, flat = (retries(call, 1)[0][1].decode() for call in CALLS[name])
    assert f'"code":"{CODES[name]}"' in nested.replace(": ", ":")
    assert '"statusCode":400' in flat.replace(": ", ":")


def test_refusals_say_why() -> None:
    assert b"This address is not on the list." in retries(CALLS["400 address not listed"][0])[0][1]
    assert b"Too many requests; back off." in retries(CALLS["429 once"][0])[0][1]
    (_, page, content_type), _ = retries(CALLS["500 HTML page"][0])
    assert (page, content_type) == (
        b"<html><h1>Internal Server Error</h1></html>",
        "text/html",
    )


def test_response_that_is_cut_off_ends_in_the_middle() -> None:
    ((_, cut, _), *_), ((_, whole, _), *_) = (
        retries(CALLS[n][0]) for n in ("201 cut off", "after")
    )
    assert whole.startswith(cut)
    assert len(cut) < len(whole)
