"""Messages of a batch: the batch's status decides whether they may be retried."""

from __future__ import annotations

from retry_contract import Scenario


def test_batch_status_respected(batch_retry: Scenario) -> None:
    batch_retry.keeps("batch-status-respected")
