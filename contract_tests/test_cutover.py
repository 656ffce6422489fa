"""Which contract is served, and from which instant."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("cutover")
def test_cutover(contract_rule: ContractRule) -> None:
    """CreatorId comes at the cutover, in every response at once (P1)."""
    contract_rule.require_kept()
