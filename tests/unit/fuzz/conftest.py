"""A fixture that runs a generator without a session, and returns what it found and sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import Expectation, expect
from retry_contract.endpoint.base import Endpoint
from retry_contract.endpoint.mock import MockEndpoint, mock_of
from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Broken, Plan
from retry_contract.fuzz.requests import fuzz_requests
from retry_contract.fuzz.stateful import fuzz_sequences
from retry_contract.service.faults import FAULTS
from retry_contract.service.model import Settings

GENERATORS = {"request": fuzz_requests, "sequence": fuzz_sequences}


@dataclass(frozen=True)
class Result:
    """What a generator found, and what it sent; `broken` is None where the contract was kept."""

    broken: Broken | None
    tally: Tally

    @property
    def rules(self) -> set[str]:
        return {v.rule for v in self.broken.violations} if self.broken else set()


@pytest.fixture(scope="session")
def fuzz() -> Callable[..., Result]:
    """Run a generator: on the mock of a contract, with faults, or on a given endpoint."""

    def run(
        kind: str,
        contract: str = "after",
        *faults: str,
        cases: int = 100,
        seed: int = 20250224,
        replay: Any = None,
        examples: Path | None = None,
        endpoint: Endpoint | None = None,
        expectation: Expectation | None = None,
        settings: Settings | None = None,
        tally: Tally | None = None,
    ) -> Result:
        contracts = catalogue()
        chosen = [FAULTS[name] for name in faults]
        mock = mock_of(contracts, contracts[contract], faults=chosen, settings=settings)
        expectation = expectation or expect(contracts, contract)
        cases = cases if replay is None else 0  # as the options say
        plan = Plan(endpoint or mock, expectation, cases, seed, replay, examples)
        tally = tally or Tally(plan.most_shrinks)
        try:
            return Result(GENERATORS[kind](plan, tally), tally)
        finally:
            mock.close()

    return run


class Wire:
    """Every request that reaches the transport of any mock, and what is to go wrong there.

    `fail_at` is the number of the request, from 1, from which on `error` is raised.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.fail_at: int | None = None
        self.error: Callable[[], BaseException] = lambda: httpx.ConnectError("refused")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire, real = Wire(), MockEndpoint._dispatch

    def dispatch(self: MockEndpoint, request: httpx.Request) -> httpx.Response:
        wire.requests.append(request)
        if wire.fail_at is not None and len(wire.requests) >= wire.fail_at:
            raise wire.error()
        return real(self, request)

    monkeypatch.setattr(MockEndpoint, "_dispatch", dispatch)
    return wire
