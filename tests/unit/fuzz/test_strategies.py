"""What the strategies generate: payloads that are valid, and near misses with one defect each."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from support.sample import one_in

from retry_contract import strategies
from retry_contract.contract.catalogue import Contract, Kind, catalogue
from retry_contract.contract.validator import error_response_problem, validate, violations
from retry_contract.fuzz.field_values import FRACTIONS, OFFSETS
from retry_contract.fuzz.near_misses import edits
from retry_contract.fuzz.payloads import payloads
from retry_contract.strategies import (
    NearMiss,
    error_responses,
    near_misses,
    retrieve_responses,
    retry_responses,
    single_send_responses,
)

CONTRACTS = tuple(catalogue().values())
KINDS: tuple[Kind, ...] = get_args(Kind)
AFTER = catalogue()["after"]
RUN = settings(max_examples=20)
FEW = settings(RUN, max_examples=5)
SEARCH = settings(RUN, max_examples=2000)

each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
each_kind = pytest.mark.parametrize("kind", KINDS)


def _first(strategy: st.SearchStrategy[Any], fits: Callable[[Any], bool] = lambda _: True) -> Any:
    return find(strategy, fits, settings=SEARCH, random=Random(20250224))


@each_contract
@pytest.mark.parametrize("kind", one_in(3, KINDS))
@RUN
@given(data=st.data())
def test_no_payload_is_refused(contract: Contract, kind: Kind, data: st.DataObject) -> None:
    validation = validate(data.draw(payloads(contract, kind)), contract, kind)
    assert validation.violations == ()
    assert {drift.message for drift in validation.drift} <= {"the offset is not +08:00"}


@each_contract
@RUN
@given(payload=error_responses())
def test_no_error_response_is_refused(contract: Contract, payload: Any) -> None:
    assert error_response_problem(payload, contract) is None


@pytest.mark.slow
@each_contract
@each_kind
@RUN
@given(data=st.data())
def test_near_miss_has_the_one_defect_that_it_names(
    contract: Contract, kind: Kind, data: st.DataObject
) -> None:
    _assert_one_defect(data.draw(near_misses(contract, kind)), contract, kind)


@each_contract
@pytest.mark.parametrize("kind", one_in(3, KINDS))
@FEW
@given(data=st.data())
def test_every_edit_breaks_its_own_rule(
    contract: Contract, kind: Kind, data: st.DataObject
) -> None:
    payload = data.draw(payloads(contract, kind))
    for edit in edits(contract, kind):
        _assert_one_defect(edit(payload), contract, kind)
    assert validate(payload, contract, kind).violations == ()


def _assert_one_defect(near: NearMiss, contract: Contract, kind: Kind) -> None:
    (violation,) = validate(near.payload, contract, kind).violations
    assert (violation.rule, violation.pointer) == (near.rule, near.pointer)


@each_contract
def test_edits_are_distinct(contract: Contract) -> None:
    texts = [(edit.pointer, edit.text) for edit in edits(contract)]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize(
    ("alias", "text", "rule"),
    [
        ("after", "creatorId dropped", "creator-id-as-contracted"),
        ("after", "creatorId renamed to creatorID", "creator-id-as-contracted"),
        ("after", "creatorId moved into an object", "creator-id-as-contracted"),
        ("after", "creatorId: null instead", "creator-id-as-contracted"),
        ("after", "creatorId: an empty string", "creator-id-as-contracted"),
        ("before", "creatorId added as null", "creator-id-as-contracted"),
        ("before", 'latestStatus: another string, "failure"', "status-reset-to-created"),
        ("before", "latestStatus dropped", "status-reset-to-created"),
        ("before", "createdAt: no offset", "response-matches-schema"),
        ("before", "updatedAt: 30 February", "response-matches-schema"),
        ("before", "updatedAt: a leap second", "response-matches-schema"),
        ("before", "createdAt: a space instead of T", "response-matches-schema"),
        ("before", "recipient: a plus sign", "response-matches-schema"),
        ("before", "recipient: full-width digits", "response-matches-schema"),
        ("before", "recipient: an NRIC of six digits", "response-matches-schema"),
        ("before", "recipient: a newline at the end", "response-matches-schema"),
        ("before", "values: a member that is number", "response-matches-schema"),
        ("before", "fullMessage: wrapped in an array", "response-matches-schema"),
        ("before", "an array instead of the object", "response-matches-schema"),
    ],
)
def test_edit_is_among_the_near_misses(alias: str, text: str, rule: str) -> None:
    contract = catalogue()[alias]
    payload = {field: contract.sample("retry", field) for field in contract.fields()}
    rules = {edit(payload).rule for edit in edits(contract) if edit.text == text}
    assert rules == {rule}


@pytest.mark.slow
@each_contract
def test_plainest_response_is_readable(contract: Contract) -> None:
    plain = {
        "createdAt": "2024-05-16T16:48:42.247+08:00",
        "updatedAt": "2024-05-16T16:48:59.157+08:00",
        "id": "message_1",
        "recipient": "6522222222",
        "values": {},
        "fullMessage": "This is a message to Test Recipient.",
        "latestStatus": "created",
        "templateBodyId": "template_body_1",
        "campaignId": "campaign_1",
        "creatorId": "user_1",
    }
    expected = {name: plain[name] for name in contract.fields()}
    assert list(_first(retry_responses(contract)).items()) == list(expected.items())


@pytest.mark.slow
def test_plainest_of_the_other_responses_are_readable() -> None:
    retry = _first(retry_responses("after"))
    assert _first(single_send_responses("after")) == {**retry, "language": "english"}
    assert _first(retrieve_responses("after")) == retry
    assert _first(error_responses()) == {"message": "Test Recipient", "statusCode": 400}


@pytest.mark.slow
@pytest.mark.parametrize("edit", ["createdAt dropped", "recipient: a plus sign"])
def test_near_miss_shrinks_to_one_edit_of_the_plainest_response(edit: str) -> None:
    found = _first(near_misses("after"), lambda near: near.edit == edit)
    plain = _first(retry_responses("after"))
    name = found.pointer.removeprefix("/")
    assert {k: v for k, v in found.payload.items() if k != name} == {
        k: v for k, v in plain.items() if k != name
    }
    assert found.payload.get(name) in (None, "+6522222222")


@pytest.mark.slow
def test_every_form_of_timestamp_is_reached() -> None:
    seen: list[str] = []

    @settings(RUN, max_examples=700)
    @given(retry_responses("after"))
    def collect(payload: Any) -> None:
        seen.extend((payload["createdAt"], payload["updatedAt"]))

    collect()
    assert not [offset for offset in OFFSETS if not any(t.endswith(offset) for t in seen)]
    assert not [f for f in FRACTIONS if not any(f in t[19:] for t in seen)]
    for part in ("0000-", "9999-", "-02-29T", "-12-31", "t00:00:00", "T23:59:59"):
        assert any(part in t for t in seen), part


VARIETY: dict[str, Callable[[Any], bool]] = {
    "a value beyond ASCII": lambda p: any(not v.isascii() for v in p["values"].values()),
    "an astral character": lambda p: any(
        max(v, default="") > "\uffff" for v in p["values"].values()
    ),
    "a combining mark": lambda p: "\u0301" in p["fullMessage"],
    "right to left": lambda p: any("\u05d0" <= c <= "\u064a" for c in p["fullMessage"]),
    "no value": lambda p: p["values"] == {},
    "20 values": lambda p: len(p["values"]) >= 20,
    "a message of 1,000 characters": lambda p: len(p["fullMessage"]) > 1000,
    "an empty message": lambda p: p["fullMessage"] == "",
    "an NRIC as a string": lambda p: isinstance(p["recipient"], str) and p["recipient"][0] > "9",
    "an NRIC as an object": lambda p: isinstance(p["recipient"], dict),
    "the creator first": lambda p: next(iter(p)) == "creatorId",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", VARIETY)
def test_variety_is_reached(what: str) -> None:
    found = find(
        retry_responses("after"),
        VARIETY[what],
        settings=settings(max_examples=20_000, phases=[Phase.generate]),
        random=Random(20250224),
    )
    assert violations(found, "after") == ()


@each_contract
def test_contract_is_named_in_any_way(contract: Contract) -> None:
    for make in (retry_responses, single_send_responses, retrieve_responses):
        assert make(contract) is make(contract.name) is make(contract.period.alias)


def test_unknown_contract_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        retry_responses("later")
    with pytest.raises(KeyError):
        near_misses("later")


def test_names_are_sorted() -> None:
    assert strategies.__all__ == sorted(strategies.__all__)
