"""Keeps pytest's own output off standard output, and shows the progress of a run."""

import gc
import re
import sys
from collections.abc import Generator
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from retry_contract.cli.interrupts import ignore_from_now_on, raise_from_now_on
from retry_contract.plugin.failures import is_marked
from retry_contract.plugin.session import COMMAND

_ASKS_FOR_FAILURES = re.compile("--tb|-[lqsvx]*r")


class Watcher:
    """A pytest plugin. `quiet` leaves out pytest's own report."""

    def __init__(self, *, quiet: bool) -> None:
        self.config: pytest.Config | None = None
        self.interrupted = False
        self._quiet, self._shows_all = quiet, False
        self._total = self._done = 0

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        self.config = config
        config.pluginmanager.register(object(), COMMAND)
        config.pluginmanager.unregister(name="terminalreporter")
        if not self._quiet:
            config.pluginmanager.register(TerminalReporter(config, sys.stderr), "terminalreporter")
            words = map(str, config.invocation_params.args)
            self._shows_all = any(map(_ASKS_FOR_FAILURES.match, words))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        raise_from_now_on()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted = excinfo.errisinstance(KeyboardInterrupt)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._total = len(session.items)
        gc.freeze()  # what was imported stays, and need not be looked through soon
        gc.unfreeze()  # but Hypothesis asks who refers to its objects
        gc.enable()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, Any] | None:
        """Leave what breaks a rule to the outcome: pytest describes what it counts as failed."""
        if self._shows_all or not report.failed or not is_marked(report):
            return None
        return "broken", "F", ("FAILED", {"red": True})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._done += 1
        self._show_line(nodeid.rpartition("::")[2])

    def pytest_retry_contract_progress(self, text: str) -> None:
        self._show_line(text)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        ignore_from_now_on()
        self._show("\r" + " " * 72 + "\r")
        yield

    def _show_line(self, text: str) -> None:
        self._show(f"\r{self._done}/{self._total} {text[:60]:<60}")

    def _show(self, text: str) -> None:
        if self._quiet and sys.stderr.isatty():
            print(text, end="", file=sys.stderr, flush=True)
