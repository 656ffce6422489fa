"""A retry that is accepted, alone and in a batch of each permitted status."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("accepted")
def test_accepted_retry(contract_rule: ContractRule) -> None:
    """What the response holds, and what the message keeps (P1, P2, P3, P6, P7, P8, P10, P12)."""
    contract_rule.require_kept()
