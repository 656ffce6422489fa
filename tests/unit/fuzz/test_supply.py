"""Failed messages for generated cases, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from support.server import Served, serve

from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.fuzz.requests import Supply
from retry_contract.verification.prober import Prober

NUMBER = 25


@pytest.fixture
def served() -> Iterator[Served]:
    with serve() as served:
        yield served


@pytest.fixture
def prober(served: Served) -> Iterator[Prober]:
    settings = LiveSettings(served.url, served.key, served.campaign, simulate=True)
    with contextlib.closing(LiveEndpoint(settings)) as endpoint:
        yield Prober(endpoint)


def test_each_message_is_handed_out_once_and_has_failed(served: Served, prober: Prober) -> None:
    supply, taken = Supply(2 * NUMBER), []
    for _ in range(NUMBER):
        taken.append(supply.take(prober))
        assert supply.known == taken[-1]
        path = f"campaigns/{served.campaign}/messages/{taken[-1]}/retry"
        assert prober.send("retry", path, method="POST").status == 201
    assert len(set(taken)) == NUMBER


def test_they_fail_side_by_side_and_few_are_left_over(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    real = prober.endpoint.wait

    def wait(seconds: float) -> None:
        waits.append(seconds)
        real(seconds)

    monkeypatch.setattr(prober.endpoint, "wait", wait)
    supply = Supply(2 * NUMBER)
    for _ in range(NUMBER):
        supply.take(prober)
    sent = sum(exchange.kind == "single-send" for exchange in prober.exchanges)
    assert NUMBER <= sent <= NUMBER + 20
    assert len(waits) < NUMBER


def test_one_case_has_one_message_made(prober: Prober) -> None:
    Supply(1).take(prober)
    assert sum(exchange.kind == "single-send" for exchange in prober.exchanges) == 1
