"""The line that shows how far `verify` is, on a terminal."""

from __future__ import annotations

import sys

import pytest

from retry_contract.cli.watcher import Watcher


@pytest.mark.parametrize("terminal", [True, False])
def test_line_says_what_a_run_waits_for(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    watcher = Watcher(quiet=True)
    watcher.pytest_runtest_logstart("test_generated.py::test_generated_sequences_kept")
    text = "12 of 50 sequences played, 16 wait for a message to fail"
    watcher.pytest_retry_contract_progress(text)
    last = capsys.readouterr().err.rpartition("\r")[2]
    assert last == (f"1/0 {text:<60}" if terminal else "")
