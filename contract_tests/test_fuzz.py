"""Generated requests for a retry, aimed at failed, unknown and foreign messages."""

from __future__ import annotations

import pytest

from retry_contract.plugin import ContractRule


@pytest.mark.contract_section("fuzz")
def test_generated_requests(contract_rule: ContractRule) -> None:
    """Whatever the request, the answer is a documented one (P1, P3, P9, P10)."""
    contract_rule.require_kept()
