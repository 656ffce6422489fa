"""What is said of each fault by its own rule: where, what came, what was expected, and when."""

from __future__ import annotations

import re

import pytest
from support.runs import check_all
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import Violation
from retry_contract.service.faults import FAULTS
from retry_contract.verification.run import Run

CONTRACTS = catalogue()
SAID = {
    "creator-id-missing": "/creatorId is absent; expected a non-empty string (accepted, request N)",
    "creator-id-null": "/creatorId is null; expected a non-empty string (accepted, request N)",
    "creator-id-number": (
        "/creatorId is a number; expected a non-empty string (accepted, request N)"
    ),
    "creator-id-empty": (
        "/creatorId is an empty string; expected a non-empty string (accepted, request N)"
    ),
    "creator-id-wrong-case": (
        "/creatorId is absent, but there is creatorID: names are case-sensitive; expected a "
        "non-empty string (accepted, request N)"
    ),
    "creator-id-nested": (
        "/creatorId is absent at the top, but there is one nested at /templateBody/creatorId;"
        " expected a non-empty string (accepted, request N)"
    ),
    "creator-id-changed": (
        "/creatorId is another string of 41 characters; expected what Retrieve showed before "
        "(accepted, request N)"
    ),
    "field-dropped": "/templateBodyId is absent; expected a non-empty string (accepted, request N)",
    "field-renamed": (
        "/recipient is absent; expected digits with country code and no plus sign, or an NRIC"
        " (accepted, request N)"
    ),
    "field-retyped": "/campaignId is a number; expected a non-empty string (accepted, request N)",
    "field-null": "/fullMessage is null; expected a string (accepted, request N)",
    "recipient-with-plus": (
        "/recipient is digits with a plus sign; expected digits with country code and no plus"
        " sign, or an NRIC (accepted, request N)"
    ),
    "timestamp-without-offset": (
        "/createdAt is a timestamp without an offset; expected an RFC 3339 timestamp with an "
        "offset (accepted, request N)"
    ),
    "timestamp-as-number": (
        "/updatedAt is a number; expected an RFC 3339 timestamp with an offset (accepted, "
        "request N)"
    ),
    "values-as-text": (
        "/values is a string of 2 characters; expected an object of strings (accepted, request N)"
    ),
    "values-lost": (
        "/values is another object of 0 members; expected what Retrieve showed before "
        "(accepted, request N)"
    ),
    "unicode-mangled": (
        "/values is another object of 1 member; expected what Retrieve showed before "
        "(accepted, request N)"
    ),
    "full-message-changed": (
        "/fullMessage is another string of 13 characters; expected what Retrieve showed "
        "before (accepted, request N)"
    ),
    "template-changed": (
        "/templateBodyId is another string of 50 characters; expected what Retrieve showed "
        "before (accepted, request N)"
    ),
    "created-at-moved": (
        "/createdAt is another string of 29 characters; expected what Retrieve showed before "
        "(accepted, request N)"
    ),
    "updated-at-stale": (
        "/updatedAt is an earlier instant; expected later than Retrieve showed before the "
        "retry (accepted, request N)"
    ),
    "updated-before-created": (
        "/updatedAt is an earlier instant; expected later than Retrieve showed before the "
        "retry (accepted, request N)"
    ),
    "id-changed": (
        "/id is another string of 44 characters; expected the id in the path (accepted, request N)"
    ),
    "campaign-changed": (
        "/campaignId is another string of 45 characters; expected the campaign in the path "
        "(accepted, request N)"
    ),
    "recipient-changed": (
        "/recipient is another string of 10 characters; expected what Retrieve showed before "
        "(accepted, request N)"
    ),
    "status-not-reset": (
        '/latestStatus is "failure"; expected the constant "created" (accepted, request N)'
    ),
    "status-enqueued": (
        '/latestStatus is "enqueued"; expected the constant "created" (accepted, request N)'
    ),
    "single-send-differs": (
        "/templateBodyId is another string of 50 characters; expected what the Single Send "
        "returned (accepted, request N)"
    ),
    "retrieve-field-retyped": (
        "/attempts is an object of 0 members; expected an array of attempts (retrieve, request N)"
    ),
    "send-field-dropped": "/language is absent; expected a string (single-send, request N)",
    "body-cut-off": (
        "the body is JSON that is cut off (at line 1, column 14); expected one JSON document "
        "in UTF-8 (RFC 8259) (accepted, request N)"
    ),
    "body-empty": (
        "the body is empty; expected one JSON document in UTF-8 (RFC 8259) (accepted, request N)"
    ),
    "body-in-array": "the body is an array of 1 item; expected an object (accepted, request N)",
    "unfailed-accepted": (
        "status 201; expected a refusal with status 400 (not failed: created, request N)"
    ),
    "success-accepted": (
        "status 201; expected a refusal with status 400 (not failed: success, request N)"
    ),
    "second-retry-accepted": (
        "status 201; expected a refusal with status 400 (retried twice, request N)"
    ),
    "second-retry-repeated": (
        "status 201; expected a refusal with status 400 (retried twice, request N)"
    ),
    "cap-ignored": (
        "status 201; expected a refusal with status 400 after 4 sends at the latest "
        "(attempts spent, request N)"
    ),
    "cap-too-early": (
        "status 400; expected an accepted retry, below the cap (attempts spent, request N)"
    ),
    "failed-refused": "status 400; expected status 201 (accepted, request N)",
    "batch-status-ignored": (
        "status 201; expected a refusal (in a batch of status success, request N)"
    ),
    "batch-refused": (
        "status 400; expected an accepted retry (accepted in a batch of status "
        "messages_enqueuing_failed, request N)"
    ),
    "state-not-changed": (
        "/latestStatus is unchanged by the retry; expected created, or a status that follows "
        "it (accepted, GET, request N)"
    ),
    "message-lost": "status 404; expected the message, in Retrieve (accepted, GET, request N)",
    "refusal-loses-message": (
        "status 404; expected a message that Retrieve still shows after the POST (not failed: "
        "created, GET, request N)"
    ),
    "refusal-touches-message": (
        "/updatedAt is changed; expected unchanged by a refusal (not failed: created, request N)"
    ),
    "refusal-sends-message": (
        "/latestStatus is changed; expected unchanged by a refusal (not failed: sending, request N)"
    ),
    "answers-200": "status 200; expected status 201 (accepted, request N)",
    "answers-202": "status 202; expected status 201 (accepted, request N)",
    "no-key-accepted": "status 201; expected a refusal with status 401 (no key, request N)",
    "no-key-forbidden": "status 403; expected a refusal with status 401 (no key, request N)",
    "wrong-key-accepted": "status 201; expected a refusal with status 401 (wrong key, request N)",
    "wrong-scheme-accepted": (
        "status 201; expected a refusal with status 401 (key without the Bearer scheme, request N)"
    ),
    "foreign-campaign-accepted": (
        "status 201; expected a refusal with status 401 or 403 (foreign campaign, request N)"
    ),
    "campaign-not-checked": (
        "status 201; expected a refusal with status 401 or 403 (foreign campaign, request N)"
    ),
    "key-echoed": (
        "the body is text that holds the API key; expected nothing secret or internal (retry,"
        " request N)"
    ),
    "unknown-is-404": "status 404; expected a refusal with status 400 (unknown message, request N)",
    "unknown-campaign-is-500": ("status 500; expected a status below 500 (retry, request N)"),
    "unknown-is-500": "status 500; expected a status below 500 (retry, request N)",
    "unfailed-is-409": (
        "status 409; expected a refusal with status 400 (not failed: created, request N)"
    ),
    "spent-is-409": (
        "status 409; expected a refusal with status 400, or an accepted retry "
        "(attempts spent, request N)"
    ),
    "error-is-html": (
        "the body is HTML or XML; expected one of the two documented error envelopes (unknown"
        " message, request N)"
    ),
    "error-envelope-unknown": (
        "the body is an object without message and statusCode; expected one of the two "
        "documented error envelopes (unknown message, request N)"
    ),
    "error-status-differs": (
        "/statusCode is 422; expected 400, the status of the response (unknown message, request N)"
    ),
    "error-code-unknown": (
        "/error/code is a code that is not published; expected "
        "message_not_found_or_retry_message_not_in_failure_status (unknown message, request "
        "N)"
    ),
    "error-code-of-another-cause": (
        "/error/code is parameter_invalid; expected "
        "message_not_found_or_retry_message_not_in_failure_status (unknown message, request "
        "N)"
    ),
    "stack-trace-shown": (
        "the body is text that holds a stack trace; expected nothing secret or internal "
        "(retry, request N)"
    ),
    "content-type-is-html": (
        "content-type is text/html; expected application/json (retry, request N)"
    ),
    "error-content-type-is-text": (
        "content-type is text/plain; expected application/json (retry, request N)"
    ),
    "wrong-method-accepted": (
        "status 201; expected a refusal of PUT, neither 2xx nor 5xx (wrong method, PUT, request N)"
    ),
    "concurrent-accepted": (
        "2 of 8 retries sent at once were accepted; expected one of them, at the most (retried "
        "several times at once, request N)"
    ),
    "attempt-lost": (
        "/attempts is a list of 1; expected 2 attempts, one more than before the retry (accepted, "
        "GET, request N)"
    ),
    "delete-refused-and-done": (
        "status 404; expected a message that Retrieve still shows after the DELETE (wrong method, "
        "GET, request N)"
    ),
    "bare-key-accepted": (
        "status 201; expected a refusal with status 401 (key without any scheme, request N)"
    ),
    "revoked-key-accepted": (
        "status 201; expected a refusal with status 401 or 403 (revoked key, request N)"
    ),
    "malformed-id-is-500": (
        "status 500; expected a refusal, neither 2xx nor 5xx (malformed id: no UUID, POST, "
        "request N)"
    ),
    "head-accepted": (
        "status 201; expected a refusal of HEAD, neither 2xx nor 5xx (wrong method, HEAD, "
        "request N)"
    ),
    "creator-id-missing-of-old": (
        "/creatorId is absent; expected a non-empty string (accepted, created before the cutover, "
        "request N)"
    ),
    "creator-id-of-caller": (
        "/creatorId is another string of 41 characters; expected what Retrieve showed before "
        "(accepted, created by another user, request N)"
    ),
    "values-escaped": (
        "/values is another object of 1 member; expected what Retrieve showed before (accepted, "
        "with an emoji or a quote in its values, request N)"
    ),
    "delete-is-500": (
        "status 500; expected a refusal of DELETE, neither 2xx nor 5xx (wrong method, DELETE,"
        " request N)"
    ),
    "wrong-method-is-500": (
        "status 500; expected a refusal of GET, neither 2xx nor 5xx (wrong method, GET, request N)"
    ),
    "cutover-early": (
        "/creatorId is present, as in after-2025-02-24, which is in force from "
        "2025-02-24T00:00:00+08:00; expected absent: before-2025-02-24 is in force at "
        "2025-02-23T23:59:59+08:00, from the beginning (across the cutover, request N)"
    ),
    "cutover-late": (
        "/creatorId is absent, as in before-2025-02-24; expected present: after-2025-02-24 is"
        " in force at 2025-02-24T00:00:00+08:00, since 2025-02-24T00:00:00+08:00 (across the "
        "cutover, request N)"
    ),
    "cutover-flaps-by-request": (
        "/creatorId is absent, as in before-2025-02-24; expected present: after-2025-02-24, "
        "as single-send showed at request 1 (retry, request N)"
    ),
    "cutover-flaps-by-message": (
        "/creatorId is absent, as in before-2025-02-24; expected present: after-2025-02-24, "
        "as single-send showed at request 1 (retrieve, request N)"
    ),
    "cutover-of-retry-only": (
        "/creatorId is absent, as in before-2025-02-24; expected present: after-2025-02-24 "
        "(accepted, request N)"
    ),
    "cutover-not-of-retrieve": (
        "/creatorId is absent, as in before-2025-02-24; expected present: after-2025-02-24, "
        "as single-send showed at request 1 (retrieve, request N)"
    ),
}
"""The first violation of the rule, on the built-in model of the contract `after`."""


def _violations(fault: str) -> tuple[Violation, ...]:
    endpoint = mock_of(CONTRACTS, CONTRACTS["after"], faults=[FAULTS[fault]])
    result = check_all(Run(endpoint, expect(CONTRACTS, "after")))
    endpoint.close()
    (found,) = (r.violations for r in result.rules if r.rule == FAULTS[fault].rule)
    return found


@pytest.mark.parametrize("fault", one_in(4, SAID))
def test_violation_is_told_by_place_what_came_and_what_was_expected(fault: str) -> None:
    first = _violations(fault)[0]
    assert re.sub(r"(request) [1-9][0-9]*\)$", r"\1 N)", first.message) == SAID[fault]
    assert first.rule == FAULTS[fault].rule
    assert first.pointer == "" or first.pointer.startswith("/")
    assert first.message == f"{first.what}; expected {first.expected} ({first.seen})"


def test_every_fault_with_a_rule_is_in_the_table() -> None:
    assert SAID.keys() == {fault.name for fault in FAULTS.values() if fault.rule}


def test_each_of_several_violations_is_told_once() -> None:
    told = [violation.expected for violation in _violations("wrong-method-is-500")]
    methods = ("GET", "HEAD", "PUT", "PATCH", "DELETE")
    assert told == [f"a refusal of {method}, neither 2xx nor 5xx" for method in methods]
