"""What a person reads of each fault: at most two causes, and the first names what was planted."""

from __future__ import annotations

import re

import pytest
from support.runs import check_all
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import Outcome, Verdict
from retry_contract.report.causes import Cause, causes
from retry_contract.service.faults import FAULTS
from retry_contract.verification.run import Run

CONTRACTS = catalogue()
_STATUS = {
    **dict.fromkeys(("failed-refused", "batch-refused", "cap-too-early"), 400),
    **dict.fromkeys(("unknown-is-500", "wrong-method-is-500", "delete-is-500"), 500),
    "unknown-campaign-is-500": 500,
    **dict.fromkeys(("message-lost", "refusal-loses-message", "unknown-is-404"), 404),
    **dict.fromkeys(("unfailed-is-409", "spent-is-409"), 409),
    **{"no-key-forbidden": 403, "answers-200": 200, "answers-202": 202},
}
_PLANTED = {
    "values": "/values is another object",
    "unicode": "/values is another object",
    "full-message": "/fullMessage is another string",
    "template": "/templateBodyId is another string",
    "single-send": "/templateBodyId is another string",
    "field-dropped": "/templateBodyId is absent",
    "field-renamed": "/recipient is absent",
    "field-retyped": "/campaignId is a number",
    "field-null": "/fullMessage is null",
    "values-as-text": "/values is a string",
    "timestamp-without-offset": "/createdAt is a timestamp without an offset",
    "timestamp-as-number": "/updatedAt is a number",
    "created-at": "/createdAt is another",
    "updated": "/updatedAt is an earlier instant",
    "id-changed": "/id is another",
    "campaign-changed": "/campaignId is another",
    "recipient": "/recipient is ",
    "status-not-reset": '/latestStatus is "failure"',
    "status-enqueued": '/latestStatus is "enqueued"',
    "state-not-changed": "/latestStatus is unchanged",
    "refusal-touches": "/updatedAt is changed",
    "refusal-sends": "/latestStatus is changed",
    "creator-id": "/creatorId is ",
    "cutover": "/creatorId is ",
    "body-cut-off": "the body is JSON that is cut off",
    "body-empty": "the body is empty",
    "body-in-array": "the body is an array",
    "error-is-html": "the body is HTML",
    "error-envelope": "the body is an object without",
    "error-code": "/error/code is ",
    "error-status": "/statusCode is 422",
    "retrieve-field-retyped": "/attempts is an object",
    "send-field-dropped": "/language is absent",
    "key-echoed": "the body is text that holds the API key",
    "stack-trace": "the body is text that holds a stack trace",
    "concurrent-accepted": "2 of 8 retries sent at once were accepted",
    "attempt-lost": "/attempts is a list of 1",
    "delete-refused-and-done": "status 404",
    "malformed-id-is-500": "status 500",
    "content-type": "content-type is text/html",
    "error-content-type": "content-type is text/plain",
}
"""By the longest beginning of a fault's name; a fault that lets a retry through has status 201."""


MOST = {"state-not-changed": 3}
"""What is not stored is retried without end: one after the other, and at once."""


def _planted(fault: str) -> str:
    if fault in _STATUS:
        return f"status {_STATUS[fault]}"
    begins = sorted((name for name in _PLANTED if fault.startswith(name)), key=len)
    return _PLANTED[begins[-1]] if begins else "status 201"


def _causes(fault: str, contract: str) -> tuple[Cause, ...]:
    endpoint = mock_of(CONTRACTS, CONTRACTS[contract], faults=[FAULTS[fault]])
    result = check_all(Run(endpoint, expect(CONTRACTS, contract)))
    return causes(Outcome(Verdict.BROKEN, "mock", contracts=(result,)))


@pytest.mark.parametrize("fault", one_in(3, [f.name for f in FAULTS.values() if f.rule]))
def test_fault_has_at_most_two_causes_and_the_first_names_what_was_planted(fault: str) -> None:
    found = _causes(fault, "after")
    assert 1 <= len(found) <= MOST.get(fault, 2)
    assert found[0].violation.what.startswith(_planted(fault))
    assert FAULTS[fault].rule in {rule for cause in found for rule in cause.rules}
    assert len(_causes(fault, "before")) <= MOST.get(fault, 2)


def test_missing_creator_id_is_one_cause_of_every_rule_that_it_breaks() -> None:
    (cause,) = _causes("creator-id-missing", "after")
    assert cause.rules == (
        "creator-id-as-contracted",
        *("one-contract-served", "contract-in-force-served"),
    )
    assert re.fullmatch(r"accepted, request [0-9]+", cause.violation.seen)


def test_contract_that_is_served_too_early_is_named() -> None:
    (cause,) = _causes("cutover-early", "after")
    assert "after-2025-02-24" in cause.violation.what
    assert cause.violation.expected.startswith("absent: before-2025-02-24 is in force at ")
