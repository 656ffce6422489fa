"""The checks of rules at their edges, on exchanges made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.observed import (
    AFTER,
    BEFORE,
    CAMPAIGN,
    CONTRACTS,
    JSON,
    KEY,
    MESSAGE,
    NOW,
    TOO_MANY,
    UNRETRYABLE,
    WAS,
)
from support.observed import accepted as _accepted
from support.observed import broken as _broken
from support.observed import exchange as _exchange
from support.observed import flat as _flat
from support.observed import message as _message
from support.observed import nested as _nested
from support.observed import refused as _refused
from support.observed import shown as _shown
from support.observed import validate as _violations_of
from support.observed import without as _without

from retry_contract.contract.expectation import expect_at
from retry_contract.exchange import Exchange, Kind, Observation
from retry_contract.outcome import NotExercised
from retry_contract.rules import GENERATED, RULES
from retry_contract.rules import scenarios as s
from retry_contract.rules.refusals import secret_in

# An accepted retry


@pytest.mark.parametrize("status", [200, 202, 204, 301, 400, 401, 500])
def test_only_201_is_the_status_of_an_accepted_retry(status: int) -> None:
    assert not _violations_of("status-is-201", _accepted())
    assert _broken("status-is-201", _accepted(status=status)).actual == f"status {status}"


@pytest.mark.parametrize(
    "rule",
    [
        *(r for r in RULES if r.endswith("-kept") and r not in GENERATED),
        *("body-is-json", "retrieve-agrees"),
    ],
)
def test_rule_about_the_response_says_nothing_when_no_retry_was_accepted(rule: str) -> None:
    with pytest.raises(NotExercised, match=r"no retry was accepted \(status 400\)"):
        _violations_of(rule, _accepted(_nested(UNRETRYABLE), 400, before=_shown()))


@pytest.mark.parametrize(
    "created_at", [WAS, "2024-05-16T08:48:42.247Z", "2024-05-16t08:48:42.2470z"]
)
def test_created_at_in_another_offset_is_kept(created_at: str) -> None:
    response = _message(createdAt=created_at)
    assert not _violations_of("created-at-kept", _accepted(response, before=_shown(createdAt=WAS)))


@pytest.mark.parametrize(
    ("created_at", "actual"),
    [
        (NOW, "another string of 29 characters"),
        ("2024-05-16T16:48:42.2470001+08:00", "another string of 33 characters"),
        ("2024-05-16T16:48:42.247Z", "another string of 24 characters"),
        (1715849339157, "a number"),
        (None, "null"),
    ],
)
def test_created_at_that_moved_is_not_kept(created_at: object, actual: str) -> None:
    observation = _accepted(_message(createdAt=created_at), before=_shown(createdAt=WAS))
    violation = _broken("created-at-kept", observation)
    assert (violation.pointer, violation.actual) == ("/createdAt", actual)


def test_created_at_that_is_no_timestamp_is_compared_as_it_is() -> None:
    before = _shown(createdAt="yesterday")
    assert not _violations_of(
        "created-at-kept", _accepted(_message(createdAt="yesterday"), before=before)
    )
    assert _violations_of("created-at-kept", _accepted(_message(createdAt="today"), before=before))


@pytest.mark.parametrize(
    ("updated_at", "actual"),
    [
        (WAS, "the same instant"),
        ("2024-05-16T08:48:42.247Z", "the same instant"),
        ("2024-05-16T16:48:42.246+08:00", "an earlier instant"),
        ("2024-05-16T16:48:59.157+09:00", "an earlier instant"),
    ],
)
def test_updated_at_that_does_not_move_on(updated_at: str, actual: str) -> None:
    observation = _accepted(_message(updatedAt=updated_at), before=_shown(updatedAt=WAS))
    violation = _broken("updated-at-moves-on", observation)
    assert (violation.pointer, violation.actual) == ("/updatedAt", actual)


@pytest.mark.parametrize("updated_at", [NOW, "2024-05-16T16:48:42.2470001+08:00"])
def test_updated_at_that_moves_on_however_little(updated_at: str) -> None:
    observation = _accepted(_message(updatedAt=updated_at), before=_shown(updatedAt=WAS))
    assert not _violations_of("updated-at-moves-on", observation)


@pytest.mark.parametrize("updated_at", [None, "now", 7])
def test_updated_at_that_is_no_timestamp_is_for_the_schema(updated_at: object) -> None:
    observation = _accepted(_message(updatedAt=updated_at), before=_shown())
    with pytest.raises(NotExercised, match="no two timestamps"):
        _violations_of("updated-at-moves-on", observation)
    assert _broken("response-matches-schema", observation).pointer == "/updatedAt"


@pytest.mark.parametrize(
    "before", [None, _shown(404), _exchange(body=b"<html>", status=200, kind="retrieve")]
)
def test_kept_rules_need_a_retrieve_that_shows_the_message(before: Exchange | None) -> None:
    for rule in ("created-at-kept", "values-kept", "recipient-kept", "updated-at-moves-on"):
        with pytest.raises(NotExercised, match="Retrieve did not show the message"):
            _violations_of(rule, _accepted(before=before))


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"a": "1", "b": "é"}, True),
        ({"b": "é", "a": "1"}, True),
        ({"a": "1", "b": "e\u0301"}, False),
        ({"a": "1"}, False),
        ({}, False),
        (None, False),
        ("{}", False),
        ([], False),
    ],
)
def test_values_are_kept_in_any_order_of_names(values: object, kept: bool) -> None:
    before = _shown(values={"a": "1", "b": "é"})
    observation = _accepted(_message(values=values), before=before)
    assert (not _violations_of("values-kept", observation)) is kept


@pytest.mark.parametrize(("was", "now"), [(1, True), (0, False), (7, 7.0)])
def test_value_of_another_type_is_not_kept(was: object, now: object) -> None:
    observation = _accepted(_message(fullMessage=now), before=_shown(fullMessage=was))
    assert _violations_of("full-message-kept", observation)


def test_absent_member_is_told_from_null() -> None:
    before = _shown()
    lost = _accepted(_without(_message(), "fullMessage"), before=before)
    null = _accepted(_message(fullMessage=None), before=before)
    assert _broken("full-message-kept", lost).actual == "absent"
    assert _broken("full-message-kept", null).actual == "null"


def test_member_that_retrieve_did_not_show_is_a_new_one() -> None:
    before = _exchange(_without(_message(), "fullMessage"), 200, "retrieve")
    violation = _broken("full-message-kept", _accepted(before=before))
    assert violation.expected == "what Retrieve showed before: no such member"
    assert violation.actual.startswith("a string of ")


@pytest.mark.parametrize("rule", ["creator-id-kept", "retrieve-agrees"])
def test_creator_id_that_only_one_shows_is_of_another_contract(rule: str) -> None:
    old, new = _without(_message(), "creatorId"), _message()
    shown = _exchange(new, 200, "retrieve")
    found = _violations_of(rule, _accepted(old, before=shown, after=shown))
    assert not [violation for violation in found if "creator" in violation.pointer]


def test_creator_that_neither_shows_is_kept() -> None:
    response = _message(BEFORE.contract)
    before = _exchange(response, 200, "retrieve")
    assert not _violations_of(
        "creator-id-kept", _accepted(response, before=before), expectation=BEFORE
    )


@pytest.mark.parametrize("id_", ["message_2", "MESSAGE_1", "message_1 ", None, 1])
def test_id_is_the_one_in_the_path(id_: object) -> None:
    assert not _violations_of("message-id-kept", _accepted())
    assert _broken("message-id-kept", _accepted(_message(id=id_))).pointer == "/id"


def test_id_is_the_one_that_the_single_send_returned() -> None:
    sent = _exchange(_message(id="message_2"), 201, "single-send")
    violation = _broken("message-id-kept", _accepted(sent=sent))
    assert violation.pointer == "/id"
    assert violation.expected == "the id that the Single Send returned"
    assert violation.actual == "another id in the path"


def test_violation_does_not_quote_what_the_response_held() -> None:
    secret = "6598765432"
    observation = _accepted(_message(recipient=secret), before=_shown())
    violation = _broken("recipient-kept", observation)
    assert secret not in repr(violation)
    assert "6522222222" not in repr(violation)


def test_same_defect_in_several_scenarios_is_one_violation() -> None:
    response = _exchange(_message(id="message_2"))
    found = [Observation(name, response, CAMPAIGN, MESSAGE) for name in s.ACCEPTED_RETRIES]
    assert _broken("message-id-kept", *found).message.count(s.ACCEPTED) == 1


def test_shape_of_single_send_leaves_out_what_a_delivery_changes() -> None:
    sent = _exchange(_message(latestStatus="enqueued", updatedAt=WAS), 201, "single-send")
    assert not _violations_of("same-shape-as-single-send", _accepted(sent=sent))


def test_shape_of_single_send_needs_one() -> None:
    with pytest.raises(NotExercised, match="--provision simulator"):
        _violations_of("same-shape-as-single-send", _accepted(before=_shown()))


def test_shape_of_single_send_compares_types_and_values() -> None:
    sent = _exchange(_message(values={"name": "Tan"}, language="english"), 201, "single-send")
    response = _message(values='{"name": "Tan"}')
    violation = _broken("same-shape-as-single-send", _accepted(response, sent=sent))
    assert (violation.pointer, violation.actual) == ("/values", "a string of 15 characters")


# Retrieve afterwards


def _after(**changes: Any) -> Exchange:
    return _shown(**{"latestStatus": "created", "updatedAt": NOW} | changes)


@pytest.mark.parametrize("status", ["created", "enqueued", "sending", "sent", "failure", "success"])
def test_retrieve_agrees_wherever_the_delivery_has_got_to(status: str) -> None:
    observation = _accepted(before=_shown(), after=_after(latestStatus=status))
    assert not _violations_of("retrieve-agrees", observation)


def test_message_unchanged_since_before_the_retry_does_not_agree() -> None:
    observation = _accepted(before=_shown(), after=_shown())
    violation = _broken("retrieve-agrees", observation)
    assert (violation.pointer, violation.actual) == (
        "/latestStatus",
        "unchanged by the retry",
    )


@pytest.mark.parametrize("status", [404, 400, 500])
def test_message_that_retrieve_no_longer_shows_does_not_agree(status: int) -> None:
    observation = _accepted(before=_shown(), after=_after(status=status))
    assert _broken("retrieve-agrees", observation).actual == f"status {status}"


def test_recipient_that_retrieve_shows_otherwise_does_not_agree() -> None:
    observation = _accepted(before=_shown(), after=_after(recipient="6511111111"))
    violation = _broken("retrieve-agrees", observation)
    assert (violation.pointer, violation.expected) == (
        "/recipient",
        "what Retrieve showed afterwards",
    )


def test_null_is_not_what_retrieve_does_not_show() -> None:
    after = _exchange(_without(_message(), "fullMessage"), 200, "retrieve")
    observation = _accepted(_message(fullMessage=None), before=_shown(), after=after)
    violation = _broken("retrieve-agrees", observation)
    assert violation.expected == "what Retrieve showed afterwards: no such member"
    assert violation.actual == "null"


# Refusals


@pytest.mark.parametrize(
    ("rule", "scenario", "documented"),
    [
        ("unknown-message-refused", s.UNKNOWN, {400}),
        ("unknown-message-refused", s.ELSEWHERE, {400}),
        ("unfailed-message-refused", s.UNFAILED[-1], {400}),
        ("second-retry-refused", s.RETRIED_TWICE, {400}),
        ("key-required", s.NO_KEY, {401}),
        ("wrong-key-refused", s.WRONG_KEY, {401}),
        ("wrong-key-refused", s.WRONG_SCHEME, {401}),
        ("foreign-campaign-refused", s.FOREIGN_CAMPAIGN, {401, 403}),
    ],
)
def test_refusal_has_a_documented_status(rule: str, scenario: str, documented: set[int]) -> None:
    statuses = (200, 201, 302, 400, 401, 403, 404, 409, 429, 500)
    responses = {status: _exchange(_flat(status), status) for status in statuses}
    found = {n: _violations_of(rule, _refused(scenario, each)) for n, each in responses.items()}
    assert {status for status in statuses if not found[status]} == documented


@pytest.mark.parametrize(
    ("sends", "statuses", "kept"),
    [
        (1, (201, 201, 400), True),
        (1, (201, 201, 201, 400), True),
        (1, (201, 201, 201, 201), False),
        (1, (201, 400), False),
        (1, (400, 400), False),
        (1, (201, 201, 429), False),
        (1, (201, 201, 201, 500), False),
        (1, (200, 201, 400), True),
        (2, (400,), False),
        (3, (400,), True),
        (3, (201,), True),
        (4, (400,), True),
        (4, (201,), False),
        (4, (429,), False),
        (None, (400,), True),
        (None, (201, 400), True),
        (None, (201, 201, 201), True),
        (None, (201, 201, 201, 201), False),
        (None, (409,), False),
    ],
)
def test_cap_is_neither_early_nor_late_by_either_reading(
    sends: int | None, statuses: tuple[int, ...], kept: bool
) -> None:
    tried = [
        _refused(s.ATTEMPTS, _exchange(_flat(status), status, number=number))
        for number, status in enumerate(statuses)
    ]
    tried[0] = replace(tried[0], sends=sends)
    assert (not _violations_of("attempts-capped", *tried)) is kept


@pytest.mark.parametrize(("sends", "kept"), [(3, True), (2, False), (None, False)])
def test_retries_in_between_that_retrieve_lists_count_for_the_cap(
    sends: int | None, kept: bool
) -> None:
    first = replace(_refused(s.ATTEMPTS, _exchange({}, 201)), sends=1)
    then = replace(_refused(s.ATTEMPTS, _exchange(_flat(400), 400)), sends=sends)
    assert (not _violations_of("attempts-capped", first, then)) is kept


@pytest.mark.parametrize(
    ("scenario", "status", "kept"),
    [
        (s.BATCH_ENQUEUED, 201, True),
        (s.BATCH_ENQUEUING_FAILED, 200, True),
        (s.BATCH_ENQUEUED, 400, False),
        (s.BATCH_ENQUEUING_FAILED, 409, False),
        (s.BATCH_OTHER[0], 400, True),
        (s.BATCH_OTHER[0], 409, True),
        (s.BATCH_OTHER[0], 201, False),
        (s.BATCH_OTHER[0], 500, False),
        (s.BATCH_OTHER[0], 302, False),
    ],
)
def test_batch_status_decides(scenario: str, status: int, kept: bool) -> None:
    observation = _refused(scenario, _exchange(_message(), status))
    assert (not _violations_of("batch-status-respected", observation)) is kept


REFUSAL = _exchange(_nested(UNRETRYABLE), 400)


def test_refusal_that_changes_nothing() -> None:
    around = {"before": _shown(), "after": _shown()}
    assert not _violations_of(
        "refusal-changes-nothing", _refused(s.BATCH_OTHER[0], REFUSAL, **around)
    )


@pytest.mark.parametrize(
    "change", [{"latestStatus": "created"}, {"updatedAt": NOW}, {"attempts": [{}]}]
)
def test_refusal_that_changes_a_documented_field(change: dict[str, Any]) -> None:
    observation = _refused(s.NO_KEY, REFUSAL, before=_shown(), after=_shown(**change))
    assert _broken("refusal-changes-nothing", observation).pointer == "/" + next(iter(change))


def test_field_beyond_the_contract_may_change() -> None:
    observation = _refused(s.NO_KEY, REFUSAL, before=_shown(seen=1), after=_shown(seen=2))
    assert not _violations_of("refusal-changes-nothing", observation)


def test_refusal_that_loses_the_message() -> None:
    observation = _refused(s.NO_KEY, REFUSAL, before=_shown(), after=_shown(404))
    assert _broken("refusal-changes-nothing", observation).actual == "status 404"


@pytest.mark.parametrize(
    "observation",
    [
        _refused(s.UNKNOWN, REFUSAL),
        _refused(s.NO_KEY, REFUSAL, before=_shown(404), after=_shown(404)),
        _refused(s.NO_KEY, _exchange(_message()), before=_shown(), after=_after()),
    ],
)
def test_change_needs_a_refusal_of_a_known_message(observation: Observation) -> None:
    with pytest.raises(NotExercised, match="no refusal of a known message"):
        _violations_of("refusal-changes-nothing", observation)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (_flat(400), None),
        (_nested(UNRETRYABLE), None),
        ({**_flat(400), "extra": 1}, None),
        ({"message": "No."}, "an object without statusCode"),
        ({"errors": []}, "an object without message and statusCode"),
        ({"error": "No."}, "an object whose error is a string of 3 characters"),
        ({"error": {"code": "x"}}, "an object without message and type and id"),
        ({"message": 7, "statusCode": 400}, "an envelope with a member of the wrong type"),
        ([], "an array of 0 items"),
        (None, "null"),
    ],
)
def test_refusal_is_in_one_of_the_two_envelopes(payload: Any, problem: str | None) -> None:
    found = _violations_of("error-shape", _refused(s.UNKNOWN, _exchange(payload, 400)))
    assert [violation.actual for violation in found] == ([problem] if problem else [])


def test_refusal_that_is_no_json() -> None:
    observation = _refused(s.UNKNOWN, _exchange(status=400, body=b"<html>"))
    assert _broken("error-shape", observation).actual == "HTML or XML"


@pytest.mark.parametrize("status", [404, 409, 500])
def test_shape_of_an_undocumented_status_of_error(status: int) -> None:
    observation = _refused(s.UNKNOWN, _exchange({"errors": []}, status))
    if status == 404:
        assert _violations_of("error-shape", observation)
    else:
        with pytest.raises(NotExercised, match="no such refusal"):
            _violations_of("error-shape", observation)


@pytest.mark.parametrize(
    ("scenario", "payload", "actual"),
    [
        (s.UNKNOWN, _nested(UNRETRYABLE), None),
        (s.UNKNOWN, _flat(400), None),
        (s.UNKNOWN, {"error": {"message": "No."}}, None),
        (s.UNKNOWN, {"error": "No."}, None),
        (s.UNKNOWN, _nested(TOO_MANY), TOO_MANY),
        (s.UNKNOWN, _nested("no_such_message"), "a code that is not published"),
        (s.RETRIED_TWICE, _nested(TOO_MANY), None),
        (s.ATTEMPTS, _nested(TOO_MANY), None),
        (s.ATTEMPTS, _nested(UNRETRYABLE), UNRETRYABLE),
    ],
)
def test_code_is_the_one_published_for_its_cause(
    scenario: str, payload: Any, actual: str | None
) -> None:
    found = _violations_of("error-code-documented", _refused(scenario, _exchange(payload, 400)))
    assert [violation.actual for violation in found] == ([actual] if actual else [])


@pytest.mark.parametrize("scenario", s.BATCH_OTHER)
def test_code_that_refuses_a_message_for_its_batch_is_not_published(scenario: str) -> None:
    batch = _refused(scenario, _exchange(_nested("batch_wrong"), 400))
    with pytest.raises(NotExercised, match="no such refusal"):
        _violations_of("error-code-documented", batch)
    unknown = _refused(s.UNKNOWN, _exchange(_nested(UNRETRYABLE), 400))
    assert not _violations_of("error-code-documented", batch, unknown)


@pytest.mark.parametrize(
    ("code", "actual"), [("parameter_invalid", None), ("own", "a code that is not published")]
)
def test_any_published_code_may_refuse_a_foreign_campaign(code: str, actual: str | None) -> None:
    foreign = _refused(s.FOREIGN_CAMPAIGN, _exchange(_nested(code), 400))
    found = _violations_of("error-code-documented", foreign)
    assert [violation.actual for violation in found] == ([actual] if actual else [])


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_code_is_checked_only_where_codes_are_published(status: int) -> None:
    observation = _refused(s.UNKNOWN, _exchange(_nested("anything"), status))
    with pytest.raises(NotExercised, match="no such refusal"):
        _violations_of("error-code-documented", observation)


# Every response

TRACES = [
    "Traceback (most recent call last):\n",
    'boom\n  File "/srv/app.py", line 3, in retry\n',
    "Error: no\n    at retryMessage (/app/dist/retry.js:10:5)\n",
    "at sg.gov.Retry.run(Retry.java:12)",
    "see node_modules/express/lib/router.js",
]


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("as_json", [False, True])
def test_stack_trace_is_found_in_text_and_inside_json(trace: str, as_json: bool) -> None:
    body = json.dumps({"message": trace, "statusCode": 500}).encode() if as_json else trace.encode()
    observation = _refused(s.UNKNOWN, _exchange(status=500, body=body))
    assert _broken("no-secret-echoed", observation).actual == "text that holds a stack trace"


@pytest.mark.parametrize("text", ["we met at noon (12:30)", "File it under line 3", "a\n at home"])
def test_plain_text_is_no_stack_trace(text: str) -> None:
    assert not _violations_of("no-secret-echoed", _accepted(_message(fullMessage=text)))


def test_key_in_a_body_is_found() -> None:
    payload = {"message": f"bad key {KEY}", "statusCode": 401}
    violation = _broken("no-secret-echoed", _refused(s.NO_KEY, _exchange(payload, 401)))
    assert KEY not in repr(violation)


def test_key_in_a_header_is_found() -> None:
    headers = {**JSON, "www-authenticate": f'Bearer realm="{KEY}"'}
    violation = _broken(
        "no-secret-echoed", _refused(s.NO_KEY, _exchange(_flat(401), 401, headers=headers))
    )
    assert violation.actual == "text that holds the API key"


def test_content_type_of_a_429_is_not_checked() -> None:
    exchange = _exchange(_message(), 429, headers={"content-type": "text/html"})
    assert not _violations_of("content-type-is-json", _refused(s.UNKNOWN, exchange))


def test_without_a_key_there_is_none_to_find() -> None:
    assert not _violations_of("no-secret-echoed", _accepted(), key="")


@pytest.mark.parametrize(
    ("content_type", "kept"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON ;charset=utf-8", True),
        ("text/json", False),
        ("application/jsonp", False),
        ("text/html", False),
        ("", False),
        (None, False),
        ("mine, 6511111111", False),
    ],
)
@pytest.mark.parametrize("status", [201, 400])
def test_content_type_is_json(content_type: str | None, kept: bool, status: int) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    exchange = _exchange(_message(), status, headers=headers)
    found = _violations_of("content-type-is-json", _refused(s.UNKNOWN, exchange))
    assert (not found) is kept
    came = "no media type" if content_type and "/" not in content_type else content_type
    assert all(v.actual == (came or "absent") for v in found)


def test_violation_is_of_the_scenario_or_else_of_the_response_kind() -> None:
    refused = _refused(s.UNKNOWN, _exchange(status=500))
    assert _broken("unknown-message-refused", refused).scenario == s.UNKNOWN
    assert _broken("no-server-error", refused).scenario == "retry"


@pytest.mark.parametrize("status", [302, 405, 409, 500, 502])
def test_content_type_of_other_responses_is_free(status: int) -> None:
    exchange = _exchange(body=b"<html>", status=status, headers={"content-type": "text/html"})
    assert not _violations_of("content-type-is-json", _refused(s.UNKNOWN, exchange))


@pytest.mark.parametrize(
    ("status", "kept"),
    [(200, False), (204, False), (303, True), (404, True), (405, True), (501, False)],
)
def test_wrong_method_is_refused(status: int, kept: bool) -> None:
    exchange = _exchange(None, status, "other", method="PUT")
    assert (not _violations_of("wrong-method-refused", _refused(s.WRONG_METHOD, exchange))) is kept


@pytest.mark.parametrize(
    ("status", "kept"), [(499, True), (500, False), (503, False), (599, False)]
)
def test_no_response_is_a_server_error(status: int, kept: bool) -> None:
    exchange = _exchange(_flat(status), status)
    assert (not _violations_of("no-server-error", _refused(s.UNKNOWN, exchange))) is kept


# Which contract is served

OLD = _message(BEFORE.contract)


@pytest.mark.parametrize("kind", ["retry", "retrieve", "single-send"])
def test_two_contracts_in_whichever_responses(kind: Kind) -> None:
    observation = _accepted(before=_shown(), sent=_exchange(OLD, 201, kind, number=9))
    assert _violations_of("one-contract-served", observation)
    assert not _violations_of("one-contract-served", _accepted(before=_shown(), after=_after()))


@pytest.mark.parametrize(
    "exchange",
    [_exchange(OLD, 400), _exchange(OLD, 201, "other"), _exchange([OLD]), _exchange(body=b"{")],
)
def test_response_without_a_message_shows_no_contract(exchange: Exchange) -> None:
    assert not _violations_of("one-contract-served", _accepted(sent=exchange))
    with pytest.raises(NotExercised):
        _violations_of("one-contract-served", _refused(s.UNKNOWN, exchange))
    with pytest.raises(NotExercised):
        _violations_of("contract-in-force-served", _refused(s.CUTOVER, exchange))


@pytest.mark.parametrize(
    ("instant", "payload", "kept"),
    [
        ("2025-01-26", OLD, True),
        ("2025-01-26", _message(), False),
        ("2025-01-27", _message(), True),
        ("2025-02-24T23:59:59+08:00", OLD, True),
        ("2025-02-25", OLD, False),
        ("2025-02-25", _message(creatorId=None), True),
    ],
)
def test_contract_in_force_with_the_leniency_of_the_transition(
    instant: str, payload: dict[str, Any], kept: bool
) -> None:
    expectation = expect_at(CONTRACTS, instant)
    found = _violations_of("contract-in-force-served", _accepted(payload), expectation=expectation)
    assert (not found) is kept


def test_observation_may_know_its_own_instant() -> None:
    early = expect_at(CONTRACTS, "2024-01-01")
    observation = Observation(s.CUTOVER, _exchange(OLD), CAMPAIGN, MESSAGE, expected=early)
    assert not _violations_of("contract-in-force-served", observation, expectation=AFTER)
    assert _violations_of("contract-in-force-served", _accepted(OLD), expectation=AFTER)


def test_secrets_are_looked_for_in_linear_time() -> None:
    """Quadratic, this would take hours."""
    blank = _exchange({}, 201)
    blank = replace(blank, body=b"{}" + b"\n" * 1_000_000)
    assert secret_in(blank, "key_test_1") is None
    shown = replace(blank, body=b'{"a": "Error\\n    at retry (/app/retry.js:10:5)"}')
    assert secret_in(shown, "key_test_1") == "text that holds a stack trace"


@pytest.mark.parametrize(
    ("was", "now", "kept"),
    [
        ("2024-05-16T16:48:42+08:00", "2024-05-16T16:48:42+08:00", None),
        ("2024-05-16T16:48:42+08:00", "2024-05-16T16:48:43+08:00", True),
        ("2024-05-16T16:48:42+08:00", "2024-05-16T16:48:41+08:00", False),
        ("2024-05-16T16:48:42.5+08:00", "2024-05-16T16:48:42.5+08:00", False),
    ],
)
def test_whole_seconds_that_are_equal_are_not_compared(
    was: str, now: str, kept: bool | None
) -> None:
    observation = _accepted(_message(updatedAt=now), before=_shown(updatedAt=was))
    if kept is None:
        with pytest.raises(NotExercised, match="no two timestamps could be compared"):
            _violations_of("updated-at-moves-on", observation)
    else:
        assert (not _violations_of("updated-at-moves-on", observation)) is kept


def test_second_retries_that_cannot_be_judged_are_counted() -> None:
    hidden = _exchange({"latestStatus": "created"}, 200, kind="retrieve")
    accepted = replace(
        _refused(s.RETRIED_TWICE, _exchange(_message(), 201)), before=hidden, after=hidden
    )
    with pytest.raises(NotExercised, match=r"^2 were accepted, and Retrieve lists no attempts"):
        _violations_of("second-retry-refused", accepted, accepted)
