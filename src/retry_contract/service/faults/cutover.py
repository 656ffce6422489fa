"""Faults in which contract is served, and when."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.service.faults.model import Fault, Wrap, is_retrieve, is_retry
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service


def _shifted(by: timedelta) -> Wrap:
    def wrap(service: Service, handle: Handler) -> Handler:
        documented = service.in_force
        service.in_force = lambda instant: documented(instant + by)
        return handle

    return wrap


def _other_for(which: Callable[[Request], bool]) -> Wrap:
    """Serve the neighbouring contract for some of the requests."""

    def wrap(service: Service, handle: Handler) -> Handler:
        documented = service.in_force

        def faulty(request: Request) -> Response:
            if not which(request):
                return handle(request)
            service.in_force = lambda instant: _neighbour(documented(instant))
            try:
                return handle(request)
            finally:
                service.in_force = documented

        return faulty

    return wrap


def _neighbour(contract: Contract) -> Contract:
    contracts = list(Catalogue(contract.folder).values())
    index = next(i for i, c in enumerate(contracts) if c.name == contract.name)
    return contracts[index - 1] if index else contracts[1]


def _every_other(service: Service, handle: Handler) -> Handler:
    turns = itertools.count()
    return _other_for(lambda r: is_retry(r) and next(turns) % 2 == 1)(service, handle)


def _of_an_even_message(request: Request) -> bool:
    message = request.path.removesuffix("/retry")
    return message[-1:] in "02468ace"


FAULTS = (
    Fault(
        "cutover-early",
        "The cutover comes an hour early.",
        "contract-in-force-served",
        _shifted(timedelta(hours=1)),
    ),
    Fault(
        "cutover-late",
        "The cutover comes an hour late.",
        "contract-in-force-served",
        _shifted(-timedelta(hours=1)),
    ),
    Fault(
        "cutover-flaps-by-request",
        "Every other retry is answered by the other contract.",
        "one-contract-served",
        _every_other,
    ),
    Fault(
        "cutover-flaps-by-message",
        "Some of the messages are answered for by the other contract.",
        "one-contract-served",
        _other_for(_of_an_even_message),
    ),
    Fault(
        "cutover-of-retry-only",
        "Retry is answered by the other contract, and nothing else is.",
        "contract-in-force-served",
        _other_for(is_retry),
    ),
    Fault(
        "cutover-not-of-retrieve",
        "Retrieve is answered by the other contract, and nothing else is.",
        "one-contract-served",
        _other_for(is_retrieve),
    ),
)
