"""A cutover during a run, at any of its requests: drift within the transition, and no violation."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from support.sample import one_in

from retry_contract.outcome import Verdict


@pytest.mark.parametrize("request_number", one_in(8, range(2, 72)))
def test_cutover_at_any_request_is_drift(
    request_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts")
    table = importlib.import_module("cutover_table")
    monkeypatch.setattr(table, "_CHANGE", request_number)
    (row,) = (row for row in table.ROWS if row.change and row.options == {"on": "2025-02-24"})
    outcome = table.verify(row)
    assert (outcome.verdict, outcome.reason) == (Verdict.KEPT, None)
    assert outcome.cutover is not None
    assert request_number <= outcome.cutover < request_number + 9
