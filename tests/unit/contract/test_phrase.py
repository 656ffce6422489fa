"""What a violation says is expected: a line of the description, else the keyword."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from retry_contract.contract.catalogue import Catalogue, schemas_folder
from retry_contract.contract.phrase import expected_by, expected_value
from retry_contract.contract.validator import violations

PHONE = {
    "title": "PhoneNumber",
    "description": "A number.\nExpected: digits, e.g. 6522222222.\nNo plus sign.",
    "type": "string",
    "pattern": "^[0-9]+$",
}


@pytest.mark.parametrize("keyword", ["type", "pattern"])
def test_line_of_the_description_says_it_whatever_failed(keyword: str) -> None:
    assert expected_by(PHONE, keyword) == expected_value(PHONE) == "digits, e.g. 6522222222"


@pytest.mark.parametrize(
    ("schema", "phrase"),
    [
        ({"type": "string"}, "a string"),
        ({"type": "integer"}, "an integer"),
        ({"type": ["object", "null"]}, "an object or null"),
        ({"const": "created"}, 'the constant "created"'),
        ({"type": "string", "const": "a"}, 'the constant "a"'),
        ({"title": "Name", "description": "A name. Expected: no line of its own."}, "a value"),
        ({}, "a value"),
    ],
)
def test_constant_or_type_says_it_otherwise(schema: dict[str, Any], phrase: str) -> None:
    assert expected_value(schema) == phrase


def test_other_keyword_is_quoted() -> None:
    schema = {"title": "Name", "type": "string", "minLength": 2, "enum": ["a", "bc"]}
    assert expected_by(schema, "type") == "a string"
    assert expected_by(schema, "minLength") == 'a value that keeps "minLength": 2'
    assert expected_by(schema, "enum") == 'a value that keeps "enum": ["a", "bc"]'


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        ({"type": "string", "minLength": 2}, "x", 'a value that keeps "minLength": 2'),
        ({"type": "string", "description": "Expected: a word."}, 7, "a word"),
        ({"type": "string", "title": "Word", "description": "A word."}, 7, "a string"),
        ({"$ref": "#/$defs/phoneNumber", "description": "Expected: a number."}, 7, "a number"),
        (
            {"$ref": "#/$defs/phoneNumber", "description": "Whom to call."},
            "6522222222\n",
            "digits with country code and no plus sign",
        ),
    ],
)
def test_schema_of_another_folder_says_it_too(
    definition: dict[str, Any], value: Any, expected: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(schemas_folder(), tmp_path / "schemas"))
    path = folder / "common" / "fields.schema.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields["$defs"]["fullMessage"] = {**definition, "examples": ["6522222222"]}
    path.write_text(json.dumps(fields), encoding="utf-8")
    contract = Catalogue(folder)["after"]
    payload = {name: contract.sample("retry", name) for name in contract.fields()}
    (absent,) = violations({k: v for k, v in payload.items() if k != "fullMessage"}, contract)
    (wrong,) = violations({**payload, "fullMessage": value}, contract)
    assert wrong.expected == expected
    assert absent.expected == ("a string" if "minLength" in definition else expected)
