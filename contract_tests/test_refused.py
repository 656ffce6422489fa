"""A retry that is refused: which ones, how, and that nothing changes."""

from __future__ import annotations

from retry_contract import Scenario


def test_unknown_message_refused(unknown_message: Scenario) -> None:
    unknown_message.keeps("unknown-message-refused")


def test_unfailed_message_refused(unfailed_message: Scenario) -> None:
    unfailed_message.keeps("unfailed-message-refused")


def test_second_retry_refused(second_retry: Scenario) -> None:
    second_retry.keeps("second-retry-refused")


def test_concurrent_retries_accepted_once(concurrent_retries: Scenario) -> None:
    concurrent_retries.keeps("concurrent-retries-accepted-once")


def test_attempts_capped(spent_attempts: Scenario) -> None:
    spent_attempts.keeps("attempts-capped")


def test_key_required(missing_key: Scenario) -> None:
    missing_key.keeps("key-required")


def test_wrong_key_refused(wrong_key: Scenario) -> None:
    wrong_key.keeps("wrong-key-refused")


def test_revoked_key_refused(revoked_key: Scenario) -> None:
    revoked_key.keeps("revoked-key-refused")


def test_malformed_id_refused(malformed_id: Scenario) -> None:
    malformed_id.keeps("malformed-id-refused")


def test_foreign_campaign_refused(foreign_campaign: Scenario) -> None:
    foreign_campaign.keeps("foreign-campaign-refused")


def test_refusal_changes_nothing(refused_retry: Scenario) -> None:
    refused_retry.keeps("refusal-changes-nothing")


def test_error_shape(refused_retry: Scenario) -> None:
    refused_retry.keeps("error-shape")


def test_error_code_documented(refused_retry: Scenario) -> None:
    refused_retry.keeps("error-code-documented")


def test_no_secret_echoed(every_response: Scenario) -> None:
    every_response.keeps("no-secret-echoed")
