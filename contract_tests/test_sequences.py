"""Generated sequences of sends, failures, retries, batches and the cutover."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("sequences")
def test_generated_sequences(contract_rule: ContractRule) -> None:
    """Whatever happens in whatever order, the page holds (P1 to P8)."""
    contract_rule.require_kept()
