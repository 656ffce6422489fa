"""A reader in the test's own process, and a check of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from retry_contract.consumer.process.attempt import Attempt, read_host_line
from retry_contract.consumer.process.host import Host
from retry_contract.consumer.process.loading import adapt
from retry_contract.consumer.reader.reader_check import check_reader
from retry_contract.consumer.readiness import CheckOptions, Readiness
from retry_contract.contract.catalogue import catalogue

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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
    options = CheckOptions("module:consume", now, payloads, 7, values=values, accept=tuple(accept))
    return check_reader(options, InProcessReader(consume), catalogue())
