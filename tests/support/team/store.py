"""The database of the service: a SQLite file that all instances share."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TEMPLATE = (
    "This is a test message.\n\n---\n\nThis is a message to {{name}}.\n\n---\n\n"
    "This is an automated message."
)
_SCHEMA = """
CREATE TABLE campaigns (
    id TEXT PRIMARY KEY, name TEXT UNIQUE, created_at INTEGER,
    template_id TEXT, template_body_id TEXT, template_body TEXT, template_creator_id TEXT
);
CREATE TABLE api_keys (
    hash TEXT PRIMARY KEY, campaign_id TEXT, user_id TEXT, revoked INTEGER DEFAULT 0
);
CREATE TABLE batches (id TEXT PRIMARY KEY, campaign_id TEXT, status TEXT);
CREATE TABLE messages (
    id TEXT PRIMARY KEY, campaign_id TEXT, batch_id TEXT, creator_id TEXT, recipient TEXT,
    language TEXT, template_body_id TEXT, template_values TEXT, full_message TEXT,
    latest_status TEXT, created_at INTEGER, updated_at INTEGER,
    dispatched_at INTEGER,  -- when the delivery began that is under way; NULL at rest
    num_attempts INTEGER
);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, message_id TEXT, status TEXT, created_at INTEGER,
    sent_at INTEGER, delivered_at INTEGER, error_type TEXT, error_code TEXT
);
CREATE INDEX attempts_of_message ON attempts (message_id);
"""


def new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4()}"


def milliseconds() -> int:
    """Return the time of day as the database has it: whole milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Campaign:
    """A campaign, and what its owner was shown once: its keys."""

    id: str
    key: str = field(repr=False)
    revoked_key: str = field(repr=False)


class Store:
    """The SQLite file. Each request has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.connect() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)

    @contextlib.contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        # FastAPI may open, use and close it in different threads of its pool, one at a time.
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        with contextlib.closing(db):
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous = OFF")
            yield db

    def add_campaign(self, name: str) -> Campaign:
        """Add a campaign with a user, a valid key and a revoked one."""
        campaign = Campaign(new_id("campaign"), *(_new_key() for _ in range(2)))
        user, now = new_id("user"), milliseconds()
        with self.connect() as db:
            db.execute(
                "INSERT INTO campaigns VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(campaign.id, name, now, new_id("template"), new_id("template_body")),
                    *(TEMPLATE, new_id("user")),
                ),
            )
            keys = ((campaign.key, False), (campaign.revoked_key, True))
            db.executemany(
                "INSERT INTO api_keys VALUES (?, ?, ?, ?)",
                [(hashed(key), campaign.id, user, revoked) for key, revoked in keys],
            )
        return campaign


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of a block or nothing. Others that write wait from its beginning on."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    if db.in_transaction:
        db.execute("COMMIT")


def _new_key() -> str:
    return "key_test_" + secrets.token_hex(16)
