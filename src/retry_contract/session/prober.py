"""Sends the requests of a run, numbers them, and keeps every exchange."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Kind, Observation, from_httpx
from retry_contract.outcome import NotExercised, NotTested, Traffic
from retry_contract.redact import describe
from retry_contract.rules.situations import WRONG_METHOD

_POLLS = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_OWN_KEY = "own key"


class Prober:
    """One run's way to the endpoint. It holds what was sent, and nothing of what it means."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.exchanges: list[Exchange] = []

    @property
    def traffic(self) -> Traffic:
        """How much was sent, and the replies by status."""
        replies = Counter(str(exchange.status) for exchange in self.exchanges)
        return Traffic(len(self.exchanges), dict(sorted(replies.items())))

    def send(
        self,
        kind: Kind,
        path: str,
        *,
        method: str,
        authorization: str | None = _OWN_KEY,
        json: Any = None,
    ) -> Exchange:
        """Send one request. Raises NotTested if no reply comes."""
        headers = {}
        if authorization is not None:
            own = f"Bearer {self.endpoint.key}"
            headers["Authorization"] = own if authorization == _OWN_KEY else authorization
        try:
            response = self.endpoint.client.request(method, path, headers=headers, json=json)
        except httpx.TransportError as error:
            raise NotTested(f"no reply from {self.endpoint.name}: {error}") from error
        exchange = from_httpx(response, len(self.exchanges) + 1, kind)
        self.exchanges.append(exchange)
        return exchange

    def retrieve(self, message: str, campaign: str | None = None) -> Exchange:
        """Retrieve a message."""
        path = self._path(message, campaign)
        return self.send("retrieve", path, method="GET")

    def probe(
        self,
        situation: str,
        message: str,
        *,
        sent: Exchange | None = None,
        known: bool = True,
        method: str = "POST",
        campaign: str | None = None,
        authorization: str | None = _OWN_KEY,
    ) -> Observation:
        """Ask for one retry; if the message is `known`, with a Retrieve before and after it."""
        before = self.retrieve(message) if known else None
        path = self._path(message, campaign) + "/retry"
        kind: Kind = "other" if situation == WRONG_METHOD else "retry"
        exchange = self.send(kind, path, method=method, authorization=authorization)
        after = self.retrieve(message) if known else None
        campaign = campaign or self.endpoint.campaign
        return Observation(situation, exchange, campaign, message, before, after, sent)

    def failed_message(self) -> tuple[str, Exchange | None]:
        """Return a message that has failed, and the Single Send that made it, if one did.

        Raises NotExercised if there is none.
        """
        if self.endpoint.simulator is not None:
            return self._simulate(self.endpoint.simulator)
        return self.message_in("failure"), None

    def message_in(self, state: str) -> str:
        """Return a message in a state. Raises NotExercised if the endpoint has none."""
        message = self.endpoint.message_in(state)
        if message is None:
            raise NotExercised(f"no message in state {state} at hand")
        return message

    def wait_until_failed(self, message: str) -> None:
        """Poll until a message has failed. Raises NotExercised if it does not."""
        pause, status = _FIRST_PAUSE, "absent"
        for _ in range(_POLLS):
            status = describe(self.retrieve(message).members.get("latestStatus"))
            if status == '"failure"':
                return
            self.endpoint.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise NotExercised(f"a message to a simulator number did not fail: it is {status}")

    def _simulate(self, recipient: str) -> tuple[str, Exchange]:
        body = {
            "recipient": recipient,
            "language": "english",
            "values": {"name": "Tést 测试"},
        }
        path = f"campaigns/{self.endpoint.campaign}/messages"
        sent = self.send("single-send", path, method="POST", json=body)
        message = sent.members.get("id")
        if not sent.succeeded or not isinstance(message, str):
            raise NotExercised(f"the Single Send was answered with status {sent.status}")
        self.wait_until_failed(message)
        return message, sent

    def _path(self, message: str, campaign: str | None) -> str:
        return f"campaigns/{campaign or self.endpoint.campaign}/messages/{message}"
