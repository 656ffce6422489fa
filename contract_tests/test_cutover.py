"""Which contract is served, and from which instant."""

from __future__ import annotations

from retry_contract import Scenario


def test_one_contract_served(every_response: Scenario) -> None:
    every_response.keeps("one-contract-served")


def test_contract_in_force_served(cutover: Scenario) -> None:
    cutover.keeps("contract-in-force-served")
