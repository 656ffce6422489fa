"""What is masked in a recorded response, and what a scrubber takes out of a text."""

from __future__ import annotations

import json
import shlex
from typing import Any
from unittest.mock import ANY

import pytest

from retry_contract import violations
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.document import read_document
from retry_contract.outcome import Drift
from retry_contract.privacy.descriptions import pointer
from retry_contract.privacy.masks import mask
from retry_contract.privacy.names import MASK, is_plain_name
from retry_contract.privacy.scrubber import Scrubber

EXAMPLES = [
    pytest.param(contract.name, file, id=f"{contract.name}-{verdict}-{name}")
    for contract in catalogue().values()
    for verdict in ("valid", "invalid")
    for name, file in contract.examples(verdict).items()
    if not read_document(file.read_bytes()).violations
]
MESSAGE: dict[str, Any] = {
    "id": "message_1",
    "campaignId": "campaign_00000000-0000-4000-8000-000000000002",
    "recipient": "6590001234",
    "values": {"name": "Zebediah", "code": "Q7-318", "status": "ill", "id": "S1234567D"},
    "fullMessage": "Dear Zebediah,\nyour code is Q7-318.",
    "latestStatus": "created",
    "creatorEmail": "zebediah@agency.example",
    "recipientName": ["Zebediah"],
    "account": 6590001234,
    "balance": 6590001234.5,
    "count": 3,
    "test": True,
    "error": {"code": "no", "message": "of Zebediah", "type": "domain_error", "id": "trace-77"},
}
KEPT = {"campaignId", "latestStatus", "count", "test"}


@pytest.mark.parametrize(("name", "file"), EXAMPLES)
def test_masked_response_keeps_or_breaks_the_same(name: str, file: Any) -> None:
    payload = read_document(file.read_bytes()).payload
    found, masked = violations(payload, name), violations(mask(payload), name)
    assert [(v.rule, v.pointer) for v in masked] == [(v.rule, v.pointer) for v in found]


def test_what_is_of_a_person_is_masked() -> None:
    masked = mask(MESSAGE)
    text = json.dumps(masked)
    for secret in ("6590001234", "Zebediah", "Q7-318", "ill", "S1234567D", "trace-77", "agency"):
        assert secret not in text, secret
    assert {name: masked[name] for name in KEPT} == {name: MESSAGE[name] for name in KEPT}
    assert masked["error"] == {
        **masked["error"],
        "code": "unpublished_code",
        "type": "domain_error",
    }
    assert json.dumps(MESSAGE, default=str).count("Zebediah") == 4, "the payload is not changed"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("6590001234", "6500000000"),
        ("+6590001234", "+6500000000"),
        ("0590001234", "0650000000"),
        ("6522222222", "6522222222"),
        ("S1234567D", "S0000000A"),
        ("g7654321x", "S0000000A"),
        ("A1234567B", "A0000000A"),
        ("6590001234 ", "***********"),
        ("", ""),
        ("success", "success"),
    ],
)
def test_form_of_a_recipient(text: str, masked: str) -> None:
    assert mask({"recipient": text}) == {"recipient": masked}
    assert mask({"recipient": {"value": text, "type": "x"}})["recipient"]["value"] == masked


@pytest.mark.parametrize("payload", [None, True, 400, 1.5, [], {}, "", "message", [["Zeb"]]])
def test_any_json_can_be_masked(payload: Any) -> None:
    assert type(mask(payload)) is type(payload)


def _scrubber() -> Scrubber:
    scrubber = Scrubber("key_test_0123456789")
    scrubber.learn([{"data": {"message": MESSAGE}}])
    return scrubber


@pytest.mark.parametrize("write", [str, json.dumps, repr, lambda text: shlex.join([text])])
@pytest.mark.parametrize(
    "secret",
    [
        *("key_test_0123456789", "6590001234", "Zebediah", "Q7-318", "trace-77"),
        *("Dear Zebediah,\nyour code is Q7-318.", "zebediah@agency.example"),
    ],
)
def test_scrubber_knows_a_secret_however_it_is_written(secret: str, write: Any) -> None:
    scrubbed = _scrubber().scrub(f"before {write(secret)} after")
    assert secret not in scrubbed
    assert MASK in scrubbed


@pytest.mark.parametrize("name", ["O'Brien Quimby", 'Zoë "Z" Quimby', "张伟明\\", "$(Zeb) `x`"])
def test_scrubber_reads_through_quotes(name: str) -> None:
    scrubber = Scrubber(name)
    for written in (name, repr({"name": name}), json.dumps({"name": name})):
        for quoted in (written, shlex.join(["--values", written])):
            assert name not in (scrubbed := scrubber.scrub(quoted))
            assert MASK in scrubbed
    assert "Quimby" not in scrubber.scrub(shlex.join(["--values", json.dumps({"name": name})]))


@pytest.mark.parametrize("word", ["201", "success", "6522222222", "ab", ""])
def test_what_says_nothing_of_a_person_stays(word: str) -> None:
    scrubber = Scrubber()
    scrubber.learn({"recipient": word, "values": {"name": word}})
    assert scrubber.scrub(f"status {word}.") == f"status {word}."


def test_short_secret_is_taken_out_as_a_word() -> None:
    assert Scrubber("Tan").scrub("Tan stands; (Tan) Tan_1") == (f"{MASK} stands; ({MASK}) {MASK}_1")


def test_number_is_a_recipient_too() -> None:
    scrubber = Scrubber()
    scrubber.learn({"recipient": 6590001234})
    assert scrubber.scrub("to 6590001234") == f"to {MASK}"


def test_scrubbed_payload_is_still_json() -> None:
    scrubber = Scrubber("true", "status", "Zebediah")
    line = {"status": 201, "ok": True, "Zebediah": ["of Zebediah", {"recipient": "Zebediah"}]}
    assert scrubber.scrub_payload(line) == {
        **{"status": 201, "ok": True},
        MASK: [f"of {MASK}", {"recipient": MASK}],
    }


def test_pointer_names_no_secret() -> None:
    scrubber = Scrubber("6590001234", "recipient")
    assert scrubber.scrub_pointer("/data/6590001234/recipient") == f"/data/{MASK}/recipient"


# Names of members

PLAIN = [
    *("@type", "$schema", "dotted.name", "xml:lang", "v20250224", "x.y-z:1", "OnRecipient"),
    *("nextField", "creatorID", "creator_id", "templateBody2", "_links", "x-trace", "sms2025"),
    *("createdAt", "recipient", "0", "12", "9999", "ISO8601", "SHA-256", "message_id_v2", "a"),
]
ODD = [
    *("S7654321B", "6587654321", "note for Zebediah-Quux", "n6587654321", "ref_S7654321B", "12345"),
    *("S7654321", "Zebediah,Quux", "zebediah@agency.example", "+65 8765 4321", "Zoë", "张伟明", ""),
    *("a/b", "a~b", "-dash", "2fa", "a\nb", "creatorId ", "creatorId\n", "\uff11"),
]


@pytest.mark.parametrize("name", PLAIN)
def test_ordinary_new_name_stays_readable(name: str) -> None:
    assert is_plain_name(name)
    scrubber = Scrubber()
    scrubber.learn({"data": [{name: 1}]})
    assert mask({name: True}) == scrubber.scrub_payload({name: True}) == {name: True}
    assert scrubber.scrub_pointer(f"/data/{name}") == f"/data/{name}"
    assert scrubber.scrub(f"/{name} is absent") == f"/{name} is absent"


@pytest.mark.parametrize("name", ODD)
def test_name_that_a_person_may_stand_in_is_masked(name: str) -> None:
    assert not is_plain_name(name)
    assert mask({"data": {name: True}}) == {"data": {MASK: True}}
    place = pointer(["data", name])
    assert Scrubber().scrub_pointer(place) in (f"/data/{MASK}", "/data/")


def test_masked_names_are_as_many_as_before() -> None:
    masked = mask({"Zoë": "a", "S7654321B": "b", "id": "c", "6587654321": "d"})
    assert list(masked) == [MASK, f"{MASK} 2", "id", f"{MASK} 3"]
    assert Scrubber().scrub_payload(masked) == masked


def test_learned_name_is_taken_out_of_any_text() -> None:
    scrubber = Scrubber()
    scrubber.learn([{"S7654321B": {"note for Zebediah/Quux": 1, "nextField": 2}}])
    said = "KeyError: 'note for Zebediah/Quux' at /S7654321B/note for Zebediah~1Quux; nextField"
    assert scrubber.scrub(said) == f"KeyError: '{MASK}' at /{MASK}/{MASK}; nextField"


@pytest.mark.parametrize(
    "name", ["陈伟", "李", "é", "S7654321B", "note for Zebediah-Quux", "a: b; expected c"]
)
def test_violation_names_no_person(name: str) -> None:
    payload = {"values": {name: 5}, name: {"creatorId": "user_1"}}
    found = violations(payload, "after")
    assert any(name in violation.pointer for violation in found)
    assert any(f"nested at /{name}/creatorId" in violation.actual for violation in found)
    scrubbed = [Scrubber().scrub_violation(violation) for violation in found]
    assert not any(name in str(vars(violation)) for violation in scrubbed)
    assert any(f"nested at /{MASK}/creatorId" in violation.actual for violation in scrubbed)
    (wrong,) = (violation for violation in scrubbed if violation.pointer == f"/values/{MASK}")
    assert wrong.message == f"values/{MASK} is a number; expected a string"


# What a record shows

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("createdAt", "2025-02-24T00:00:00.123+08:00", "2025-02-24T00:00:00.123+08:00"),
        ("updatedAt", "2025-02-24T00:00:00Z", "2025-02-24T00:00:00Z"),
        ("sentAt", "2025-02-24T00:00:00.6590001234+08:00", "2025-02-24T00:00:00.659000+08:00"),
        ("createdAt", "2025-02-24", "a date without a time"),
        ("createdAt", "9000-12-34T90:00:12+34:56", "a string of 25 characters"),
        ("createdAt", "2025-02-24T00:00:00+65:90", "a string of 25 characters"),
        ("createdAt", "Tan Ah Kow", "a string of 10 characters"),
        ("id", f"message_{UUID}", f"message_{UUID}"),
        ("templateBodyId", f"template_body_{UUID}", f"template_body_{UUID}"),
        ("creatorId", "7", "7"),
        ("campaignId", f"tan_ah_kow_{UUID}", "a string of 47 characters"),
        ("creatorId", "6590001234", "a string of 10 characters"),
        ("latestStatus", "failure", "failure"),
        ("status", "messages_enqueued", "messages_enqueued"),
        ("latestStatus", "invalid_recipient_6590001234", "a string of 28 characters"),
        ("language", "CHINESE", "CHINESE"),
        ("language", "klingon", "a string of 7 characters"),
        ("code", "parameter_invalid", "parameter_invalid"),
        ("code", "routing_error", "routing_error"),
        ("code", "invalid_recipient_6590001234", "unpublished_code"),
        ("code", "to Tan Ah Kow", "a string of 13 characters"),
        ("type", "delivery_error", "delivery_error"),
        ("type", "Tan Ah Kow", "a string of 10 characters"),
        ("id", "", ""),
    ],
)
def test_record_shows_a_text_in_its_documented_form(name: str, text: str, shown: str) -> None:
    assert mask({name: text}) == {name: shown}
    if name in ("code", "type"):
        assert mask({"error": {name: text}}) == {"error": {name: shown}}
    published = text in ("", "failure", "messages_enqueued")
    assert mask({"values": {name: text}}) == {"values": {name: text if published else ANY}}
    assert published or mask({"values": {name: text}}) != {"values": {name: text}}


@pytest.mark.parametrize(
    ("number", "shown"),
    [(9999, 9999), (10_000, 10_000), (6590001234, 10_000), (-6590001234, 10_000), (0.659, 0.5)],
)
def test_record_shows_a_number_of_four_digits(number: float, shown: float) -> None:
    assert mask({"count": number, "items": [number]}) == {"count": shown, "items": [shown]}
    assert mask(1e999) == 0.5


def test_drift_names_no_person_and_no_key() -> None:
    drift = Drift("/S7654321B/key_test_0123456789", "is Key_Test_0123456789 meant?")
    scrubbed = Scrubber("key_test_0123456789").scrub_drift(drift)
    assert scrubbed == Drift(f"/{MASK}/{MASK}", f"is {MASK} meant?")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        *(("n1234", True), ("n12345", False), ("1234", True), ("12345", False)),
        *(("a-1-2-3-4-5-6", True), ("a-1-2-3-4-5-6-7", False)),
        *(("x" * 60, True), ("x" * 61, False), ("validRetry", True)),
    ],
)
def test_how_many_digits_a_name_may_have(name: str, plain: bool) -> None:
    assert is_plain_name(name) is plain
