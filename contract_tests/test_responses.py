"""Every response of a run."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("all responses")
def test_every_response(contract_rule: ContractRule) -> None:
    """No request of the kit's earns a server error, and JSON is called JSON (P9)."""
    contract_rule.require_kept()
