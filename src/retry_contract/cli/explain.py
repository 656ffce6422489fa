"""`explain`: one rule, by exchanges of the built-in model that keep it and, with a fault, break it.

A rule whose cases are generated is shown by the smallest case that finds a fault.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retry_contract.contract.catalogue import Catalogue, catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.exchange import Exchange, Observations
from retry_contract.outcome import RuleResult, Traffic, Violation
from retry_contract.report.text import detail_lines, violation_details
from retry_contract.rules import GENERATED, Finding, Rule
from retry_contract.rules.generated_cases import REQUESTS, SEQUENCES
from retry_contract.service.faults import FAULTS, Fault
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.options import read_options
from retry_contract.verification.run import Run

_FOUND_BY = {REQUESTS: "creator-id-null", SEQUENCES: "values-lost"}
_CASES, _SEED = "10", "2"


@dataclass(frozen=True)
class Explanation:
    """What keeps a rule and, with a fault, breaks it.

    Of a rule whose cases are generated, `requests` is how many its kept cases sent, and there are
    no exchanges; `violation` is None where the cases do not find the fault.
    """

    contract: str
    fault: Fault
    violation: Violation | None
    scenario: str = ""
    kept: tuple[Exchange, ...] = ()
    breaking: tuple[Exchange, ...] = ()
    requests: int | None = None


def explain(rule: Rule) -> Explanation:
    """Return an exchange that keeps the rule and one that breaks it. Raises LookupError if none."""
    contracts = catalogue()
    if rule.id in GENERATED:
        return _explain_by_cases(rule, contracts, list(contracts)[-1], FAULTS[_FOUND_BY[rule.id]])
    for fault in (fault for fault in FAULTS.values() if fault.rule == rule.id):
        for name in reversed(list(contracts)):
            faulty = _observe(rule, contracts, name, fault)
            broken = next(rule.check(faulty, expect(contracts, name)), None)
            if broken is not None:
                kept, breaking = _examples(_observe(rule, contracts, name), faulty, broken)
                violation = broken.as_violation(rule.id)
                return Explanation(name, fault, violation, broken.scenario, kept, breaking)
    raise LookupError(f"{rule.id}: no fault breaks it")


def explanation_lines(found: Explanation, rule: Rule) -> Iterator[str]:
    """Yield an explanation as lines."""
    yield from (f"scenario: {found.scenario}", "") if found.scenario else ()
    yield f"kept by the documented service ({found.contract}):"
    if found.requests is not None:
        yield f"  {_CASES} generated cases, {found.requests} requests"
    yield from itertools.chain.from_iterable(map(_exchange_lines, found.kept))
    yield from ("", f"broken by the fault {found.fault.name}: {found.fault.sentence}")
    yield from itertools.chain.from_iterable(map(_exchange_lines, found.breaking))
    if found.violation is None:  # not with these versions of the libraries that generate
        yield f"  not found in {_CASES} generated cases"
    else:
        plain = dataclasses.replace(found.violation, seen="", replay=None)
        yield from detail_lines(violation_details(plain, rule))


def explanation_document(found: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON has it."""
    kept: dict[str, Any] = {"exchanges": list(map(_exchange_document, found.kept))}
    if found.requests is not None:
        kept = {"cases": int(_CASES), "requests": found.requests}
    violation = found.violation and {
        name: getattr(found.violation, name)
        for name in ("rule", "pointer", "expected", "actual", "case")
    }
    return {
        "contract": found.contract,
        "scenario": found.scenario or None,
        "kept": kept,
        "broken": {
            "fault": found.fault.name,
            "sentence": found.fault.sentence,
            "exchanges": list(map(_exchange_document, found.breaking)),
            "violation": violation,
        },
    }


def _observe(rule: Rule, contracts: Catalogue, name: str, *faults: Fault) -> Observations:
    run = Run(mock_of(contracts, contracts[name], faults=faults), expect(contracts, name))
    return run.observations(rule.scenario)


def _examples(
    kept: Observations, faulty: Observations, broken: Finding
) -> Iterator[tuple[Exchange, ...]]:
    """Return the exchanges that keep and break the rule; if alike, also those around them."""
    same = kept.of(broken.scenario)
    known = [e for o in same for e in (o.exchange, o.sent, o.before, o.after)]
    found = [e for e in (*known, *kept.exchanges) if e and e.number == broken.exchange.number]
    counterpart = found[0] if found else [*kept.exchanges, *(o.exchange for o in same)][-1]
    pairs = [(counterpart, broken.exchange)]
    if _look_alike(*pairs[0]):
        around = zip(_neighbours(kept, broken), _neighbours(faulty, broken), strict=False)
        pairs += [pair for pair in around if not _look_alike(*pair)]
    return zip(*pairs, strict=True)


def _neighbours(observations: Observations, broken: Finding) -> list[Exchange]:
    return [
        exchange
        for o in observations.of(broken.scenario)
        if o.exchange.number == broken.exchange.number
        for exchange in (o.sent, o.before, o.after)
        if exchange is not None
    ]


def _look_alike(one: Exchange, other: Exchange) -> bool:
    return (one.status, one.headers, one.body) == (other.status, other.headers, other.body)


def _exchange_lines(exchange: Exchange) -> Iterator[str]:
    yield f"  {exchange.method} {exchange.path}"
    yield f"  {exchange.status}, {exchange.headers.get('content-type', 'no content type')}"
    if exchange.document.violations:
        text = exchange.body.decode("utf-8", "replace")
    else:
        text = json.dumps(exchange.payload, indent=2, ensure_ascii=False)
    yield from (f"    {line}" for line in text.splitlines())


def _exchange_document(exchange: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = {"method": exchange.method, "path": exchange.path}
    found |= {"status": exchange.status, "content_type": exchange.headers.get("content-type")}
    if exchange.document.violations:
        return found | {"body": exchange.body.decode("utf-8", "replace")}
    return found | {"payload": exchange.payload}


def _explain_by_cases(rule: Rule, contracts: Catalogue, name: str, fault: Fault) -> Explanation:
    from retry_contract.fuzz.generate import Generator  # here, since it is slow to import

    given = {"fuzz": _CASES, "seed": _SEED}
    generate = Generator(read_options(given, catalogue=contracts, environment={}))

    def check(*faults: Fault) -> tuple[RuleResult, Traffic]:
        endpoint = mock_of(contracts, contracts[name], faults=faults)
        run = Run(endpoint, expect(contracts, name), callbacks=Callbacks(generate))
        return run.check(rule), run.traffic

    _, kept = check()
    broken, _ = check(fault)
    violation = broken.violations[0] if broken.violations else None
    return Explanation(name, fault, violation, requests=kept.requests)
