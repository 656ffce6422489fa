"""A further contract is a folder and a row of the timeline: no code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import retry_contract
from retry_contract.contract.bundle import bundle, bundle_either
from retry_contract.contract.catalogue import Catalogue, catalogue, schemas_folder
from retry_contract.contract.expectation import expect_at
from retry_contract.contract.validator import identify, validate, violations

THIRD = "third-2026-03-01"
ROW = {
    "name": THIRD,
    "alias": "third",
    "effectiveFrom": "2026-03-01T00:00:00+08:00",
    "summary": "creatorEmail is added",
}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """The shipped contracts and a third one, which requires `creatorEmail`."""
    folder = tmp_path_factory.mktemp("three") / "schemas"
    shutil.copytree(schemas_folder(), folder)
    _append_row(folder / "timeline.json")
    shutil.copytree(folder / "after-2025-02-24", folder / THIRD)
    for path in (folder / THIRD).glob("*.schema.json"):
        _require_email(path)
    return Catalogue(folder)


def _append_row(path: Path) -> None:
    timeline = json.loads(path.read_text(encoding="utf-8"))
    timeline["contracts"].append(ROW)
    path.write_text(json.dumps(timeline), encoding="utf-8")


def _require_email(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["$id"] = schema["$id"].replace("after-2025-02-24", THIRD)
    schema["properties"]["creatorEmail"] = {
        "$ref": "../common/fields.schema.json#/$defs/creatorEmail"
    }
    schema["required"].append("creatorEmail")
    path.write_text(json.dumps(schema), encoding="utf-8")


def _response(contracts: Catalogue, alias: str) -> dict[str, Any]:
    contract = contracts[alias]
    return {field: contract.sample("retry", field) for field in contract.fields()}


def test_third_contract_is_listed_last(three: Catalogue) -> None:
    assert list(three) == ["before-2025-02-24", "after-2025-02-24", THIRD]
    assert len(three) == 3
    assert three["third"] is three[THIRD]
    assert three["third"].fields() == (*three["after"].fields(), "creatorEmail")


def test_third_contract_is_in_force_from_its_row_on(three: Catalogue) -> None:
    assert three.of(three.timeline.at("2026-02-28T23:59:59+08:00")) is three["after"]
    assert three.of(three.timeline.at("2026-03-01")) is three["third"]
    assert expect_at(three, "2026-03-01").tolerated == ()
    for period in three.timeline:
        assert three.timeline.at(three.timeline.instant_within(period)) is period


def test_third_contract_is_identified(three: Catalogue) -> None:
    assert identify(_response(three, "third"), three) == ("after-2025-02-24", THIRD)
    assert identify(_response(three, "after"), three) == ("after-2025-02-24",)
    assert identify(_response(three, "before"), three) == ("before-2025-02-24",)


@pytest.mark.parametrize("alias", ["before", "after", "third"])
def test_response_shows_its_contract(three: Catalogue, alias: str) -> None:
    assert three.contract_of(_response(three, alias)) is three[alias]


def test_third_contract_is_checked_by(three: Catalogue) -> None:
    assert violations(_response(three, "third"), three["third"]) == ()
    (violation,) = violations(_response(three, "after"), three["third"])
    assert (violation.rule, violation.pointer) == ("response-matches-schema", "/creatorEmail")
    assert violation.actual == "absent"
    assert validate(_response(three, "third"), three["after"]).drift[0].pointer == "/creatorEmail"


def test_member_that_a_schema_forbids_inside_a_field_is_a_violation(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(schemas_folder(), tmp_path / "schemas"))
    payload = {**_response(catalogue(), "after"), "values": {"name": 1}}
    path = folder / "after-2025-02-24" / "retry-response.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["values"] = {"properties": {"name": False}}
    path.write_text(json.dumps(schema), encoding="utf-8")
    (violation,) = violations(payload, Catalogue(folder)["after"])
    assert violation.message == "values is with one, a number; expected no forbidden member"


def test_third_contract_is_in_the_bundles(three: Catalogue) -> None:
    either = Draft202012Validator(bundle_either(three))
    only_third = Draft202012Validator(bundle(three["third"]))
    assert list(bundle_either(three)["$defs"]) != list(bundle_either(catalogue())["$defs"])
    assert all(either.is_valid(_response(three, alias)) for alias in ("before", "after", "third"))
    assert only_third.is_valid(_response(three, "third"))
    assert not only_third.is_valid(_response(three, "after"))
    assert {"$ref": "#/$defs/RetryResponseThird"} in bundle_either(three)["anyOf"]


def test_third_contract_brings_its_examples(three: Catalogue) -> None:
    assert "the-page.json" in three["third"].examples("valid")


def test_third_contract_leaves_the_shipped_ones_alone(three: Catalogue) -> None:
    assert THIRD not in catalogue()
    assert list(catalogue()) == ["before-2025-02-24", "after-2025-02-24"]


@pytest.mark.parametrize(
    ("payload", "alias"),
    [
        ({}, "before"),
        ({"creatorId": None}, "after"),
        ({"creatorId": "user_1", "id": 7}, "after"),
        ({"creatorID": "user_1"}, "before"),
        ({"templateBody": {"creatorId": "user_1"}}, "before"),
    ],
)
@pytest.mark.parametrize("kind", ["retry", "retrieve", "single-send"])
def test_faulty_response_still_shows_a_contract(payload: Any, alias: str, kind: Any) -> None:
    shown = catalogue().contract_of(payload, kind)
    assert shown is catalogue()[alias]


@pytest.mark.parametrize("payload", [None, [], "text", 7])
def test_response_that_is_no_object_shows_none(payload: Any) -> None:
    assert catalogue().contract_of(payload) is None


def test_unknown_contract_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"^later: no such contract; did you mean after\?$"):
        catalogue()["later"]
    assert "later" not in catalogue()
    assert catalogue().get("later") is None


def test_payload_in_the_place_of_a_contract_is_not_quoted() -> None:
    wrong: Any = {"recipient": "S0000000X"}
    said = "^a value of type dict: no such contract; use one of before, after$"
    with pytest.raises(KeyError, match=said):
        catalogue()[wrong]
    assert wrong not in catalogue()


def test_reference_is_resolved_under_what_is_laid_over_it() -> None:
    schema = catalogue()["after"].schema["properties"]["createdAt"]
    resolved = catalogue()["after"].resolve({**schema, "title": "over"})
    assert (resolved["title"], resolved["type"]) == ("over", "string")
    assert "pattern" in resolved
    assert "first created" in resolved["description"]


def test_missing_schemas_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(retry_contract, "__path__", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match="reinstall retry-contract"):
        schemas_folder()
