"""Bugs that a service of this kind has had or may have; each can be switched on by its name."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection
from typing import Any

from support.team.store import new_id

BUGS = {
    # What decides whether a retry goes through
    "concurrent-accepted": "concurrent-retries-accepted-once",
    "unfailed-accepted": "unfailed-message-refused",
    "second-retry-accepted": "second-retry-refused",
    "cap-missing": "attempts-capped",
    "cap-too-early": "attempts-capped",
    "batch-ignored": "batch-status-respected",
    # Keys and campaigns
    "no-key-accepted": "key-required",
    "any-key-accepted": "wrong-key-refused",
    "bare-key-accepted": "wrong-key-refused",
    "revoked-key-works": "revoked-key-refused",
    "foreign-campaign-accepted": "foreign-campaign-refused",
    # What a retry stores
    "attempts-lost": "attempt-recorded",
    "retry-not-stored": "retrieve-agrees",
    "updated-at-stays": "updated-at-moves-on",
    "created-at-reset": "created-at-kept",
    "creator-becomes-caller": "creator-id-kept",
    # What the response to an accepted retry says
    "status-200": "status-is-201",
    "text-plain": "content-type-is-json",
    "id-changes": "message-id-kept",
    "campaign-id-wrong": "campaign-id-kept",
    "status-stays-failure": "status-reset-to-created",
    "creator-missing-of-old": "creator-id-as-contracted",
    "values-mangled": "values-kept",
    "full-message-lost": "full-message-kept",
    "template-changes": "template-kept",
    "recipient-plus": "recipient-kept",
    "null-field": "response-matches-schema",
    "retrieve-lacks-field": "neighbours-match-schema",
    # Refusals
    "unknown-404": "unknown-message-refused",
    "refusal-touches": "refusal-changes-nothing",
    "refusal-sends": "refusal-changes-nothing",
    "error-detail": "error-shape",
    "wrong-code": "error-code-documented",
    "key-echoed": "no-secret-echoed",
    # Other methods
    "head-retries": "wrong-method-refused",
    "delete-deletes": "refusal-changes-nothing",
    # Exceptions
    "malformed-id-500": "malformed-id-refused",
    "nul-id-500": "malformed-id-refused",
    "unknown-500": "no-server-error",
    "sometimes-500": "no-server-error",
}
"""The bugs, each with the id of the rule that names it."""

Payload = dict[str, Any]


def spoil_retried(payload: Payload, bugs: Collection[str]) -> None:
    """Change the payload of an accepted retry as the bugs have it."""
    for bug, change in _IN_RETRIED.items():
        if bug in bugs:
            change(payload)


def _mangle(values: dict[str, str]) -> dict[str, str]:
    """Escape values as for HTML, and keep what MySQL's old `utf8` can store."""
    return {
        name: "".join(c for c in html.escape(value) if ord(c) <= 0xFFFF)
        for name, value in values.items()
    }


_IN_RETRIED: dict[str, Callable[[Payload], Any]] = {
    "id-changes": lambda p: p.update(id=new_id("message")),
    "campaign-id-wrong": lambda p: p.update(campaignId=new_id("campaign")),
    "status-stays-failure": lambda p: p.update(latestStatus="failure"),
    "values-mangled": lambda p: p.update(values=_mangle(p["values"])),
    "full-message-lost": lambda p: p.update(fullMessage=""),
    "template-changes": lambda p: p.update(templateBodyId=new_id("template_body")),
    "recipient-plus": lambda p: p.update(recipient="+" + p["recipient"]),
    "null-field": lambda p: p.update(fullMessage=None),
}


def spoil_refused(payload: Payload, bugs: Collection[str], authorization: str) -> Payload:
    """Return the payload of a refusal as the bugs have it."""
    error = payload.get("error", payload)
    if "wrong-code" in bugs and "code" in error:
        error["code"] = "retry_failed"
    if "key-echoed" in bugs:
        error["message"] += f" Authorization was {authorization}"
    return {"detail": error["message"]} if "error-detail" in bugs else payload
