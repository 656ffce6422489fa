"""One rule, by an exchange that keeps it and one that breaks it.

Both are taken from the built-in model as it runs: as documented, and with a fault of the rule's
own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from retry_contract.contract.catalogue import Catalogue, catalogue
from retry_contract.contract.expectation import named
from retry_contract.endpoint.mock import mock_of
from retry_contract.exchange import Exchange, Observations
from retry_contract.rules import Finding, Rule
from retry_contract.service.faults import FAULTS, Fault
from retry_contract.session.run import Run


def explain(rule: Rule) -> Iterator[str]:
    """Yield an exchange that keeps the rule and one that breaks it, as lines."""
    contracts = catalogue()
    for fault in (fault for fault in FAULTS.values() if fault.rule == rule.id):
        for name in reversed(list(contracts)):
            broken = next(iter(_findings(rule, contracts, name, fault)), None)
            if broken is not None:
                kept = _counterpart(_observe(rule, contracts, name), broken)
                yield from _lines(name, fault, kept, broken)
                return


def _observe(rule: Rule, contracts: Catalogue, name: str, *faults: Fault) -> Observations:
    run = Run(mock_of(contracts, contracts[name], faults=faults), named(contracts, name))
    return run.observations(rule)


def _findings(rule: Rule, contracts: Catalogue, name: str, fault: Fault) -> list[Finding]:
    observations = _observe(rule, contracts, name, fault)
    return list(rule.check(observations, named(contracts, name)))


def _counterpart(observations: Observations, broken: Finding) -> Exchange:
    """Return the exchange at the same place in the run of the documented service."""
    same = [o.exchange for o in observations.of(broken.situation)]
    found = [e for e in (*same, *observations.exchanges) if e.number == broken.exchange.number]
    return (found or same or list(observations.exchanges))[0 if found else -1]


def _lines(name: str, fault: Fault, kept: Exchange, broken: Finding) -> Iterator[str]:
    yield f"kept by the documented service ({name}):"
    yield from _exchange(kept)
    yield ""
    yield f"broken by the fault {fault.name}: {fault.sentence}"
    yield from _exchange(broken.exchange)
    yield f"  at        {broken.pointer or 'the reply'}"
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
