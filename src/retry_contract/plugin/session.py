"""What one pytest session knows about the contract: its options, its runs, and its outcome."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.exchange import Exchange, Observations
from retry_contract.outcome import (
    Outcome,
    RuleResult,
    UsageError,
    Verdict,
)
from retry_contract.plugin.workers import FIELD, is_parallel
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.report.files import write_reports
from retry_contract.report.recorder import Recorder
from retry_contract.report.text import outcome_lines
from retry_contract.report.versions import versions
from retry_contract.rules import rule_named
from retry_contract.verification.findings import Findings
from retry_contract.verification.option_table import OPTIONS
from retry_contract.verification.options import Options, read_options
from retry_contract.verification.prober import Listener
from retry_contract.verification.run import Generate, Interrupted
from retry_contract.verification.verification import Surroundings, Verification

OUTCOME = pytest.StashKey[Outcome]()
_RUN = "_contract_run"
_SESSION = pytest.StashKey["ContractSession"]()
_REPLAYED = {"request": "generated_requests", "sequence": "generated_sequences"}


def session_of(config: pytest.Config) -> ContractSession:
    """Return the contract session of a pytest session, and begin it if need be.

    Raises UsageError if the options cannot be used.
    """
    if _SESSION not in config.stash:
        given = {option.name: config.getoption(option.destination) for option in OPTIONS}
        worker = getattr(config, "workerinput", {})
        given["seed"] = worker.get(FIELD, given["seed"])
        try:
            options = read_options(given, catalogue=catalogue())
        except UsageError as error:
            raise pytest.UsageError(f"retry-contract: {error}") from None
        if options.live is not None and is_parallel(config):
            raise pytest.UsageError(
                "retry-contract: xdist (-n, --dist, --tx) runs each worker against the service by "
                "itself, and would retry messages twice: leave it out for an endpoint that is a URL"
            )
        _check_keyword(config.getoption("keyword", ""))
        session = ContractSession(options, config)
        config.stash[_SESSION] = session
        config.pluginmanager.register(session, "retry-contract-session")
    return config.stash[_SESSION]


def gather_from(node: Any) -> None:
    """Take over what one of xdist's workers found, if it ran a contract test."""
    output = getattr(node, "workeroutput", {}).get(FIELD)
    if output is not None:
        session_of(node.config).gather(output)


class ContractSession:
    """Checks the rules that tests ask for, and gathers the results into the outcome.

    Under xdist each worker has one, and hands what it found to the controller's at its end.
    """

    def __init__(self, options: Options, config: pytest.Config) -> None:
        self.options = options
        self._config = config
        self._scrubber = _scrubber(options)
        self._recorder = options.record and Recorder(options.record, self._scrubber)
        around = Surroundings(
            _generator(options, self._record),
            lambda state: config.hook.pytest_retry_contract_state(state=state),
            self._listen,
            self._announce,
        )
        self._verification = Verification(options, around)
        self._started = time.perf_counter()
        self._findings = Findings(options, self._scrubber)

    @property
    def runs(self) -> list[str]:
        """The names of the runs: a contract each, or `served`."""
        return self._verification.names

    def contract(self, run: str) -> str:
        """Return the contract that a run is about."""
        return self._verification.contract(run)

    def observations(self, run: str, group: str) -> Observations:
        """Return what a run observes in a group of scenarios. Raises NotExercised."""
        seen = self._verification.observations(run, group)
        self._findings.observed = True
        return seen

    def check(self, contract: str, rule: str) -> RuleResult:
        """Check a rule, and keep the result."""
        try:
            result = self._verification.check(contract, rule)
        except Interrupted as interrupt:
            self._findings.keep(contract, interrupt.result)
            raise
        except Exception as error:
            crash = f"{rule} could not be checked: {type(error).__name__} inside the kit"
            self._findings.failure = self._findings.failure or crash
            if self.options.live is None:
                raise
            place = _place(error)
        else:
            self._findings.keep(contract, result)
            return self._findings.scrub(result)
        # A traceback quotes what the kit was at: responses, and the people in them.
        pytest.fail(f"{crash}, at:\n{place}", pytrace=False)

    def gather(self, output: dict[str, Any]) -> None:
        """Add what one process found, as plain values."""
        self._findings.add(output)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave the test of a replayed case alone."""
        if self.options.replay is None:
            return
        scenario = _REPLAYED[next(iter(self.options.replay))]
        others = [i for i in items if scenario not in getattr(i, "fixturenames", ())]
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        self._findings.failure = self._findings.missing = "interrupted"
        if self.options.live is not None:
            self._config.option.fulltrace = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Let xdist's workers generate the cases of this session's seed."""
        node.workerinput[FIELD] = None if self.options.seed is None else str(self.options.seed)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Any:
        """Take out of a report what a traceback or captured output may have quoted."""
        report = yield
        text = str(report.longrepr) if report.longrepr is not None else ""
        if self._scrubber.scrub(text) != text and not isinstance(report.longrepr, tuple):
            report.longrepr = self._scrubber.scrub(text)
        report.sections = [(name, self._scrubber.scrub(part)) for name, part in report.sections]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.shouldfail or session.shouldstop:
            self._findings.missing = "not reached"
        with _undisturbed():
            self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        seconds = time.perf_counter() - self._started
        output = self._findings.output(self._verification, seconds)
        self._verification.close()
        if not self._is_asked(session):
            return
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            worker[FIELD] = output
            return
        self.gather(output)
        if session.config.option.collectonly:
            return
        outcome = self._findings.outcome(self._verification.names, versions())
        session.config.stash[OUTCOME] = outcome
        session.exitstatus = _exit_status(outcome, session)
        if self.options.report is not None:
            write_reports(outcome, self.options.report)

    def _is_asked(self, session: pytest.Session) -> bool:
        """Whether the session has an outcome: not if it asks for no rule, and could observe."""
        items: list[Any] = getattr(session, "items", [])
        if items and not any(_RUN in getattr(item, "fixturenames", ()) for item in items):
            return False
        return not self._findings.observed or self._findings.has_results

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        if OUTCOME not in config.stash:
            return
        terminalreporter.section("retry-contract")
        for line in outcome_lines(config.stash[OUTCOME]):
            terminalreporter.write_line(line)

    def _listen(self, exchange: Exchange) -> None:
        if self.options.live is not None:
            self._scrubber.learn(exchange.payload)
        self._record(exchange)

    def _record(self, exchange: Exchange) -> None:
        # Of a generated exchange nothing is learned: what is nobody's stays in its replay.
        if self._recorder:
            self._recorder.write(exchange)

    def _announce(self, text: str) -> None:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no Ctrl-C come between what was found and its reports: all else is over by then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def _scrubber(options: Options) -> Scrubber:
    if options.live is None:
        return Scrubber()
    # What these log of a request is a URL and what the service chose to put into its headers.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Scrubber(options.live.key, *(options.live.values or {}).values())


def _place(error: Exception) -> str:
    """Return the lines of code that an error came through, and nothing of what they held."""
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)


def _generator(options: Options, record: Listener) -> Generate | None:
    if not options.fuzz and options.replay is None:
        return None
    from retry_contract.fuzz.generate import generator

    return generator(options, record)


def _check_keyword(expression: str) -> None:
    """Raise UsageError if `-k` names a rule by an id of an earlier version."""
    for word in re.findall("[a-z-]+", expression.replace("_", "-")):
        try:
            rule_named(word)
        except LookupError as error:
            if f"{word} is now" in str(error):
                raise pytest.UsageError(f"retry-contract: -k: {error}") from None


def _exit_status(outcome: Outcome, session: pytest.Session) -> int | pytest.ExitCode:
    """Return pytest's own status unless the outcome has a worse one to tell."""
    own = session.exitstatus
    untold = own in (
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
        pytest.ExitCode.INTERRUPTED,
    )
    if outcome.verdict is not Verdict.KEPT and untold:
        return int(outcome.verdict.exit_code)
    return own
