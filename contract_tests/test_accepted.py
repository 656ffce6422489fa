"""A retry that is accepted: what the response holds, and what the message keeps."""

from __future__ import annotations

from retry_contract import Scenario


def test_status_is_201(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("status-is-201")


def test_body_is_json(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("body-is-json")


def test_response_matches_schema(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("response-matches-schema")


def test_creator_id_as_contracted(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("creator-id-as-contracted")


def test_message_id_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("message-id-kept")


def test_campaign_id_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("campaign-id-kept")


def test_status_reset_to_created(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("status-reset-to-created")


def test_created_at_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("created-at-kept")


def test_updated_at_moves_on(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("updated-at-moves-on")


def test_recipient_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("recipient-kept")


def test_values_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("values-kept")


def test_template_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("template-kept")


def test_full_message_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("full-message-kept")


def test_creator_id_kept(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("creator-id-kept")


def test_same_shape_as_single_send(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("same-shape-as-single-send")


def test_retrieve_agrees(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("retrieve-agrees")


def test_attempt_recorded(accepted_retry: Scenario) -> None:
    accepted_retry.keeps("attempt-recorded")
