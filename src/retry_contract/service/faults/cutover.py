"""Faults in which contract is served, and when."""

import itertools
from collections.abc import Callable
from datetime import timedelta

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.service.faults.model import RULE, Table, Wrap, is_retrieve, is_retry
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service


def _shift(*, hours: int) -> Wrap:
    def wrap(service: Service, handle: Handler) -> Handler:
        documented = service.in_force
        service.in_force = lambda instant: documented(instant + timedelta(hours=hours))
        return handle

    return wrap


def _swap(which: Callable[[Request], bool]) -> Wrap:
    """Return a wrapper that serves the neighbouring contract for some of the requests."""

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
    contracts = Catalogue(contract.folder)
    index = list(contracts).index(contract.name)
    return list(contracts.values())[index - 1 if index else 1]


def _alternate(service: Service, handle: Handler) -> Handler:
    turns = itertools.count()
    return _swap(lambda r: is_retry(r) and next(turns) % 2 == 1)(service, handle)


def _has_even_id(request: Request) -> bool:
    return request.path.removesuffix("/retry")[-1:] in "02468ace"


FAULTS: Table = {
    "contract-in-force-served": RULE,
    "cutover-early: The cutover comes an hour early.": _shift(hours=1),
    "cutover-late: The cutover comes an hour late.": _shift(hours=-1),
    "cutover-of-retry-only: Retry is answered by the other contract, and nothing else is.": _swap(
        is_retry
    ),
    "one-contract-served": RULE,
    "cutover-flaps-by-request: Every other retry is answered by the other contract.": _alternate,
    "cutover-flaps-by-message: Some of the messages are answered for by the other contract.": _swap(
        _has_even_id
    ),
    "cutover-not-of-retrieve: "
    "Retrieve is answered by the other contract, and nothing else is.": _swap(is_retrieve),
}
