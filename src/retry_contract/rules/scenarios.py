"""The scenarios that rules are about, by the names that the plan of a run has steps for."""

ACCEPTED = "accepted"
BATCH_ENQUEUED = "accepted in a batch of status messages_enqueued"
BATCH_ENQUEUING_FAILED = "accepted in a batch of status messages_enqueuing_failed"
BEFORE_CUTOVER = "accepted, created before the cutover"
OTHER_CREATOR = "accepted, created by another user"
SPECIAL_VALUES = "accepted, with an emoji or a quote in its values"
OTHER_BATCH_STATUSES = ("success",)
BATCH_OTHER = (
    *(f"in a batch of status {status}" for status in OTHER_BATCH_STATUSES),
    "in a batch of another status",
)
UNKNOWN = "unknown message"
ELSEWHERE = "message of another campaign"
RETRIED_TWICE = "retried twice"
ATTEMPTS = "attempts spent"
NO_KEY = "no key"
WRONG_KEY = "wrong key"
SIMILAR_KEY = "wrong key that differs in its last character"
OTHER_CASE = "key in the other case"
WRONG_SCHEME = "key without the Bearer scheme"
FOREIGN_CAMPAIGN = "foreign campaign"
UNKNOWN_CAMPAIGN = "unknown campaign"
RETRIEVED = "retrieved again"
NO_SCHEME = "key without any scheme"
REVOKED_KEY = "revoked key"
CONCURRENT = "retried several times at once"
WRONG_METHOD = "wrong method"
CUTOVER = "across the cutover"

UNFAILED_STATUSES = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success")
UNFAILED = tuple(f"not failed: {status}" for status in UNFAILED_STATUSES)

MALFORMED_IDS = {
    "malformed id: no UUID": "message_not-a-uuid",
    "malformed id: very long": "message_" + "0" * 4000,
    "malformed id: percent-encoded": "message_%27%22%F0%9F%99%82",
    "malformed id: a wildcard": "%25",
    "malformed id: empty": "",
    "malformed id: no UTF-8": "%FF%FE",
    "malformed id: with a NUL": "message_%00",
}
"""Ids that no message can have, as they are written in the path."""

MALFORMED_HERE = ("malformed id: a wildcard", *list(MALFORMED_IDS)[4:])
"""Those of them that a faulty service may take for any message, or for another path."""

MALFORMED = tuple(MALFORMED_IDS)

TOGETHER = 8
"""How many retries of one message are sent at once, and no more requests than that are."""

ACCEPTED_RETRIES = (
    *(ACCEPTED, BATCH_ENQUEUED, BATCH_ENQUEUING_FAILED),
    *(BEFORE_CUTOVER, OTHER_CREATOR, SPECIAL_VALUES),
)
AUTHENTICATION = (
    *(NO_KEY, WRONG_KEY, SIMILAR_KEY, OTHER_CASE),
    *(WRONG_SCHEME, NO_SCHEME, REVOKED_KEY),
)
OF_FAILED = (ACCEPTED, RETRIED_TWICE, CONCURRENT, *AUTHENTICATION, WRONG_METHOD, FOREIGN_CAMPAIGN)
"""The scenarios that take a message that has failed."""

REFUSED = (
    *(UNKNOWN, ELSEWHERE, *UNFAILED, RETRIED_TWICE, *BATCH_OTHER),
    *(*AUTHENTICATION, FOREIGN_CAMPAIGN, ATTEMPTS),
)
EVERY = (*ACCEPTED_RETRIES, *REFUSED, CONCURRENT, *MALFORMED, WRONG_METHOD)
"""Every scenario of one run; the one across the cutover has its own service."""

GROUPS: dict[str, tuple[str, ...]] = {
    "accepted_retry": ACCEPTED_RETRIES,
    "unknown_message": (UNKNOWN, ELSEWHERE),
    "unfailed_message": UNFAILED,
    "second_retry": (RETRIED_TWICE,),
    "concurrent_retries": (CONCURRENT,),
    "spent_attempts": (ATTEMPTS,),
    "missing_key": (NO_KEY,),
    "wrong_key": (WRONG_KEY, SIMILAR_KEY, OTHER_CASE, WRONG_SCHEME, NO_SCHEME),
    "revoked_key": (REVOKED_KEY,),
    "foreign_campaign": (FOREIGN_CAMPAIGN,),
    "malformed_id": MALFORMED,
    "refused_retry": (*REFUSED, WRONG_METHOD),
    "batch_retry": (*ACCEPTED_RETRIES, *BATCH_OTHER),
    "wrong_method": (WRONG_METHOD,),
    "every_response": (*EVERY, RETRIEVED),
    "cutover": (*ACCEPTED_RETRIES, CUTOVER),
    "whole_run": (*EVERY, RETRIEVED),
    "generated_requests": (),
    "generated_sequences": (),
}
"""The scenarios that a rule looks at, by the name of the pytest fixture that observes them."""

EVERY_RESPONSE, WHOLE_RUN = "every_response", "whole_run"
"""The groups whose rules look at every exchange: of the scenarios; and of generated cases too."""
