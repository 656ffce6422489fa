"""Words that public pages of the service name, so that they may be quoted."""

MESSAGE_STATUSES = (
    *("created", "enqueued", "sending", "sent", "sent_to_telco"),
    *("success", "failure"),
)
BATCH_STATUSES = ("messages_enqueued", "messages_enqueuing_failed")
LANGUAGES = ("english", "chinese", "malay", "tamil")
ERROR_CODES = frozenset(
    {
        "message_not_found_or_retry_message_not_in_failure_status",
        "too_many_message_attempts_error",
        "parameter_invalid",
        "invalid_ip_address_used",
        "batch_not_found_or_is_not_retryable",
        "unresolved_batch_messages",
        "no_failed_batch_messages_to_retry",
    }
)
"""The codes published for status 400, of any call; the only status whose codes are published."""

DELIVERY_CODES = frozenset(
    {
        *("recipient_invalid", "recipient_unavailable", "content_invalid", "routing_error"),
        *("message_expired", "delivery_unknown_error", "server_unknown_error"),
    }
)
ERROR_TYPES = frozenset({"domain_error", "delivery_error", "server_error"})
