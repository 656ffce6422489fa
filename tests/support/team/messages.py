"""What becomes of messages: sends, deliveries and retries, as rows of the database."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Collection
from typing import Any

from support.team.refusals import NOT_FAILED, TOO_MANY, Refusal
from support.team.store import milliseconds, new_id, transaction

CAP = 3
"""How often a message is sent, the first time included."""

SIMULATOR = {
    "6511111111": ("delivery_error", "recipient_invalid"),
    "6511112222": ("delivery_error", "recipient_unavailable"),
    "6511113333": ("delivery_error", "content_invalid"),
    "6511114444": ("delivery_error", "routing_error"),
    "6511115555": ("delivery_error", "message_expired"),
    "6511119999": ("delivery_error", "delivery_unknown_error"),
    "6522222222": ("server_error", "server_unknown_error"),
}
"""The only numbers that a test environment may send to, each with the failure that it leads to."""

_STAGES = ((0, "created"), (0.25, "enqueued"), (0.5, "sending"), (0.75, "sent"), (1, "failure"))
"""The course of a delivery: which part of its time each status is reached after."""

_RETRYABLE_BATCHES = (None, "messages_enqueued", "messages_enqueuing_failed")
_GAP = 0.05
"""Seconds between check and act where these are two steps, with a call to another service between.

Longer than requests that are sent at once take to arrive on a machine that is busy.
"""


def find(
    db: sqlite3.Connection, campaign: str, message: str, delivery: float
) -> sqlite3.Row | None:
    """Return a message of a campaign as it is now."""
    row = _load(db, campaign, message)
    if row is None or row["dispatched_at"] is None:
        return row
    with transaction(db):
        row = _load(db, campaign, message)
        if row is not None and row["dispatched_at"] is not None:
            _advance(db, row, round(delivery * 1_000))
    return _load(db, campaign, message)


def _load(db: sqlite3.Connection, campaign: str, message: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT messages.*, batches.status AS batch_status FROM messages"
        " LEFT JOIN batches ON batches.id = batch_id"
        " WHERE messages.id = ? AND messages.campaign_id = ?",
        (message, campaign),
    ).fetchone()
    return row


def _known(db: sqlite3.Connection, campaign: str, message: str) -> sqlite3.Row:
    row = _load(db, campaign, message)
    assert row is not None
    return row


def _advance(db: sqlite3.Connection, row: sqlite3.Row, delivery: int) -> None:
    """Store the status that a delivery has reached by now."""
    since = milliseconds() - row["dispatched_at"]
    part, status = [stage for stage in _STAGES if stage[0] * delivery <= max(since, 0)][-1]
    if status == row["latest_status"]:
        return
    at, over = row["dispatched_at"] + round(part * delivery), status == "failure"
    error = SIMULATOR[row["recipient"]] if over else (None, None)
    db.execute(
        "UPDATE messages SET latest_status = ?, updated_at = ?, dispatched_at = ? WHERE id = ?",
        (status, at, None if over else row["dispatched_at"], row["id"]),
    )
    sent = row["dispatched_at"] + round(0.75 * delivery) if status in ("sent", "failure") else None
    db.execute(
        "UPDATE attempts SET status = ?, sent_at = ?, error_type = ?, error_code = ?"
        " WHERE message_id = ? AND created_at = ?",
        (status, sent, *error, row["id"], row["dispatched_at"]),
    )


def send(
    db: sqlite3.Connection,
    caller: sqlite3.Row,
    recipient: str,
    language: str,
    values: dict[str, str],
) -> sqlite3.Row:
    """Store a new message of the caller's campaign, on its way, and return it."""
    campaign = db.execute(
        "SELECT * FROM campaigns WHERE id = ?", (caller["campaign_id"],)
    ).fetchone()
    message, now = new_id("message"), milliseconds()
    with transaction(db):
        db.execute(
            "INSERT INTO messages VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, 'created', ?, ?, ?, 1)",
            (
                *(message, campaign["id"], caller["user_id"], recipient, language),
                *(campaign["template_body_id"], json.dumps(values)),
                campaign["template_body"].replace("{{name}}", values["name"]),
                *(now, now, now),
            ),
        )
        _add_attempt(db, message, now)
    return _known(db, campaign["id"], message)


def retry(
    db: sqlite3.Connection, row: sqlite3.Row, caller: sqlite3.Row, bugs: Collection[str]
) -> sqlite3.Row:
    """Send a message again, and return it as it is then. Raises Refusal."""
    _check(row, bugs)
    if "concurrent-accepted" in bugs:
        time.sleep(_GAP)
    now = max(milliseconds(), row["updated_at"] + 1)
    changes: dict[str, Any] = {"latest_status": "created", "updated_at": now, "dispatched_at": now}
    if "updated-at-stays" in bugs:
        del changes["updated_at"]
    if "created-at-reset" in bugs:
        changes["created_at"] = now
    if "creator-becomes-caller" in bugs:
        changes["creator_id"] = caller["user_id"]
    with transaction(db):
        # What was checked must still hold: another retry may have come in between.
        changed = db.execute(
            f"UPDATE messages SET {', '.join(f'{name} = ?' for name in changes)},"
            " num_attempts = num_attempts + 1"
            " WHERE id = ? AND (latest_status = ? AND num_attempts = ? OR ?)",
            (
                *(*changes.values(), row["id"], row["latest_status"], row["num_attempts"]),
                "concurrent-accepted" in bugs,
            ),
        )
        if changed.rowcount == 0:
            raise Refusal(NOT_FAILED)
        if "attempts-lost" not in bugs:
            _add_attempt(db, row["id"], now)
        retried = _known(db, row["campaign_id"], row["id"])
        if "retry-not-stored" in bugs:
            db.execute("ROLLBACK")
    return retried


def _check(row: sqlite3.Row, bugs: Collection[str]) -> None:
    """Raise Refusal unless a message may be retried."""
    tolerated = "unfailed-accepted" if row["num_attempts"] == 1 else "second-retry-accepted"
    if row["latest_status"] != "failure" and tolerated not in bugs:
        raise Refusal(NOT_FAILED)
    if row["batch_status"] not in _RETRYABLE_BATCHES and "batch-ignored" not in bugs:
        raise Refusal(NOT_FAILED)
    cap = 2 if "cap-too-early" in bugs else CAP
    if row["num_attempts"] >= cap and "cap-missing" not in bugs:
        raise Refusal(TOO_MANY)


def after_refusal(db: sqlite3.Connection, message: str, bugs: Collection[str]) -> None:
    """Do to a message whose retry was refused what only bugs do."""
    now = milliseconds()
    if "refusal-touches" in bugs:
        db.execute("UPDATE messages SET updated_at = ? WHERE id = ?", (now, message))
    if "refusal-sends" in bugs:
        with transaction(db):
            db.execute(
                "UPDATE messages SET latest_status = 'created', updated_at = ?, dispatched_at = ?,"
                " num_attempts = num_attempts + 1 WHERE id = ?",
                (now, now, message),
            )
            _add_attempt(db, message, now)


def delete(db: sqlite3.Connection, message: str) -> None:
    db.execute("DELETE FROM messages WHERE id = ?", (message,))


def _add_attempt(db: sqlite3.Connection, message: str, now: int) -> None:
    db.execute(
        "INSERT INTO attempts (message_id, status, created_at) VALUES (?, 'created', ?)",
        (message, now),
    )


def read_id(message: str, bugs: Collection[str]) -> str | None:
    """Return a message id from a path, or None if it is none."""
    if "nul-id-500" in bugs and "\0" in message:
        raise ValueError("embedded null character")
    try:
        uuid.UUID(message.removeprefix("message_"))
    except ValueError:
        if "malformed-id-500" in bugs:
            raise
        return None
    return message


def attempts_of(db: sqlite3.Connection, message: str) -> list[dict[str, Any]]:
    """Return the attempts to deliver a message, the newest first."""
    rows = db.execute("SELECT * FROM attempts WHERE message_id = ? ORDER BY id DESC", (message,))
    return [dict(row) for row in rows]
