"""Every example file is checked as its folder and its name say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.document import Document, read_document
from retry_contract.contract.validator import identify, validate

PAGE_FIELDS = 9


def _files(verdict: Any) -> list[Any]:
    return [
        pytest.param(name, path, id=f"{name}-{path.stem}")
        for name, contract in catalogue().items()
        for path in contract.examples(verdict).values()
    ]


def _read(path: Path) -> Document:
    return read_document(path.read_bytes())


@pytest.mark.parametrize(("contract", "path"), _files("valid"))
def test_valid_example_keeps_exactly_its_contract(contract: str, path: Path) -> None:
    document = _read(path)
    assert document.violations == ()
    assert identify(document.payload) == (contract,)


@pytest.mark.parametrize(("contract", "path"), _files("invalid"))
def test_invalid_example_breaks_exactly_the_rule_in_its_name(contract: str, path: Path) -> None:
    rule = path.name.partition("--")[0]
    document = _read(path)
    found = document.violations or validate(document.payload, catalogue()[contract]).violations
    assert [violation.rule for violation in found] == [rule]


@pytest.mark.parametrize("path", [p.values[1] for p in [*_files("valid"), *_files("invalid")]])
def test_example_is_named_in_plain_words(path: Path) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-{1,2}[a-z0-9]+)*\.json", path.name)


@pytest.mark.parametrize("contract", list(catalogue()))
def test_contract_has_examples_of_both_kinds(contract: str) -> None:
    rules = {name.partition("--")[0] for name in catalogue()[contract].examples("invalid")}
    assert "the-page.json" in catalogue()[contract].examples("valid")
    assert rules == {
        "body-is-json",
        "creator-id-as-contracted",
        "response-matches-schema",
        "status-reset-to-created",
    }


def test_page_example_gains_the_creator_and_nothing_else() -> None:
    before, after = (_read(c.examples("valid")["the-page.json"]) for c in catalogue().values())
    assert len(before.payload) == PAGE_FIELDS
    assert after.payload == {**before.payload, "creatorId": "<USER_ID_OF_MESSAGE_CREATOR>"}


@pytest.mark.parametrize("contract", list(catalogue()))
def test_undocumented_field_is_drift(contract: str) -> None:
    path = catalogue()[contract].examples("valid")["undocumented-field.json"]
    drift = validate(_read(path).payload, catalogue()[contract]).drift
    assert [d.pointer for d in drift] == ["/language", "/batches"]
