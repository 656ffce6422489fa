"""A client of the team's service, for its tests: httpx alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
from support.team import Team

LONG = 600.0
"""A delivery, in seconds, of which a test sees the beginning only."""
UNKNOWN = "message_00000000-0000-4000-8000-00000000dead"


class Client:
    """One client of the service, with a connection for each request unless it keeps them.

    One that is kept may be closed by the service, after an exception, while a request is sent.
    """

    def __init__(self, team: Team, *, keeps: int = 0) -> None:
        self.team = team
        limits = httpx.Limits(max_keepalive_connections=keeps)
        self.http = httpx.Client(trust_env=False, verify=False, timeout=20, limits=limits)
        self.own = {"Authorization": f"Bearer {team.key}"}

    def new(self, state: str = "failure") -> str:
        message = self.team.new_message(state)
        assert message is not None
        return message

    def ask(
        self,
        method: str,
        message: str,
        tail: str = "/retry",
        campaign: str | None = None,
        authorization: str | None = "own",
    ) -> httpx.Response:
        headers = self.own if authorization == "own" else {"Authorization": authorization or ""}
        where = f"{self.team.url}/campaigns/{campaign or self.team.campaign}/messages"
        sent = {} if authorization is None else headers
        return self.http.request(method, f"{where}/{message}{tail}", headers=sent)

    def retry(self, message: str, **how: Any) -> httpx.Response:
        return self.ask("POST", message, **how)

    def retrieve(self, message: str) -> dict[str, Any]:
        payload: dict[str, Any] = self.ask("GET", message, "").json()
        return payload

    def send(self, **changes: Any) -> httpx.Response:
        body = {"recipient": "6511112222", "language": "english", "values": {"name": "Test"}}
        url = f"{self.team.url}/campaigns/{self.team.campaign}/messages"
        return self.http.post(url, json=body | changes, headers=self.own)

    def await_failure(self, message: str) -> dict[str, Any]:
        while (shown := self.retrieve(message))["latestStatus"] != "failure":
            pass
        return shown

    def retry_twice(self) -> httpx.Response:
        message = self.new()
        self.retry(message).raise_for_status()
        return self.retry(message)

    def retry_foreign(self) -> httpx.Response:
        return self.retry(self.new("foreign"), campaign=self.team.foreign_campaign)


@contextlib.contextmanager
def client_of(team: Team) -> Iterator[Client]:
    """Yield a client; after the block the service has no bugs."""
    client = Client(team)
    try:
        yield client
    finally:
        client.http.close()
        team.bugs.clear()
