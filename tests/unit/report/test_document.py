"""An outcome as JSON, and the files that a report is."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest
from support.outcomes import AFTER, URL, broken, checked, left_out, outcome, violation

from retry_contract import __version__
from retry_contract.outcome import Drift, Verdict
from retry_contract.report.files import written
from retry_contract.report.json_document import outcome_document, source_document, versions
from retry_contract.report.page import verify_page
from retry_contract.report.summary import summary
from retry_contract.rules import RULES
from retry_contract.verification.report_folder import FILES

FOUND = outcome(
    Verdict.BROKEN,
    checked(
        broken(violation(), violation(replay="retry-contract verify --replay CASE")),
        left_out("key-required", "--ignore", ignored=True),
        drift=(Drift("/naïve", "undocumented field"),),
    ),
    endpoint=URL,
    seed=7,
    replay="retry-contract verify --contract after",
)


def _rules(document: dict[str, Any]) -> dict[str, Any]:
    (contract,) = document["contracts"]
    return {rule.pop("rule"): rule for rule in contract["rules"]}


def test_document_holds_the_outcome_and_how_it_came_about() -> None:
    document = outcome_document(FOUND)
    assert next(iter(document.items())) == ("format", 1)
    (contract,), (cause,) = document.pop("contracts"), document.pop("causes")
    sources = [source_document(source) for source in RULES["message-id-kept"].sources]
    assert cause == {
        "pointer": "/id",
        "place": "body",
        "expected": "the id in the path",
        "actual": "another string of 44 characters",
        "scenario": "accepted",
        "seen": ["accepted, request 2"],
        "contract": AFTER,
        "rules": ["message-id-kept"],
        "sources": sources,
        "replay": None,
    }
    assert list(sources[0]) == ["id", "sentence", "address"]
    assert document.pop("next").startswith("Show the service's team what is broken")
    assert document == {
        "format": 1,
        "command": "verify",
        "baseline": None,
        "outcome": "broken",
        "reason": None,
        "endpoint": URL,
        "replay": "retry-contract verify --contract after",
        "more": {"causes": 0, "violations": 0, "drift": 0},
        "requests": 7,
        "sent": {"retries": 0, "accepted": 0, "sends": 0, "lost": 0},
        "spent": 0,
        "samples": None,
        "cutover": None,
        "superseded": None,
        "mistakes": [],
        "responses": {"200": 4, "201": 3},
        "seconds": 1.5,
        "seed": 7,
        "versions": {"python": "3.11.0"},
    }
    assert contract["contract"] == AFTER
    assert contract["drift"] == [{"pointer": "/naïve", "message": "undocumented field"}]


def test_every_rule_has_its_state_and_says_what_it_rests_on() -> None:
    rules = _rules(outcome_document(FOUND))
    assert list(rules) == list(RULES)
    assert rules["status-is-201"] == {
        "basis": "published",
        "source": RULES["status-is-201"].source,
        "sources": [source_document(source) for source in RULES["status-is-201"].sources],
        "state": "kept",
    }
    assert rules["key-required"]["reason"] == "--ignore"
    assert rules["key-required"]["state"] == "ignored"


def test_violations_are_of_broken_rules_alone_and_replay_of_generated_ones() -> None:
    rules = _rules(outcome_document(FOUND))
    assert [rule for rule, said in rules.items() if "violations" in said] == ["message-id-kept"]
    plain, generated = rules["message-id-kept"]["violations"]
    assert plain == {
        "pointer": "/id",
        "expected": "the id in the path",
        "actual": "another string of 44 characters",
        "message": "/id is another string of 44 characters",
    }
    assert generated == {**plain, "replay": "retry-contract verify --replay CASE"}


def test_report_is_a_document_a_summary_and_a_page(tmp_path: Path) -> None:
    written(FOUND, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES}
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == verify_page(FOUND)
    report = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert report.endswith("}\n")
    assert report.isascii()
    assert json.loads(report) == outcome_document(FOUND)
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == summary(FOUND)


def test_report_of_a_run_at_the_same_time_stays(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("other", encoding="utf-8")
    found = written(outcome(Verdict.KEPT, checked()), tmp_path)
    assert (found.verdict, len([*tmp_path.iterdir()])) == (Verdict.USAGE_ERROR, 1)
    assert "report.json of another run is there by now" in (found.reason or "")
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == "other"


def test_versions_are_of_what_checks_and_generates() -> None:
    found = versions()
    assert list(found) == sorted(found)
    assert found["retry-contract"] == __version__
    assert found["pytest"] == pytest.__version__
    assert found.keys() == {
        *("hypothesis", "jsonschema", "pytest", "python", "retry-contract", "schemathesis")
    }


def test_library_without_metadata_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "schemathesis":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = versions()
    assert "schemathesis" not in found
    assert found["jsonschema"] == "1.2.3"
