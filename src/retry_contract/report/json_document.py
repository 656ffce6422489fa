"""An outcome as a JSON document."""

import dataclasses
import importlib.metadata
import platform
from typing import Any

from retry_contract._version import __version__
from retry_contract.outcome import SHOWN, Outcome, RuleResult, RuleState, Verdict, Violation
from retry_contract.report.bounded import bounded
from retry_contract.report.causes import Cause, causes, next_step
from retry_contract.report.known import known_document
from retry_contract.rules import RULES
from retry_contract.rules.sources import Source
from retry_contract.verification.baseline_file import entry_document

_SENT = ("retries", "accepted", "sends", "lost")
_LIBRARIES = ("hypothesis", "jsonschema", "pytest", "schemathesis")


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome in the form that `verify --json` prints."""
    found = causes(outcome)
    outcome, more = bounded(outcome)
    return {
        "format": 1,
        "command": "verify",
        "outcome": str(outcome.verdict),
        "reason": outcome.reason,
        "endpoint": outcome.endpoint,
        "causes": [_cause(cause) for cause in found[:SHOWN]],
        "replay": outcome.replay,
        "next": None if outcome.verdict is Verdict.KEPT else next_step(outcome),
        "contracts": [
            {
                "contract": contract.contract,
                "rules": [_rule(result) for result in contract.rules],
                "drift": [dataclasses.asdict(drift) for drift in contract.drift],
            }
            for contract in outcome.contracts
        ],
        "baseline": known_document(outcome),
        "more": {"causes": len(found[SHOWN:]), **dataclasses.asdict(more)},
        "requests": outcome.traffic.requests,
        "sent": {name: getattr(outcome.traffic, name) for name in _SENT},
        "samples": outcome.samples,
        "spent": outcome.spent,
        "cutover": outcome.cutover,
        "superseded": outcome.superseded,
        "mistakes": list(outcome.mistakes),
        "responses": dict(outcome.traffic.responses),
        "seconds": outcome.seconds,
        "seed": outcome.seed,
        "versions": dict(outcome.versions),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    violation = cause.violation
    return {
        "pointer": violation.pointer,
        "place": "body" if violation.pointer else violation.place,
        "expected": violation.expected,
        "actual": violation.actual,
        "scenario": violation.scenario,
        "seen": list(cause.responses),
        "contract": cause.contract,
        "rules": list(cause.rules),
        "sources": [source_document(source) for source in cause.sources],
        "replay": violation.replay,
    }


def source_document(source: Source) -> dict[str, str]:
    """Return a source: its id, what it says, and where."""
    return {"id": source.id, "sentence": source.sentence, "address": source.address}


def _rule(result: RuleResult) -> dict[str, Any]:
    rule = RULES[result.rule]
    document: dict[str, Any] = {
        "rule": rule.id,
        "basis": str(rule.basis),
        "source": rule.source,
        "sources": [source_document(source) for source in rule.sources],
        "state": str(result.state),
    }
    if result.state is RuleState.BROKEN:
        document["violations"] = [_violation(violation) for violation in result.violations]
    if result.known:
        document["known"] = [entry_document(entry) for entry in result.known]
    if result.reason is not None:
        document["reason"] = result.reason
    if result.cases is not None:
        document["cases"] = result.cases
    if result.asked is not None:
        document["asked"] = result.asked
    return document


def _violation(violation: Violation) -> dict[str, Any]:
    names = ["pointer", "expected", "actual", "message"]
    names += [] if violation.replay is None else ["replay"]
    return {name: getattr(violation, name) for name in names}


def versions() -> dict[str, str]:
    """Return the versions of Python, the kit, and the libraries that check and generate."""
    found = {"python": platform.python_version(), "retry-contract": __version__}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return dict(sorted(found.items()))
