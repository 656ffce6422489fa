"""A pytest plugin that provides messages in the states that contract tests ask for.

It needs the standard library alone, and the name of the service's database.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import uuid

DATABASE = ""
STATUSES = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success", "failure")
BATCHES = {
    "batch:messages_enqueued": "messages_enqueued",
    "batch:messages_enqueuing_failed": "messages_enqueuing_failed",
    "batch:success": "success",
    "batch:other": "messages_paused",
}
STATES = (
    *(*STATUSES, *BATCHES, "attempts-spent", "foreign"),
    *("before-cutover", "other-creator", "special-values"),
)
_A_DAY_BEFORE_CUTOVER = 1740240000_000  # 2025-02-23T00:00:00+08:00
_SECOND = 1_000


def pytest_retry_contract_state(state: str) -> str | None:
    """Return the id of a new message in a state, or None for a state that is not known."""
    return add_message(DATABASE, state)


def add_message(database: str, state: str) -> str | None:
    """Put a message in a state into the database; it changes by requests only."""
    if state not in STATES:
        return None
    connected = sqlite3.connect(database, timeout=10, isolation_level=None)
    with contextlib.closing(connected) as db, db:
        db.execute("BEGIN IMMEDIATE")
        return _add_message(db, state)


def _add_message(db: sqlite3.Connection, state: str) -> str:
    campaign, template, body, user = db.execute(
        "SELECT campaigns.id, template_body_id, template_body, user_id"
        " FROM campaigns JOIN api_keys ON campaign_id = campaigns.id WHERE name = ?",
        ("foreign" if state == "foreign" else "own",),
    ).fetchone()
    created = int(time.time() * _SECOND) - 17 * _SECOND
    if state == "before-cutover":
        created = _A_DAY_BEFORE_CUTOVER
    name = 'Zoë "Zed" 😀 <z>' if state == "special-values" else "Tést 测试"
    attempts = 3 if state == "attempts-spent" else 1
    message = {
        "id": f"message_{uuid.uuid4()}",
        "campaign_id": campaign,
        "batch_id": _add_batch(db, campaign, BATCHES[state]) if state in BATCHES else None,
        "creator_id": f"user_{uuid.uuid4()}" if state == "other-creator" else user,
        "recipient": "6522222222",
        "language": "english",
        "template_body_id": template,
        "template_values": json.dumps({"name": name}),
        "full_message": body.replace("{{name}}", name),
        "latest_status": state if state in STATUSES else "failure",
        "created_at": created,
        "updated_at": created + (2 * attempts + 3) * _SECOND,
        "num_attempts": attempts,
    }
    _insert(db, "messages", message)
    for number in range(attempts):
        _add_attempt(db, message["id"], message["latest_status"], created + 2 * number * _SECOND)
    return str(message["id"])


def _add_batch(db: sqlite3.Connection, campaign: str, status: str) -> str:
    batch = str(uuid.uuid4().int % 10**9)
    _insert(db, "batches", {"id": batch, "campaign_id": campaign, "status": status})
    return batch


def _add_attempt(db: sqlite3.Connection, message: object, status: object, created: int) -> None:
    handed_on = status in ("sent", "sent_to_telco", "success", "failure")
    attempt: dict[str, object] = {"message_id": message, "status": status, "created_at": created}
    if handed_on:
        attempt["sent_at"] = created + _SECOND
    if status == "success":
        attempt["delivered_at"] = created + 2 * _SECOND
    if status == "failure":
        attempt |= {"error_type": "server_error", "error_code": "server_unknown_error"}
    _insert(db, "attempts", attempt)


def _insert(db: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    marks = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
