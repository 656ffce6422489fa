"""Messages of a batch."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("batches")
def test_batch_retry(contract_rule: ContractRule) -> None:
    """The batch's status decides whether a message of it may be retried (P5)."""
    contract_rule.require_kept()
