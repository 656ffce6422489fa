"""Generated requests, and generated sequences of sends, failures and retries."""

from __future__ import annotations

from retry_contract import Scenario


def test_generated_requests_answered(generated_requests: Scenario) -> None:
    generated_requests.keeps("generated-requests-answered")


def test_generated_sequences_kept(generated_sequences: Scenario) -> None:
    generated_sequences.keeps("generated-sequences-kept")
