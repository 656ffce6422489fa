"""Which contract is served, and from which instant."""

from __future__ import annotations

from retry_contract import Scenario


def test_one_contract_served(whole_run: Scenario) -> None:
    whole_run.keeps("one-contract-served")


def test_contract_in_force_served(cutover: Scenario) -> None:
    cutover.keeps("contract-in-force-served")
