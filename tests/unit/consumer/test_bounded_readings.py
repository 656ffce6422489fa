"""What is held of all that a reader returned."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.reader import reader_scenarios
from retry_contract.consumer.reader.reader_scenarios import Readings

PAYLOADS = [{"id": number} for number in range(3_000)]


def test_no_more_is_asked_for_once_enough_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_scenarios, "MOST_HELD", 10_000)
    asked: list[int] = []

    def ask(lines: Sequence[str]) -> list[Attempt | None]:
        asked.append(len(lines))
        return [Attempt(Ending.READ, returned=True, read="x" * 10)] * len(lines)

    readings = Readings(ask, str)
    readings.learn(PAYLOADS)
    assert asked == [1_000]
    assert readings.is_full
    assert readings.of(PAYLOADS[999]) is not None
    assert readings.of(PAYLOADS[1_000]) is None
    assert readings.repeat(PAYLOADS[0], 2) == []


def test_a_reading_is_held_as_text() -> None:
    attempt = Attempt(Ending.READ, returned=True, read={"a": [1, None, "\u4e2d"]}, error="12")
    assert attempt.read == {"a": [1, None, "\u4e2d"]}
    assert attempt.read is not attempt.read
    assert attempt.size == len('{"a": [1, null, "\\u4e2d"]}') + 2
    assert Attempt(Ending.READ).read is None
