"""`explain`: one rule, by exchanges of the built-in model that keep it and, with a fault, break it.

A rule whose cases are generated is shown by the smallest case that finds a fault.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterator

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


def explain(rule: Rule) -> Iterator[str]:
    """Yield an exchange that keeps the rule and one that breaks it, as lines."""
    contracts = catalogue()
    if rule.id in GENERATED:
        yield from _case_lines(rule, contracts, list(contracts)[-1], FAULTS[_FOUND_BY[rule.id]])
        return
    for fault in (fault for fault in FAULTS.values() if fault.rule == rule.id):
        for name in reversed(list(contracts)):
            faulty = _observe(rule, contracts, name, fault)
            broken = next(rule.check(faulty, expect(contracts, name)), None)
            if broken is not None:
                kept, breaking = _examples(_observe(rule, contracts, name), faulty, broken)
                yield from (f"scenario: {broken.scenario}", "") if broken.scenario else ()
                yield f"kept by the documented service ({name}):"
                yield from itertools.chain.from_iterable(map(_exchange_lines, kept))
                yield from ("", f"broken by the fault {fault.name}: {fault.sentence}")
                yield from itertools.chain.from_iterable(map(_exchange_lines, breaking))
                yield from _violation_lines(broken.as_violation(rule.id), rule)
                return


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


def _violation_lines(violation: Violation, rule: Rule) -> Iterator[str]:
    return detail_lines(violation_details(dataclasses.replace(violation, seen=""), rule))


def _case_lines(rule: Rule, contracts: Catalogue, name: str, fault: Fault) -> Iterator[str]:
    from retry_contract.fuzz.generate import generator  # here, since it is slow to import

    given = {"fuzz": _CASES, "seed": _SEED}
    generate = generator(read_options(given, catalogue=contracts, environment={}))

    def check(*faults: Fault) -> tuple[RuleResult, Traffic]:
        endpoint = mock_of(contracts, contracts[name], faults=faults)
        run = Run(endpoint, expect(contracts, name), callbacks=Callbacks(generate))
        return run.check(rule), run.traffic

    _, kept = check()
    yield f"kept by the documented service ({name}):"
    yield f"  {_CASES} generated cases, {kept.requests} requests"
    yield from ("", f"broken by the fault {fault.name}: {fault.sentence}")
    broken, _ = check(fault)
    if not broken.violations:  # not with these versions of the libraries that generate
        yield f"  not found in {_CASES} generated cases"
        return
    yield from _violation_lines(dataclasses.replace(broken.violations[0], replay=None), rule)
