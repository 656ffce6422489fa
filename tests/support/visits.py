"""Visits of a client, brought about without one, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.made import Known, Made
from retry_contract.consumer.client.stage import Call, Stage, Visit
from retry_contract.consumer.client.verdicts import tried
from retry_contract.consumer.readiness import Finding, Tried
from retry_contract.contract.catalogue import catalogue
from retry_contract.service.http import Request

AT = datetime(2025, 3, 1, tzinfo=UTC)
CALL = Call("after-2025-02-24", AT)
RETURNED = Answer(Kind.READ, told=True, read=True)
RAISED = Answer(Kind.REFUSED, error="ValueError: 400")
HUNG = Answer(Kind.HUNG, error="no answer within 2 s")


def visited(call: Call, *requests: str) -> Visit:
    """Bring about a visit: the requests in turn, by their names below, or to another path."""
    stage = Stage(catalogue())
    visit = stage.begin(call)
    campaign = f"/api/v2/campaigns/{visit.campaign}/messages"
    known = {
        "retry": ("POST", f"{campaign}/{visit.message}/retry"),
        "retrieve": ("GET", f"{campaign}/{visit.message}"),
        "another-retrieve": ("GET", f"{campaign}/message_1"),
        "list": ("GET", campaign),
        "send": ("POST", campaign),
        "batch": ("POST", f"{campaign.removesuffix('/messages')}/batch/batch_1/retry"),
        "another": ("POST", f"{campaign}/message_1/retry"),
        "delete": ("DELETE", f"{campaign}/{visit.message}"),
    }
    for name in requests:
        method, path = known.get(name, ("POST", name))
        stage.handle(Request(method, path, {"authorization": f"Bearer {visit.key}"}))
    return visit


def judged(
    call: Call,
    answer: Answer,
    *requests: str,
    leaked: bool = False,
    accepted: Any = True,
    reads_old: bool = False,
) -> Tried:
    """Judge one call."""
    known = Known(() if accepted is None else (accepted,), reads_old)
    return judged_together([Made(call, visited(call, *requests), answer, leaked)], known)


def judged_together(calls: Sequence[Made], known: Known) -> Tried:
    """Judge the calls of one situation."""
    scenario = Scenario("name", "after-2025-02-24", tuple(made.call for made in calls))
    return tried(scenario, calls, known, counts=True)


def finding(found: Tried) -> Finding:
    """Return what went wrong."""
    assert found.finding is not None
    return found.finding


MUST = replace(CALL, expects="accepted")
REFUSED = replace(CALL, state="sent", expects="refused")
