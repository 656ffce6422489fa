"""The message object of each response, with or without what came with the cutover."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from typing import Any

from support.team.messages import attempts_of

_SINGAPORE = timezone(timedelta(hours=8))
_CUTOVER = round(datetime(2025, 2, 24, tzinfo=_SINGAPORE).timestamp() * 1_000)


def message_object(row: sqlite3.Row, contract: str, bugs: Collection[str]) -> dict[str, Any]:
    """Return the members that every response about a message has."""
    shown = {
        "createdAt": _timestamp(row["created_at"]),
        "updatedAt": _timestamp(row["updated_at"]),
        "id": row["id"],
        "recipient": row["recipient"],
        "values": json.loads(row["template_values"]),
        "fullMessage": row["full_message"],
        "latestStatus": row["latest_status"],
        "templateBodyId": row["template_body_id"],
        "campaignId": row["campaign_id"],
    }
    is_old = row["created_at"] < _CUTOVER and "creator-missing-of-old" in bugs
    if contract == "after" and not is_old:
        shown["creatorId"] = row["creator_id"]
    return shown


def details(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """Return the members that Retrieve has besides."""
    campaign = db.execute("SELECT * FROM campaigns WHERE id = ?", (row["campaign_id"],)).fetchone()
    batch = {"id": row["batch_id"], "status": row["batch_status"]}
    return {
        "language": row["language"],
        "creatorEmail": f"{campaign['id']}@postman.gov.sg",
        "templateBody": {
            **dict.fromkeys(("createdAt", "updatedAt"), _timestamp(campaign["created_at"])),
            "id": campaign["template_body_id"],
            "templateId": campaign["template_id"],
            "language": row["language"],
            "body": campaign["template_body"],
            "creatorId": campaign["template_creator_id"],
        },
        "batches": [batch] if row["batch_id"] else [],
        "attempts": [_attempt(attempt) for attempt in attempts_of(db, row["id"])],
    }


def _attempt(attempt: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "status": attempt["status"],
        "createdAt": _timestamp(attempt["created_at"]),
        "deliveredAt": attempt["delivered_at"] and _timestamp(attempt["delivered_at"]),
    }
    if attempt["sent_at"]:
        shown["sentAt"] = _timestamp(attempt["sent_at"])
    if attempt["error_code"]:
        shown["error"] = {"type": attempt["error_type"], "code": attempt["error_code"]}
    return shown


def _timestamp(instant: int) -> str:
    since = datetime.fromtimestamp(0, _SINGAPORE) + timedelta(milliseconds=instant)
    return since.isoformat(timespec="milliseconds")
