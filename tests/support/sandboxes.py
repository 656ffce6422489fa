"""A sandbox whose clock stands still, and what a request changes in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.model import Settings

FIXED = datetime(2026, 3, 2, 4, tzinfo=UTC)
_SETTINGS = Settings(delivery=timedelta(minutes=1))


def still_sandbox() -> Sandbox:
    """Return a sandbox that only requests change: two that are asked the same are the same."""
    return Sandbox(catalogue(), Start(settings=_SETTINGS), lambda: FIXED)


def state_of(sandbox: Sandbox) -> dict[str, Any]:
    """Return all that a request may change."""
    messages = sandbox.service.messages.values()
    return {
        "description": sandbox.description(),
        "contract": sandbox.contract,
        "requests": list(sandbox.requests),
        "messages": {m.id: (m.campaign, m.status, list(m.attempts), m.values) for m in messages},
    }
