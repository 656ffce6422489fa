"""The interface of every way to reach a service."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import httpx


class Endpoint(Protocol):
    """A service within reach.

    `client` is the only way to it; its base URL ends in `/`. `key` is the API key of `campaign`.
    `simulator` is the number that a Single Send may be made to, None if none may be made.
    """

    name: str
    client: httpx.Client
    key: str
    campaign: str
    foreign_campaign: str | None
    simulator: str | None

    def message_in(self, state: str) -> str | None:
        """Return the id of a message in a state (see `service.seeds`), or None.

        Each call returns a message that no other call has returned. The state `foreign` is a
        failed message of `foreign_campaign`.
        """

    def wait(self, seconds: float) -> None:
        """Let time pass for the service."""

    def twin_at(self, instant: datetime) -> Endpoint | None:
        """Return a twin with a clock that stands still at an instant; None if it cannot be."""

    def close(self) -> None:
        """Close the client."""
