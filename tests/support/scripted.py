"""A service in real time whose responses a test writes: nothing is waited for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx

from retry_contract.contract.catalogue import Contract, catalogue
from retry_contract.endpoint.mock import BASE_URL, MockEndpoint

CONTRACTS = catalogue()
AFTER = CONTRACTS["after"]
JSON = {"content-type": "application/json"}

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Exception


def message(status: str = "failure", **members: Any) -> dict[str, Any]:
    return {"id": "message_1", "latestStatus": status, **members}


class Scripted(MockEndpoint):
    """Answers the requests in turn, the last of the answers again and again.

    `asked` are the requests by method and the end of the path, `waited` the pauses in seconds.
    """

    real_time = True

    def __init__(self, *answers: Answer, contract: Contract = AFTER) -> None:
        start = CONTRACTS.timeline.instant_within(contract.period)
        super().__init__(CONTRACTS, start, lambda _: contract)
        self.asked: list[str] = []
        self.sent: list[httpx.Request] = []
        self.waited: list[float] = []
        self.states: dict[str, list[str]] = {}
        self._answers: Sequence[Answer] = answers
        self.client = httpx.Client(transport=httpx.MockTransport(self._response), base_url=BASE_URL)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def message_in(self, state: str) -> str | None:
        left = self.states.get(state)
        return left.pop(0) if left else None

    def _response(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        self.asked.append(f"{request.method} {request.url.path.rpartition('/')[2]}")
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer if len(answer) == 3 else (*answer, JSON)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers=headers)


def on_model() -> MockEndpoint:
    """The model of the contract in force, in whose time a run has to poll."""

    class Moving(MockEndpoint):
        real_time = True

    return Moving(CONTRACTS, CONTRACTS.timeline.instant_within(AFTER.period), lambda _: AFTER)
