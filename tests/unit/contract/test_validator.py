"""What the validator says of a payload: one violation a defect, described and never quoted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import retry_contract
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect, expect_at
from retry_contract.contract.validator import (
    error_response_problem,
    identify,
    validate,
    validate_expected,
    violations,
)
from retry_contract.strategies import near_misses

CONTRACTS = catalogue()
BEFORE, AFTER = CONTRACTS.values()
CREATOR = {"creatorId": "user_1"}


def _response(alias: str, **changes: Any) -> dict[str, Any]:
    contract = CONTRACTS[alias]
    return {field: contract.sample("retry", field) for field in contract.fields()} | changes


def _without(payload: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in names}


CREATOR_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "absent": (_without(_response("after"), "creatorId"), "creatorId is absent; expected"),
    "null": (_response("after", creatorId=None), "creatorId is null;"),
    "number": (_response("after", creatorId=7), "creatorId is a number;"),
    "empty": (_response("after", creatorId=""), "creatorId is an empty string;"),
    "wrong case": (
        _without(_response("after", creatorID="user_1"), "creatorId"),
        "creatorId is absent, but there is creatorID: names are case-sensitive;",
    ),
    "nested": (
        _without(_response("after", templateBody=CREATOR), "creatorId"),
        "creatorId is absent at the top, but there is one nested at /templateBody/creatorId;",
    ),
}


@pytest.mark.parametrize("fault", CREATOR_FAULTS)
def test_each_fault_of_the_creator_has_its_message(fault: str) -> None:
    payload, says = CREATOR_FAULTS[fault]
    (violation,) = violations(payload, "after")
    assert violation.rule == "creator-id-as-contracted"
    assert violation.pointer == "/creatorId"
    assert violation.message.startswith(says)
    assert violation.expected == "a non-empty string"


def test_faults_of_the_creator_have_different_messages() -> None:
    messages = {violations(payload, "after")[0].message for payload, _ in CREATOR_FAULTS.values()}
    assert len(messages) == len(CREATOR_FAULTS)


def test_creator_nested_in_an_array_is_seen_and_one_very_deep_is_not() -> None:
    payload = _without(_response("after"), "creatorId")
    (near,) = violations({**payload, "batches": [{}, CREATOR]}, "after")
    assert near.actual.endswith("nested at /batches/1/creatorId")
    deep = {"a": [{"a": [{"a": CREATOR}]}]}
    (far,) = violations({**payload, "batches": deep}, "after")
    assert far.actual == "absent"


@pytest.mark.parametrize("value", ["user_1", "", None, 7, {}, []])
def test_creator_before_the_cutover_is_one_violation_whatever_its_value(value: Any) -> None:
    (violation,) = violations(_response("before", creatorId=value), "before")
    assert violation.rule == "creator-id-as-contracted"
    assert violation.pointer == "/creatorId"
    assert violation.expected == "absent in before-2025-02-24"
    assert "has no such member" in violation.message


def test_creator_nested_before_the_cutover_is_drift() -> None:
    validation = validate(_response("before", templateBody=CREATOR), BEFORE)
    assert validation.violations == ()
    (drift,) = validation.drift
    assert drift.pointer == "/templateBody"
    assert drift.message.endswith(
        ", with a creatorId nested in it, which is not the one at the top"
    )


@pytest.mark.parametrize("field", AFTER.fields())
def test_missing_field_is_one_violation_at_the_field(field: str) -> None:
    (violation,) = violations(_without(_response("after"), field), "after")
    assert (violation.pointer, violation.actual) == (f"/{field}", "absent")


@pytest.mark.parametrize("field", AFTER.fields())
@pytest.mark.parametrize("value", [None, 7, True, [], ""])
def test_wrong_value_is_at_most_one_violation_at_the_field(field: str, value: Any) -> None:
    found = violations(_response("after", **{field: value}), "after")
    assert [v.pointer for v in found] == (
        [] if (field, value) == ("fullMessage", "") else [f"/{field}"]
    )


def test_each_defect_is_a_violation_in_the_order_of_the_fields() -> None:
    payload = _without(
        _response("after", id="", latestStatus="failure", creatorId=None), "createdAt"
    )
    found = violations(payload, "after")
    assert [(v.rule, v.pointer) for v in found] == [
        ("response-matches-schema", "/createdAt"),
        ("response-matches-schema", "/id"),
        ("status-reset-to-created", "/latestStatus"),
        ("creator-id-as-contracted", "/creatorId"),
    ]


def test_each_bad_value_inside_is_pointed_at() -> None:
    payload = _response("after", values={"a/b": 1, "c~d": None, "e": "kept"})
    found = violations(payload, "after")
    assert [(v.pointer, v.actual) for v in found] == [
        ("/values/a~1b", "a number"),
        ("/values/c~0d", "null"),
    ]


@pytest.mark.parametrize("payload", [[], "text", 7, None, True, [_response("after")]])
def test_response_that_is_no_object_is_one_violation(payload: Any) -> None:
    (violation,) = violations(payload, "after")
    assert (violation.rule, violation.pointer) == ("response-matches-schema", "")
    assert violation.message.startswith("the response is ")
    assert violation.message.endswith("; expected an object")


def test_empty_object_breaks_each_rule_about_a_field() -> None:
    assert len(violations({}, "before")) == 9
    assert len(violations({}, "after")) == 10


@pytest.mark.parametrize(
    ("recipient", "kept"),
    [
        ("9990000", True),
        ("999000000000000", True),
        ("999000", False),
        ("9990000000000000", False),
        ("999-0000", False),
        ("999 0000", False),
        ("S0000000X", True),
        ("A0000000X", False),
        ("S000000X", False),
        ("S0000000X\n", False),
        ({"value": "S0000000X"}, True),
        ({"value": None}, False),
        ({}, False),
    ],
)
def test_form_of_a_recipient(recipient: Any, kept: bool) -> None:
    assert (violations(_response("after", recipient=recipient), "after") == ()) is kept


@pytest.mark.parametrize(
    ("timestamp", "kept"),
    [
        ("2024-02-29T00:00:00Z", True),
        ("2000-02-29T00:00:00Z", True),
        ("0000-02-29t00:00:00z", True),
        ("1900-02-29T00:00:00Z", False),
        ("2023-02-29T00:00:00Z", False),
        ("2024-04-31T00:00:00Z", False),
        ("2024-00-01T00:00:00Z", False),
        ("2024-01-00T00:00:00Z", False),
        ("2024-13-01T00:00:00Z", False),
        ("2024-01-01T24:00:00Z", False),
        ("2024-01-01T00:60:00Z", False),
        ("2016-12-31T23:59:60Z", False),
        ("2024-01-01T00:00:00.Z", False),
        ("2024-01-01T00:00:00,5Z", False),
        ("2024-01-01T00:00:00+24:00", False),
        ("2024-01-01T00:00:00+08:60", False),
        ("2024-01-01T00:00:00+0800", False),
        ("2024-01-01T00:00:00+08", False),
        ("2024-01-01T00:00Z", False),
        ("2024-01-01T00:00:00Z\n", False),
        (" 2024-01-01T00:00:00Z", False),
        ("\uff12024-01-01T00:00:00Z", False),
        ("2024-01-01T00:00:00\u221208:00", False),
        ("12024-01-01T00:00:00Z", False),
    ],
)
def test_form_of_a_timestamp(timestamp: str, kept: bool) -> None:
    assert (violations(_response("after", updatedAt=timestamp), "after") == ()) is kept


@given(st.datetimes(), st.integers(-1439, 1439), st.sampled_from("Tt"))
def test_every_possible_instant_is_a_timestamp(when: Any, offset: int, separator: str) -> None:
    hours, minutes = divmod(abs(offset), 60)
    text = f"{when.isoformat(separator)}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    assert violations(_response("after", createdAt=text), "after") == ()


ALPHABET = "ЖЩЫЭЮЯ"
SECRETS = st.one_of(
    st.text(ALPHABET, min_size=1, max_size=10),
    st.text(ALPHABET, min_size=61, max_size=99),
    st.integers(10**12, 10**13).map(lambda n: n * 1000 + 777),
    st.text(ALPHABET, min_size=1).map(lambda s: "2025-02-24 " + s),
    st.integers(10**12, 10**13).map(lambda n: f"+{n}777"),
    st.integers(10**12, 10**13).map(lambda n: f"2024-01-01T00:00:00.{n}777"),
)
CONTENT = st.recursive(
    SECRETS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "name", "creatorId"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from([*AFTER.fields(), "creatorID", "templateBody", "language"])


@given(st.dictionaries(FIELDS, CONTENT, max_size=6) | CONTENT, st.sampled_from(["before", "after"]))
def test_value_of_a_payload_is_never_quoted(payload: Any, contract: str) -> None:
    validation = validate(payload, CONTRACTS[contract])
    text = " ".join(
        " ".join((v.pointer, v.message, v.expected, v.actual)) for v in validation.violations
    )
    text += " ".join(f"{d.pointer} {d.message}" for d in validation.drift)
    leaked = [leaf for leaf in _leaves(payload) if str(leaf) in text]
    assert not leaked
    assert not set(ALPHABET) & set(text)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for member in inner for leaf in _leaves(member)]
    return [value]


@given(st.dictionaries(st.text(max_size=80), st.integers(), max_size=4))
def test_name_of_a_member_is_shown_printable_and_bounded(values: dict[str, int]) -> None:
    for violation in violations(_response("after", values=values), "after"):
        assert violation.message.isprintable()
        assert len(violation.pointer) <= len("/values/") + 60
        json.dumps([violation.pointer, violation.message]).encode()


def test_undocumented_fields_are_drift_in_their_order() -> None:
    validation = validate(_response("after", language="english", attempts=[]), AFTER)
    assert validation.violations == ()
    assert [(d.pointer, d.message) for d in validation.drift] == [
        ("/language", "undocumented field"),
        ("/attempts", "undocumented field"),
    ]


def test_name_in_the_wrong_case_is_drift_as_well() -> None:
    payload, _ = CREATOR_FAULTS["wrong case"]
    (drift,) = validate(payload, AFTER).drift
    assert drift.pointer == "/creatorID"
    assert drift.message == "undocumented field; is creatorId meant? Names are case-sensitive"


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        (_response("before"), ("before-2025-02-24",)),
        (_response("after"), ("after-2025-02-24",)),
        (_response("after", creatorId=None), ()),
        ({}, ()),
        (None, ()),
        ([], ()),
    ],
)
def test_contracts_that_a_payload_keeps(payload: Any, names: tuple[str, ...]) -> None:
    assert identify(payload) == names


def test_unknown_contract_is_a_key_error_that_says_what_was_meant() -> None:
    with pytest.raises(KeyError, match=r"^afer: no such contract; did you mean after\?$"):
        violations({}, "afer")
    swapped: Any = {}
    with pytest.raises(KeyError, match=r"^a value of type dict: no such contract"):
        violations("after", swapped)


def test_contract_is_named_in_full_by_alias_or_given() -> None:
    payload = _response("before")
    found = violations(payload, "after")
    assert found
    assert found == violations(payload, "after-2025-02-24") == violations(payload, AFTER)


def test_strict_adds_the_drift_as_violations() -> None:
    changes = {"language": "x", "createdAt": "2024-05-16T08:48:42Z", "fullMessage": None}
    payload = _response("after", **changes)
    (broken,) = violations(payload, "after")
    assert broken.pointer == "/fullMessage"
    found = violations(payload, "after", strict=True)
    assert found[0] == broken
    assert [(v.rule, v.pointer, v.message, v.actual) for v in found[1:]] == [
        ("drift", "/language", "language: undocumented field", "undocumented field"),
        ("drift", "/createdAt", "createdAt: the offset is not +08:00", "the offset is not +08:00"),
    ]
    assert violations(_response("after"), "after", strict=True) == ()


@pytest.mark.parametrize("kind", ["retrieve", "single-send"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_other_kinds_of_response_are_validated_too(kind: Any, contract: str) -> None:
    fields = CONTRACTS[contract].fields(kind)
    payload = {field: CONTRACTS[contract].sample(kind, field) for field in fields}
    assert violations(payload, contract, response=kind, strict=True) == ()
    assert identify(payload, response=kind) == (contract,)
    (violation,) = violations(payload | {"latestStatus": "lost"}, contract, response=kind)
    assert (violation.rule, violation.pointer) == ("response-matches-schema", "/latestStatus")


def test_unknown_kind_of_response_is_a_key_error_that_says_what_was_meant() -> None:
    unknown: Any = "retreive"
    said = r"^retreive: no such response; did you mean retrieve\?$"
    with pytest.raises(KeyError, match=said):
        violations({}, "after", response=unknown)
    with pytest.raises(KeyError, match=said):
        identify({}, response=unknown)
    with pytest.raises(KeyError, match=said):
        near_misses("after", unknown)


def test_other_contract_in_the_transition_is_drift() -> None:
    expectation = expect_at(CONTRACTS, "2025-02-24T12:00:00+08:00")
    validation = validate_expected(_response("before"), expectation)
    assert (validation.contract, validation.violations) == (BEFORE.name, ())
    assert [d.message for d in validation.drift] == [
        "before-2025-02-24 is served while after-2025-02-24 is in force (transition)"
    ]


def test_fault_in_the_transition_is_a_violation_of_the_contract_shown() -> None:
    expectation = expect_at(CONTRACTS, "2025-01-27")
    validation = validate_expected(_response("after", creatorId=None), expectation)
    assert [v.pointer for v in validation.violations] == ["/creatorId"]
    assert validation.contract == AFTER.name


@pytest.mark.parametrize("when", ["2025-01-26", "2025-02-25"])
def test_other_contract_outside_the_transition_is_a_violation(when: str) -> None:
    expectation = expect_at(CONTRACTS, when)
    other = "before" if expectation.contract is CONTRACTS["after"] else "after"
    assert [v.pointer for v in validate_expected(_response(other), expectation).violations] == [
        "/creatorId"
    ]


def test_named_contract_tolerates_no_other() -> None:
    assert validate_expected(_response("before"), expect(CONTRACTS, "after")).violations
    assert not validate_expected(_response("after"), expect(CONTRACTS, "after")).violations
    assert validate_expected(None, expect(CONTRACTS, "after")).violations


@pytest.mark.parametrize(
    "payload",
    [
        {"message": "Unauthorized", "statusCode": 401},
        {"error": {"code": "parameter_invalid", "message": "m", "type": "domain_error", "id": "1"}},
    ],
)
def test_documented_envelope_has_no_problem(payload: Any) -> None:
    assert error_response_problem(payload, AFTER) is None


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (None, "null"),
        ([], "an array of 0 items"),
        ("text", "a string of 4 characters"),
        ({}, "an object without message and statusCode"),
        ({"message": "m"}, "an object without statusCode"),
        ({"error": "text"}, "an object whose error is a string of 4 characters"),
        ({"error": {"code": "a", "message": "m"}}, "an object without type and id"),
        ({"message": 1, "statusCode": 400}, "an envelope with a member of the wrong type"),
        ({"message": "m", "statusCode": 200}, "an envelope with a member of the wrong type"),
        (
            {"error": {"code": "Not Snake", "message": "m", "type": "t", "id": "1"}},
            "an envelope with a member of the wrong type",
        ),
        (
            {"error": None, "message": "m", "statusCode": 400},
            "an object whose error is null",
        ),
    ],
)
def test_other_envelope_is_described(payload: Any, problem: str) -> None:
    assert error_response_problem(payload, AFTER) == problem


def test_package_offers_the_validator() -> None:
    assert retry_contract.violations is violations
    assert retry_contract.identify is identify
    assert retry_contract.contracts is CONTRACTS
    assert retry_contract.timeline is CONTRACTS.timeline
    assert retry_contract.Violation is type(violations({}, "after")[0])
    assert sorted(retry_contract.__all__) == retry_contract.__all__
    with pytest.raises(AttributeError, match="no attribute 'later'"):
        _ = retry_contract.later


@pytest.mark.parametrize("field", ["createdAt", "recipient"])
def test_newline_at_the_end_is_one_violation_with_the_phrase_of_the_field(field: str) -> None:
    payload = _response("after", **{field: _response("after")[field] + "\n"})
    ((newline,), (absent,)) = (
        violations(response, "after") for response in (payload, _without(payload, field))
    )
    assert newline.expected == absent.expected
    assert newline.expected.startswith(("an RFC 3339 timestamp", "digits with country code"))
