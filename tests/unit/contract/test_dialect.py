"""The validator that is made once a member finds what jsonschema's own finds."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from retry_contract.contract import validator
from retry_contract.contract.catalogue import Kind, catalogue
from retry_contract.contract.document import read_document
from retry_contract.fuzz.near_misses import edits

KINDS: tuple[Any, ...] = get_args(Kind)


def _found(errors: Any) -> list[tuple[Any, ...]]:
    return [
        (list(e.absolute_path), list(e.absolute_schema_path), e.validator, e.message, e.schema)
        for e in errors
    ]


def _payloads(name: str, kind: Any) -> list[Any]:
    contract = catalogue()[name]
    sample = {field: contract.sample(kind, field) for field in contract.fields(kind)}
    files = [*contract.examples("valid").values(), *contract.examples("invalid").values()]
    saved = [read_document(file.read_bytes()).payload for file in files]
    return [None, [], {}, sample, *saved, *(edit(sample).payload for edit in edits(contract, kind))]


@pytest.mark.parametrize("kind", [*KINDS, "error"])
@pytest.mark.parametrize("name", list(catalogue()))
def test_errors_are_those_of_jsonschema(name: str, kind: Any) -> None:
    own = validator._validator(catalogue()[name], kind)
    plain = Draft202012Validator(own.schema, registry=validator._registry(catalogue().folder))
    payloads = [p for other in KINDS for p in _payloads(name, other)]
    found = [_found(own.iter_errors(payload)) for payload in payloads]
    assert found == [_found(plain.iter_errors(payload)) for payload in payloads]
    assert sum(map(bool, found)) > 100
