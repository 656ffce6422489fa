"""A retry that is refused: which ones, how, and that nothing changes."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("refused")
def test_refused_retry(contract_rule: ContractRule) -> None:
    """Only a message that has failed is retried, and only by its own campaign (P4)."""
    contract_rule.require_kept()
