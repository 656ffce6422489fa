"""Every reply of a run."""

from __future__ import annotations

import pytest

from retry_contract.pytest_plugin import ContractRule


@pytest.mark.contract_section("all replies")
def test_every_reply(contract_rule: ContractRule) -> None:
    """No request of the kit's earns a server error, and JSON is called JSON (P9)."""
    contract_rule.require_kept()
