"""The scenarios that rules are about. The plan of a run brings them about, by these names."""

from __future__ import annotations

ACCEPTED = "accepted"
BATCH_ENQUEUED = "accepted in a batch of status messages_enqueued"
BATCH_ENQUEUING_FAILED = "accepted in a batch of status messages_enqueuing_failed"
OTHER_BATCH_STATUSES = ("success", "messages_sent")
BATCH_OTHER = tuple(f"in a batch of status {status}" for status in OTHER_BATCH_STATUSES)
UNKNOWN = "unknown message"
ELSEWHERE = "message of another campaign"
RETRIED_TWICE = "retried twice"
ATTEMPTS = "attempts spent"
NO_KEY = "no key"
WRONG_KEY = "wrong key"
WRONG_SCHEME = "key without the Bearer scheme"
FOREIGN_CAMPAIGN = "foreign campaign"
WRONG_METHOD = "wrong method"
CUTOVER = "across the cutover"

UNFAILED_STATUSES = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success")
UNFAILED = tuple(f"not failed: {status}" for status in UNFAILED_STATUSES)

ACCEPTED_RETRIES = (ACCEPTED, BATCH_ENQUEUED, BATCH_ENQUEUING_FAILED)
AUTHENTICATION = (NO_KEY, WRONG_KEY, WRONG_SCHEME)
REFUSED = (
    UNKNOWN,
    ELSEWHERE,
    *UNFAILED,
    RETRIED_TWICE,
    *BATCH_OTHER,
    *AUTHENTICATION,
    FOREIGN_CAMPAIGN,
)
EVERY = (*ACCEPTED_RETRIES, *REFUSED, ATTEMPTS, WRONG_METHOD)
"""Every scenario of one run; the one across the cutover has a service of its own."""
