"""A further contract needs no code: the model serves it, and a run holds the service to it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.runs import check_all
from support.sample import one_in

from retry_contract.contract.catalogue import Catalogue, Kind, schemas_folder
from retry_contract.contract.expectation import expect
from retry_contract.contract.validator import validate
from retry_contract.endpoint.mock import MockEndpoint, mock_of
from retry_contract.exchange import Exchange, Observations
from retry_contract.outcome import RuleState
from retry_contract.rules import GENERATED, RULES
from retry_contract.verification.run import Run

AFTER, THIRD = "after-2025-02-24", "third-2026-03-01"
BEGIN = "2026-03-01T00:00:00+08:00"
EVERY_RESPONSE = ("retry", "single-send", "retrieve")
NEW: dict[str, tuple[str, dict[str, Any]]] = {
    "a new field": ("priority", {"type": "string", "title": "a word", "examples": ["normal"]}),
    "a field that Retrieve had": (
        "creatorEmail",
        {"$ref": "../common/fields.schema.json#/$defs/creatorEmail"},
    ),
}


def _catalogue(
    folder: Path, field: str, schema: dict[str, Any], kinds: tuple[str, ...]
) -> Catalogue:
    shutil.copytree(schemas_folder(), folder, ignore=shutil.ignore_patterns("examples"))
    shutil.copytree(folder / AFTER, folder / THIRD)
    timeline = json.loads((folder / "timeline.json").read_text(encoding="utf-8"))
    row = {"name": THIRD, "alias": "third", "effectiveFrom": BEGIN, "summary": f"{field} is added"}
    timeline["contracts"].append(row)
    (folder / "timeline.json").write_text(json.dumps(timeline), encoding="utf-8")
    for kind in EVERY_RESPONSE:
        path = folder / THIRD / f"{kind}-response.schema.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        document["$id"] = document["$id"].replace(AFTER, THIRD)
        if kind in kinds:
            document["properties"][field] = schema
            document["required"].append(field)
        path.write_text(json.dumps(document), encoding="utf-8")
    return Catalogue(folder)


@pytest.fixture(params=NEW)
def field(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return NEW[request.param]


@pytest.fixture(params=[EVERY_RESPONSE, ("retry", "single-send"), ("retry",), ("retrieve",)])
def three(
    request: pytest.FixtureRequest, tmp_path: Path, field: tuple[str, dict[str, Any]]
) -> Catalogue:
    """The shipped contracts and a third one, with one more field in some of the responses."""
    return _catalogue(tmp_path / "schemas", *field, request.param)


@pytest.mark.parametrize("alias", one_in(3, ["third", "before", "after"]))
def test_every_rule_is_kept_on_each_of_three_contracts(three: Catalogue, alias: str) -> None:
    run = Run(mock_of(three, three[alias]), expect(three, alias))
    result = check_all(run)
    unkept = {r.rule for r in result.rules if r.state is not RuleState.KEPT}
    assert unkept == GENERATED, result.rules
    assert result.drift == ()


@pytest.mark.parametrize("kind", EVERY_RESPONSE)
def test_new_field_is_served_from_the_example_of_its_schema(tmp_path: Path, kind: Any) -> None:
    three = _catalogue(tmp_path / "schemas", *NEW["a new field"], EVERY_RESPONSE)
    mock = mock_of(three, three["third"])
    headers = {"authorization": f"Bearer {mock.key}"}
    path = f"campaigns/{mock.campaign}/messages"
    message = mock.message_in("failure")
    send: dict[str, Any] = {"recipient": mock.simulator, "language": "english", "values": {}}
    response = {
        "retry": lambda: mock.client.post(f"{path}/{message}/retry", headers=headers),
        "retrieve": lambda: mock.client.get(f"{path}/{message}", headers=headers),
        "single-send": lambda: mock.client.post(path, headers=headers, json=send),
    }[kind]()
    assert response.json()["priority"] == "normal"
    assert not validate(response.json(), three["third"], kind).violations


def test_service_without_the_new_field_breaks_the_third_contract(tmp_path: Path) -> None:
    three = _catalogue(tmp_path / "schemas", *NEW["a new field"], EVERY_RESPONSE)
    start = three.timeline.instant_within(three["third"].period)
    late = MockEndpoint(three, start, lambda _: three["after"])
    result = check_all(Run(late, expect(three, "third")))
    broken = {r.rule for r in result.rules if r.state is RuleState.BROKEN}
    assert broken == {
        "response-matches-schema",
        "contract-in-force-served",
        "neighbours-match-schema",
    }


def test_service_that_flaps_between_the_later_two_serves_two_contracts(tmp_path: Path) -> None:
    three = _catalogue(tmp_path / "schemas", *NEW["a new field"], ("retry", "retrieve"))
    start = three.timeline.instant_within(three["third"].period)

    def flapping(now: Any) -> Any:
        return three["third" if (now - start) // timedelta(seconds=2) % 2 else "after"]

    result = check_all(Run(MockEndpoint(three, start, flapping), expect(three, "third")))
    (one,) = [r for r in result.rules if r.rule == "one-contract-served"]
    assert one.state is RuleState.BROKEN
    (violation,) = one.violations
    assert violation.expected.partition(",")[0] in (f"present: {THIRD}", f"absent: {AFTER}")
    assert violation.actual.partition(", as in ")[0] in ("absent", "present")


def test_response_that_two_contracts_share_commits_a_run_to_neither(tmp_path: Path) -> None:
    three = _catalogue(tmp_path / "schemas", *NEW["a new field"], ("retry", "retrieve"))

    def shown(number: int, kind: Kind, alias: str) -> Exchange:
        contract = three[alias]
        payload = {field: contract.sample(kind, field) for field in contract.fields(kind)}
        return Exchange(number, kind, "", "", 200, {}, json.dumps(payload).encode())

    sent, retried = shown(1, "single-send", "third"), shown(2, "retry", "third")
    check = RULES["one-contract-served"].violations
    expectation = expect(three, "third")
    assert not check(Observations((), (sent, retried)), expectation)
    assert not check(Observations((), (sent, shown(2, "retry", "after"))), expectation)
    exchanges = (sent, retried, shown(3, "retrieve", "after"))
    (violation,) = check(Observations((), exchanges), expectation)
    assert violation.expected == f"present: {THIRD}, as retry showed at request 2"
    assert violation.actual.startswith(f"absent, as in {AFTER}")
