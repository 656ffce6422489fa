"""A consumer in the test's own process, and a check of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from retry_contract.consumer.answers import Answer, Consumer, read_detailed
from retry_contract.consumer.cases import newest_pair
from retry_contract.consumer.check import Asked, check
from retry_contract.consumer.hosted import host
from retry_contract.consumer.hosted.loading import prepared
from retry_contract.consumer.readiness import Readiness
from retry_contract.contract.catalogue import catalogue

PAIR = newest_pair(catalogue())
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Direct:
    """Answers as the host does, without a process; counts what it is asked."""

    def __init__(self, consume: Callable[..., Any]) -> None:
        self._consume = prepared(consume)
        self.asked = 0

    def ask(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
        self.asked += len(lines)
        with asyncio.Runner() as runner:
            return [read_detailed(host.answer(self._consume, line, runner)) for line in lines]

    ask_afresh = ask_together = ask


def answered(consume: Callable[[str], Any], line: str, **how: Any) -> str:
    """Return the line by which the host answers one."""
    with asyncio.Runner() as runner:
        return host.answer(consume, line, runner, **how)


def tried(consume: Callable[..., Any], payloads: int = 25, now: datetime = NOW) -> Readiness:
    return checked(Direct(consume), payloads, now)


def checked(consumer: Consumer, payloads: int, now: datetime = NOW) -> Readiness:
    return check(Asked("module:consume", payloads, 7, now), consumer, PAIR, catalogue().timeline)
