"""The JSON Schemas of the documents: what they refuse, and that they belong together."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.in_process_reader import readiness
from support.json_schemas import SCHEMAS, problems, schema_of
from support.outcomes import AFTER, broken, checked, left_out, outcome, violation

from retry_contract.cli.explain import explain, explanation_document
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import Drift, Entry, Verdict
from retry_contract.report.json_document import outcome_document
from retry_contract.report.readiness_report import readiness_document
from retry_contract.report.reference_document import (
    rule_document,
    rules_document,
    timeline_document,
)
from retry_contract.rules import RULES

NAMES = sorted(path.name.partition(".")[0] for path in SCHEMAS.iterdir())
RUN = outcome(
    Verdict.BROKEN,
    checked(
        broken(violation(replay="retry-contract verify --replay CASE")),
        left_out("key-required", "--ignore", ignored=True),
        drift=(Drift("/language", "undocumented field"),),
    ),
    replay="retry-contract verify",
    versions={"python": "3.11.0", "retry-contract": "0.1.0"},
)
ENTRY = {
    **{"rule": "creator-id-kept", "contract": AFTER, "pointer": "/creatorId"},
    **{"first_seen": "2025-02-01", "last_seen": "2025-02-03", "expires": None},
    **{"came": "status 403", "scenario": "accepted"},
    **{"reason": "", "ticket": "SMS-1"},
}
OPEN = {"versions", "messages", "payload", "body"}
"""The members whose own members are not the kit's to choose."""


def _consumer() -> dict[str, Any]:
    found = readiness(lambda response: {"last": [*response.values()][-1]})
    replay = "retry-contract consumer module:consume"
    return readiness_document(dataclasses.replace(found, replay=replay))


def _explained(rule: str) -> dict[str, Any]:
    return {"format": 1, **rule_document(RULES[rule]), **explanation_document(explain(RULES[rule]))}


def _with_baseline() -> dict[str, Any]:
    document = outcome_document(RUN)
    lists = {name: [ENTRY] for name in ("known", "gone", "not_exercised", "expired")}
    rule = next(r for r in document["contracts"][0]["rules"] if r["rule"] == "creator-id-kept")
    rule |= {"state": "known", "known": [ENTRY]}
    return document | {"baseline": lists}


SANDBOX = {
    **{"format": 1, "endpoint": "http://127.0.0.1:1/api/v2", "control": "http://127.0.0.1:1/c"},
    **{"campaign": "campaign_1", "key": "key_test_1", "revoked_key": "key_test_2"},
    "messages": {"failure": "message_1"},
    "foreign": {"campaign": "campaign_2", "key": "key_3", "messages": {"failure": "message_2"}},
    **{"fail_after": 1.0, "contract": AFTER, "now": "2025-02-24T00:00:00+08:00", "faults": []},
}
LINE = {
    **{"format": 1, "time": "2025-02-24T00:00:00.000+00:00", "call": "retry", "method": "POST"},
    **{"path": "/api/v2/x", "status": 201, "headers": {"allow": "POST"}, "body": {"id": "x"}},
}
DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "verify": _with_baseline,
    "consumer": _consumer,
    "rules": lambda: {"format": 1, **rules_document()},
    "timeline": lambda: {
        "format": 1,
        **timeline_document(catalogue().timeline, datetime(2025, 3, 1, tzinfo=UTC)),
    },
    "explain": lambda: _explained("message-id-kept"),
    "sandbox": lambda: SANDBOX,
    "record": lambda: LINE,
}


def _objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of the objects in a document whose members are the kit's."""
    if path and path[-1] in OPEN:
        return
    if isinstance(value, dict):
        if path[-1:] != ("responses",):
            yield path
        for name, item in value.items():
            yield from _objects(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value[:3]):
            yield from _objects(item, (*path, index))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


def test_there_is_a_schema_of_every_document() -> None:
    described = {*DOCUMENTS, "baseline", "faults", "validate"}
    assert set(NAMES) == described


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_and_says_so_itself(name: str) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"]


def test_what_several_schemas_define_is_the_same() -> None:
    by_name: dict[str, list[Any]] = {}
    for name in NAMES:
        for definition in ("refused", "source", "basis", "drift"):
            if definition in (found := schema_of(name).get("$defs", {})):
                by_name.setdefault(definition, []).append(found[definition])
    assert all(each == found[0] for found in by_name.values() for each in found)
    assert {name: len(found) > 1 for name, found in by_name.items()} == dict.fromkeys(by_name, True)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_another_member_is_refused_in_each_object(name: str) -> None:
    document = DOCUMENTS[name]()
    assert problems(name, document) == []
    for path in _objects(document):
        changed = copy.deepcopy(document)
        _at(changed, path)["another"] = 1
        assert problems(name, changed), path


def _is_optional(path: tuple[Any, ...], member: str) -> bool:
    """Whether a member need not be there: the replay of a generated case, and a header."""
    return (member == "replay" and "violations" in path) or member == "allow"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_member_that_goes_missing_is_refused(name: str) -> None:
    document = DOCUMENTS[name]()
    for path in _objects(document):
        for member in _at(document, path):
            changed = copy.deepcopy(document)
            del _at(changed, path)[member]
            refused = bool(problems(name, changed))
            assert refused is not _is_optional(path, member), (path, member)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("record", "baseline")])
def test_command_that_is_refused_is_described_too(name: str) -> None:
    refused = {"format": 1, "outcome": "usage error", "reason": "there is no such file"}
    assert problems(name, refused) == []
    assert problems(name, {**refused, "outcome": "kept"})


def test_format_comes_first() -> None:
    assert problems("record", dict(reversed(LINE.items())))
    assert problems("record", {**LINE, "format": 2})


def test_states_and_outcomes_need_what_explains_them() -> None:
    document = outcome_document(RUN)
    assert problems("verify", {**document, "outcome": "kept"})
    assert problems("verify", {**document, "outcome": "not tested"})
    assert problems("verify", {**document, "next": None})
    rules = document["contracts"][0]["rules"]
    for state, member in (("broken", "violations"), ("known", "known"), ("ignored", "reason")):
        kept = next(rule for rule in rules if rule["state"] == "kept")
        changed = copy.deepcopy(document)
        changed["contracts"][0]["rules"] = [{**kept, "state": state}]
        assert problems("verify", changed), member


def test_entry_of_a_baseline_is_that_of_the_outcome() -> None:
    entry = Entry("rule", AFTER, "", date(2025, 2, 1), date(2025, 2, 1))
    members = [field.name for field in dataclasses.fields(entry)]
    assert members == list(schema_of("verify")["$defs"]["entry"]["properties"])


def test_schemas_are_data_of_the_package() -> None:
    assert isinstance(SCHEMAS, Path)
    assert SCHEMAS.is_relative_to(Path(outcome_document.__code__.co_filename).parent)
    assert json.loads((SCHEMAS / "verify.schema.json").read_text(encoding="utf-8"))
