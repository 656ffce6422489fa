"""Trying a client, the user's code that makes the call, on a service over real HTTP."""

from __future__ import annotations

import functools
import time

from retry_contract.consumer.cases import Pair
from retry_contract.consumer.check import Asked, required
from retry_contract.consumer.client.again import known_of, settled
from retry_contract.consumer.client.caller import calling
from retry_contract.consumer.client.calls import scenarios
from retry_contract.consumer.client.remarks import notes
from retry_contract.consumer.client.verdicts import paired, tried
from retry_contract.consumer.readiness import Readiness
from retry_contract.contract.catalogue import Catalogue


def check_client(asked: Asked, timeout: float, pair: Pair, catalogue: Catalogue) -> Readiness:
    """Call a client in every situation. `timeout` is in seconds for a call. Raises Unusable."""
    begin = time.perf_counter()
    timeline = catalogue.timeline
    served = required(pair, timeline, asked.now)
    with calling(asked.target, timeout, catalogue, asked.secret) as caller:
        made = {s: tuple(caller.calls(s)) for s in scenarios(pair, timeline)}
        made, otherwise = settled(made, functools.partial(caller.calls, alone=True))
    before, after, *_ = made.values()
    every = [call for calls in made.values() for call in calls]
    told = known_of(made)
    read = {pair.old.name} if told.reads_old else set[str]()
    found = [
        tried(scenario, calls, told, counts=scenario.counts(served, read))
        for scenario, calls in made.items()
    ]
    found.insert(2, paired(pair, before[0], after))
    in_force = timeline.at(asked.now) is pair.new.period
    seconds = time.perf_counter() - begin
    periods = pair.new.period, pair.old.period
    beside = (*otherwise, *notes(every, told))
    situations = tuple(found)
    return Readiness(
        asked.target, *periods, in_force, situations, seconds, unit="call", notes=beside
    )
