"""`explain`: one rule, by an exchange that keeps it and one that breaks it.

Both are taken from the built-in model as it runs: as documented, and with a fault of the rule's
own. A rule whose cases are generated is shown by the smallest case that finds a fault.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from retry_contract.contract.catalogue import Catalogue, catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.exchange import Exchange, Observations
from retry_contract.outcome import NotExercised
from retry_contract.rules import GENERATED, RULES, Finding, Rule
from retry_contract.rules.generated_cases import REQUESTS, SEQUENCES
from retry_contract.service.faults import FAULTS, Fault
from retry_contract.verification.run import Run

_Pair = tuple[Exchange, Exchange]
_FOUND_BY = {REQUESTS: "creator-id-null", SEQUENCES: "values-lost"}
_CASES, _SEED = 10, 2


def explain(rule: Rule) -> Iterator[str]:
    """Yield an exchange that keeps the rule and one that breaks it, as lines."""
    contracts = catalogue()
    if rule.id in GENERATED:
        yield from _generated(rule, contracts, list(contracts)[-1], FAULTS[_FOUND_BY[rule.id]])
        return
    for fault in (fault for fault in FAULTS.values() if fault.rule == rule.id):
        for name in reversed(list(contracts)):
            broken = next(iter(_findings(rule, contracts, name, fault)), None)
            if broken is not None:
                pairs = _pairs(
                    _observe(rule, contracts, name), _observe(rule, contracts, name, fault), broken
                )
                yield from _lines(name, fault, pairs, broken)
                return


def _observe(rule: Rule, contracts: Catalogue, name: str, *faults: Fault) -> Observations:
    run = Run(mock_of(contracts, contracts[name], faults=faults), expect(contracts, name))
    return run.observations(rule.scenario)


def _findings(rule: Rule, contracts: Catalogue, name: str, fault: Fault) -> list[Finding]:
    observations = _observe(rule, contracts, name, fault)
    return list(rule.check(observations, expect(contracts, name)))


def _pairs(kept: Observations, faulty: Observations, broken: Finding) -> list[_Pair]:
    """Return the exchange that keeps the rule and the one that breaks it.

    If they look alike, what differs is around them, and follows.
    """
    pairs = [(_counterpart(kept, broken), broken.exchange)]
    if _alike(*pairs[0]):
        around = zip(*(_around(seen, broken) for seen in (kept, faulty)), strict=False)
        pairs += [pair for pair in around if not _alike(*pair)]
    return pairs


def _counterpart(observations: Observations, broken: Finding) -> Exchange:
    """Return the exchange at the same place in the run of the documented service."""
    same = [o.exchange for o in observations.of(broken.scenario)]
    found = [e for e in (*same, *observations.exchanges) if e.number == broken.exchange.number]
    return (found or same or list(observations.exchanges))[0 if found else -1]


def _around(observations: Observations, broken: Finding) -> list[Exchange]:
    return [
        exchange
        for o in observations.of(broken.scenario)
        if o.exchange.number == broken.exchange.number
        for exchange in (o.sent, o.before, o.after)
        if exchange is not None
    ]


def _alike(one: Exchange, other: Exchange) -> bool:
    return (one.status, one.headers, one.body) == (other.status, other.headers, other.body)


def _lines(name: str, fault: Fault, pairs: list[_Pair], broken: Finding) -> Iterator[str]:
    if broken.scenario:
        yield f"scenario: {broken.scenario}"
        yield ""
    yield f"kept by the documented service ({name}):"
    for kept, _ in pairs:
        yield from _exchange(kept)
    yield ""
    yield f"broken by the fault {fault.name}: {fault.sentence}"
    for _, exchange in pairs:
        yield from _exchange(exchange)
    yield f"  at        {broken.pointer or 'the response'}"
    yield f"  expected  {broken.expected}"
    yield f"  came      {broken.actual}"


def _exchange(exchange: Exchange) -> Iterator[str]:
    yield f"  {exchange.method} {exchange.path}"
    content_type = exchange.headers.get("content-type", "no content type")
    yield f"  {exchange.status}, {content_type}"
    if exchange.document.violations:
        text = exchange.body.decode("utf-8", "replace")
    else:
        text = json.dumps(exchange.payload, indent=2, ensure_ascii=False)
    yield from (f"    {line}" for line in text.splitlines())


def _generated(rule: Rule, contracts: Catalogue, name: str, fault: Fault) -> Iterator[str]:
    # Here, since the libraries behind it are slow to import.
    from retry_contract.fuzz.engine import Broken, Plan, Tally
    from retry_contract.fuzz.requests import fuzz_requests
    from retry_contract.fuzz.stateful import fuzz_sequences

    def played(*faults: Fault) -> tuple[Broken | None, Tally]:
        endpoint = mock_of(contracts, contracts[name], faults=faults)
        plan = Plan(endpoint, expect(contracts, name), _CASES, _SEED)
        tally = Tally(plan.most_shrinks)
        with contextlib.suppress(NotExercised):
            return (fuzz_requests if rule.id == REQUESTS else fuzz_sequences)(plan, tally), tally
        return None, tally

    _, kept = played()
    yield f"kept by the documented service ({name}):"
    yield f"  {_CASES} generated cases: {kept.requests} requests, {kept.accepted} retries accepted"
    yield ""
    yield f"broken by the fault {fault.name}: {fault.sentence}"
    found, _ = played(fault)
    if found is None:  # not with these versions of the libraries that generate
        yield f"  not found in {_CASES} generated cases"
        return
    violation = found.violations[0]
    yield f"  case      {json.dumps(found.case)}"
    yield f"  rule      {violation.rule}: {RULES[violation.rule].sentence}"
    yield f"  at        {violation.pointer or 'the response'}"
    yield f"  expected  {violation.expected}"
    yield f"  came      {violation.actual}"
