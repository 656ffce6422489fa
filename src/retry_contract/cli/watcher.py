"""Keeps pytest's own output off standard output, and shows the progress of a run."""

import gc
import sys
from collections.abc import Generator

import pytest
from _pytest.terminal import TerminalReporter

from retry_contract.cli.interrupts import ignore_from_now_on, raise_from_now_on
from retry_contract.plugin.session import COMMAND


class Watcher:
    """A pytest plugin. `quiet` leaves out pytest's own report."""

    def __init__(self, *, quiet: bool) -> None:
        self.config: pytest.Config | None = None
        self.interrupted = False
        self._quiet = quiet
        self._total = self._done = 0

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        self.config = config
        config.pluginmanager.register(object(), COMMAND)
        config.pluginmanager.unregister(name="terminalreporter")
        if not self._quiet:
            config.pluginmanager.register(TerminalReporter(config, sys.stderr), "terminalreporter")

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
