"""A reader in the test's own process, and a check of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from retry_contract.consumer.process.attempt import Attempt, read_host_line
from retry_contract.consumer.process.host import Host
from retry_contract.consumer.process.loading import adapt
from retry_contract.consumer.reader import reader_check
from retry_contract.consumer.readiness import CheckPlan, Readiness
from retry_contract.contract.catalogue import catalogue
from retry_contract.fuzz.pairs import Case
from retry_contract.fuzz.search import draw

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_DRAWN: dict[str, list[Case]] = {}
"""What was drawn, by the number of payloads and their values: drawing takes longer than reading."""


class InProcessReader:
    """Reads as the host does, without a process; counts what it is asked."""

    def __init__(self, consume: Callable[..., Any]) -> None:
        self._host = Host(adapt(consume))
        self.asked = 0

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        self.asked += len(lines)
        return [read_host_line(self._host.attempt(line)) for line in lines]

    ask_alone = ask


def readiness(
    consume: Callable[..., Any],
    payloads: int = 25,
    now: datetime = NOW,
    accept: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
) -> Readiness:
    """Check a reader of payloads that are drawn once for all tests of a process."""

    def draw_once(*given: Any) -> list[Case]:
        key = json.dumps([payloads, values])
        if key not in _DRAWN:
            _DRAWN[key] = draw(*given)
        return _DRAWN[key]

    options = CheckPlan("module:consume", now, payloads, 7, values=values, accept=tuple(accept))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader_check, "draw", draw_once)
        return reader_check.check_reader(options, InProcessReader(consume), catalogue())
