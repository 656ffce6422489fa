"""A further contract is generated from its schemas alone: no code."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from retry_contract.contract.catalogue import Catalogue, Contract, schemas_folder
from retry_contract.contract.validator import validate
from retry_contract.fuzz.near_misses import edits
from retry_contract.fuzz.payloads import field_strategy
from retry_contract.strategies import near_misses, retry_responses

THIRD = "third-2026-03-01"
ROW = {
    "name": THIRD,
    "alias": "third",
    "effectiveFrom": "2026-03-01T00:00:00+08:00",
    "summary": "several fields are added",
}
FIELDS = "../common/fields.schema.json#/$defs/"
ADDED: dict[str, Any] = {
    "creatorEmail": {"$ref": FIELDS + "creatorEmail"},
    "sentAt": {"$ref": FIELDS + "timestamp", "description": "When it was sent."},
    "priority": {"type": "integer", "minimum": 1, "maximum": 9},
    "channel": {"enum": ["sms", "email"]},
    "reference": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{1,4}$", "maxLength": 7},
    "place": {
        **{"type": "string", "pattern": "^[A-Z]+$"},
        "not": {"type": "string", "pattern": "[^A-Z]"},
    },
    "nickname": {"type": ["string", "null"], "minLength": 1},
    "parts": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "cost": {
        "type": "object",
        "properties": {"amount": {"type": "number"}, "waived": {"type": "boolean"}},
        "required": ["amount", "currency"],
    },
    "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
    "fallback": {"anyOf": [{"$ref": FIELDS + "phoneNumber"}, {"type": "null"}]},
    "code": {"$ref": FIELDS + "opaqueId", "maxLength": 6, "examples": ["c_1"]},
    "odd": {"type": "integer", "multipleOf": 7, "examples": [7, 14]},
    "note": True,
}
RUN = settings(max_examples=200)


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """A third contract, which requires fields that no code knows."""
    folder = tmp_path_factory.mktemp("later") / "schemas"
    shutil.copytree(schemas_folder(), folder)
    shutil.copytree(folder / "after-2025-02-24", folder / THIRD)
    timeline = json.loads((folder / "timeline.json").read_text(encoding="utf-8"))
    timeline["contracts"].append(ROW)
    (folder / "timeline.json").write_text(json.dumps(timeline), encoding="utf-8")
    path = folder / THIRD / "retry-response.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["$id"] = schema["$id"].replace("after-2025-02-24", THIRD)
    schema["properties"].update(ADDED)
    schema["required"].extend(ADDED)
    path.write_text(json.dumps(schema), encoding="utf-8")
    return Catalogue(folder)["third"]


@pytest.mark.slow
@RUN
@given(data=st.data())
def test_no_payload_is_refused(third: Contract, data: st.DataObject) -> None:
    payload = data.draw(retry_responses(third))
    validation = validate(payload, third)
    assert validation.violations == ()
    assert {drift.message for drift in validation.drift} <= {"the offset is not +08:00"}
    assert payload.keys() >= ADDED.keys()


@pytest.mark.slow
@RUN
@given(data=st.data())
def test_near_miss_has_the_one_defect_that_it_names(third: Contract, data: st.DataObject) -> None:
    near = data.draw(near_misses(third))
    (violation,) = validate(near.payload, third).violations
    assert (violation.rule, violation.pointer) == (near.rule, near.pointer)


def test_every_added_field_has_its_near_misses(third: Contract) -> None:
    texts = {edit.text for edit in edits(third)}
    assert {f"{name} dropped" for name in ADDED} <= texts
    assert {
        "sentAt: no offset",
        "priority: string instead",
        "nickname: an empty string",
        "fallback: array instead",
        "tags: a member that is null",
        "parts: an item that is number",
        'channel: another string, "SMS"',
    } <= texts
    assert not {"nickname: null instead", "fallback: null instead"} & texts


@pytest.mark.slow
def test_plainest_response_is_readable(third: Contract) -> None:
    found = find(retry_responses(third), lambda _: True, settings=RUN)
    added = {name: value for name, value in found.items() if name in ADDED}
    assert re.fullmatch("[A-Z]{3}-[0-9]{1,4}", added.pop("reference"))
    assert added == {
        "creatorEmail": "campaign_2c9d7a54-66a1-4f0e-8a39-5d1f3a0e7b22@postman.gov.sg",
        "sentAt": "2024-05-16T16:48:42.247+08:00",
        "priority": 1,
        "channel": "sms",
        "place": "A",
        "nickname": None,
        "parts": ["Test Recipient"],
        "cost": {"amount": 0.0, "currency": None},
        "tags": {},
        "fallback": "6522222222",
        "code": "c_1",
        "odd": 7,
        "note": None,
    }


def test_edits_of_a_closed_response_add_no_member(third: Contract) -> None:
    path = third.folder / THIRD / "single-send-response.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**schema, "additionalProperties": False}), encoding="utf-8")
    closed = Catalogue(third.folder)["third"]
    for edit in edits(closed, "single-send"):
        near = edit({k: closed.sample("single-send", k) for k in closed.fields("single-send")})
        assert len(validate(near.payload, closed, "single-send").violations) == 1


def test_schema_without_a_strategy_asks_for_examples(third: Contract) -> None:
    with pytest.raises(ValueError, match="multipleOf, type: add examples"):
        field_strategy({"type": "integer", "multipleOf": 7}, third)
    with pytest.raises(ValueError, match="not: add examples"):
        field_strategy({"not": {"type": "null"}}, third)
