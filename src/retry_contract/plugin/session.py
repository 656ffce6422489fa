"""The contract side of one pytest session: its options, its runs, and its outcome."""

import contextlib
import dataclasses
import functools
import logging
import os
import pickle
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retry_contract import environment
from retry_contract.contract.catalogue import catalogue
from retry_contract.exchange import Exchange, Observations
from retry_contract.outcome import Outcome, RuleResult, UsageError, Verdict, unwritten
from retry_contract.plugin import masked_reports
from retry_contract.privacy.disarm import disarm
from retry_contract.privacy.scrubber import Scrubber, keys_in
from retry_contract.report.json_document import versions
from retry_contract.report.recorder import Recorder
from retry_contract.report.text import outcome_lines
from retry_contract.rules import rule_named
from retry_contract.verification.baseline_file import update_baseline
from retry_contract.verification.findings import Findings, outcome_of, scrub_result
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.option_table import OPTIONS
from retry_contract.verification.options import Options, read_options
from retry_contract.verification.run import Interrupted
from retry_contract.verification.verification import Verification

OUTCOME = pytest.StashKey[Outcome]()
COMMAND = "retry-contract-command"
"""The name of the plugin by which `verify` shows the outcome itself."""

UNEXPLAINED = "a test failed without checking a rule; retry-contract verify -- -v shows it"
"""Why `verify` proves nothing if all rules are kept and pytest fails all the same."""

FINDINGS, _SEED = "retry_contract_findings", "retry_contract_seed"
"""What xdist's workers hand to their controller, and it to them."""

_RUN = "_contract_run"
_SESSION = pytest.StashKey["ContractSession"]()
_REPLAYS = {"request": "generated_requests", "sequence": "generated_sequences"}
_PLAYING = frozenset({"whole_run", *_REPLAYS.values()})
"""The fixtures of the tests that play generated cases: the longest part, which Ctrl-C may end."""

_REPLACEABLE = (0, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.INTERRUPTED)


def session_of(config: pytest.Config) -> "ContractSession":
    """Return the contract session of a pytest session, begun if need be. Raises UsageError."""
    if _SESSION not in config.stash:
        given = {option.name: config.getoption(option.destination) for option in OPTIONS}
        worker = getattr(config, "workerinput", None)
        record = given["record"] if worker is not None else None
        if worker is not None:  # the controller has made the file of the record
            given |= dict.fromkeys(("record", "report", "write-baseline"))
            given["seed"] = worker.get(_SEED, given["seed"])
        try:
            options = read_options(given, catalogue=catalogue())
        except UsageError as error:
            raise pytest.UsageError(f"retry-contract: {_in_pytest(str(error))}") from None
        if record is not None:
            options = dataclasses.replace(options, record=Path(record).absolute())
        if options.live is not None and is_parallel(config):
            raise pytest.UsageError(
                "retry-contract: xdist (-n, --dist, --tx) runs each worker against the service by "
                "itself, and would retry messages twice: leave it out for an endpoint that is a URL"
            )
        _check_keyword(config.getoption("keyword", ""))
        config.stash[_SESSION] = ContractSession(options, config)
        config.pluginmanager.register(config.stash[_SESSION], "retry-contract-session")
    return config.stash[_SESSION]


def _in_pytest(text: str) -> str:
    """Return a text about options with the names that they have in pytest; columns stay."""
    for option in OPTIONS:
        words = rf"(?<![\w-])--{option.name}(?![a-z-])((?: [A-Z]+)?)( *)"
        text = re.sub(words, functools.partial(_renamed, option.pytest_name), text)
    return text


def _renamed(name: str, found: re.Match[str]) -> str:
    shown, width = name + found[1], len(found[0])
    return f"{shown.ljust(width - 1)} " if found[2] else shown


def is_parallel(config: pytest.Config) -> bool:
    """Return whether more than one process runs the tests, or this one is a worker."""
    option = config.option
    distributes = getattr(option, "distload", False) or getattr(option, "dist", "no") != "no"
    workers = getattr(option, "numprocesses", None) or (distributes and getattr(option, "tx", None))
    return hasattr(config, "workerinput") or bool(workers)


def _check_keyword(expression: str) -> None:
    """Raise UsageError if `-k` names a rule by an id of an earlier version."""
    for word in re.findall("[a-z-]+", expression.replace("_", "-")):
        try:
            rule_named(word)
        except LookupError as error:
            if f"{word} was renamed" in str(error):
                raise pytest.UsageError(f"retry-contract: -k: {error}") from None


class ContractSession:
    """Checks the rules that tests ask for, and makes the outcome of the results.

    Under xdist each worker has one, and hands its findings to the controller's at its end.
    """

    def __init__(self, options: Options, config: pytest.Config) -> None:
        self.options, self.findings = options, Findings()
        self._config = config
        self._scrubber = Scrubber(*keys_in(os.environ))  # what the user wrote may hold one
        if options.live is not None:
            live = options.live
            secrets = (live.key, live.revoked_key or "", *(live.values or {}).values())
            self._scrubber = Scrubber(*secrets)
            # These log the URL of a request, and the headers that the service chose.
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.WARNING)
        masked_reports.register(config, self._scrubber)
        self._recorder = options.record and Recorder(options.record, self._scrubber)
        generate = None
        if options.fuzz or options.replay is not None:
            from retry_contract.fuzz.generate import Generator

            generate = Generator(options, self._record)
        self.verification = Verification(
            options,
            Callbacks(
                generate,
                _hook_of(config),
                self._listen,
                self._announce,
                lambda text: config.hook.pytest_retry_contract_progress(text=text),
            ),
        )
        self._started, self._began = time.perf_counter(), datetime.now(UTC)

    def observations(self, run: str, group: str) -> Observations:
        """Return what a run observes in a group of scenarios. Raises NotExercised."""
        seen = self.verification.run(run).observations(group)
        self.findings.observed = True
        return seen

    def check(self, run: str, rule: str) -> RuleResult:
        """Check a rule, and keep the result."""
        try:
            result = self.verification.check(run, rule)
        except Interrupted as interrupt:
            self.findings.results[run, interrupt.result.rule] = interrupt.result
            raise
        except Exception as error:
            crash = f"{rule} could not be checked: {type(error).__name__} inside the kit"
            self.findings.failure = self.findings.failure or crash
            if self.options.live is None:
                raise
            # The lines of code alone: a traceback quotes responses, and the people in them.
            frames = traceback.extract_tb(error.__traceback__)
            place = "\n".join(f"  {f.filename}:{f.lineno} in {f.name}" for f in frames)
        else:
            if self.options.baseline is not None:
                result = self.options.baseline.apply(result)
            self.findings.results[run, rule] = result
            return scrub_result(result, self._scrubber)
        pytest.fail(f"{crash}, at:\n{place}", pytrace=False)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Run what plays generated cases last; of a replayed case, its own test alone."""
        items.sort(key=lambda item: not _PLAYING.isdisjoint(getattr(item, "fixturenames", ())))
        if self.options.replay is None:
            return
        scenario = _REPLAYS[next(iter(self.options.replay))]
        others = [i for i in items if scenario not in getattr(i, "fixturenames", ())]
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        self.findings.failure = self.findings.missing = "interrupted"
        if self.options.live is not None:
            self._config.option.fulltrace = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Let xdist's workers generate the cases of this session's seed."""
        node.workerinput[_SEED] = None if self.options.seed is None else str(self.options.seed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.shouldfail or session.shouldstop:
            self.findings.missing = "not reached"
        with _no_interrupt():
            self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        self.verification.close()  # nothing leaves after it, and so nothing that is not counted
        self.findings.add(self.verification.findings())
        self.findings.add(Findings(seconds=time.perf_counter() - self._started))
        if not self._has_outcome(session):
            return
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            worker[FINDINGS] = pickle.dumps(self.findings)  # xdist hands on plain values alone
            return
        if session.config.option.collectonly:
            return
        runs = self.verification.names
        outcome = outcome_of(self.findings, runs, self.options, self._scrubber, versions())
        outcome = dataclasses.replace(outcome, began=self._began)
        is_command = session.config.pluginmanager.hasplugin(COMMAND)
        if is_command and outcome.verdict is Verdict.KEPT and session.exitstatus:
            outcome = dataclasses.replace(outcome, verdict=Verdict.NOT_TESTED, reason=UNEXPLAINED)
        outcome = self._written(outcome)
        session.config.stash[OUTCOME] = outcome
        # Another status of pytest's own is the worse one, and stays.
        if outcome.verdict is not Verdict.KEPT and session.exitstatus in _REPLACEABLE:
            usage = outcome.verdict is Verdict.USAGE_ERROR
            code = pytest.ExitCode.USAGE_ERROR if usage else outcome.verdict.exit_code
            session.exitstatus = int(code)

    def _written(self, outcome: Outcome) -> Outcome:
        """Write the baseline and the report; return the outcome, which says what is missing."""
        options = self.options
        if options.baseline_file is not None and options.to_update is not None:
            file, old = options.baseline_file, options.to_update
            held = {"strict": options.strict, "whole": self.findings.failure is None}
            try:
                self._announce(update_baseline(file, old, outcome.contracts, **held))
            except (OSError, UsageError) as error:
                why = getattr(error, "strerror", None) or error
                outcome = unwritten(outcome, f"the baseline could not be written: {why}")
        if options.report is None:
            return outcome
        from retry_contract.report.files import written

        return written(outcome, options.report)

    def _has_outcome(self, session: pytest.Session) -> bool:
        """Return whether the session has an outcome: not if it observes and asks for no rule."""
        items: list[Any] = getattr(session, "items", [])
        if items and not any(_RUN in getattr(item, "fixturenames", ()) for item in items):
            return False
        return not self.findings.observed or bool(self.findings.results)

    def pytest_terminal_summary(
        self, terminalreporter: Any, exitstatus: int, config: pytest.Config
    ) -> None:
        if OUTCOME not in config.stash or config.pluginmanager.hasplugin(COMMAND):
            return
        outcome = config.stash[OUTCOME]
        terminalreporter.section("retry-contract")
        if environment.is_github():
            _show_on_github(outcome, terminalreporter)
        for line in outcome_lines(outcome):
            # A line to replay is a command of its own.
            terminalreporter.write_line(disarm(line if " verify " in line else _in_pytest(line)))
        if outcome.verdict is Verdict.KEPT and exitstatus == pytest.ExitCode.TESTS_FAILED:
            terminalreporter.write_line("The tests that failed are not the kit's.")

    def _listen(self, exchange: Exchange) -> None:
        if self.options.live is not None:
            self._scrubber.learn(exchange.payload)
        self._record(exchange)

    def _record(self, exchange: Exchange) -> None:
        # Of a generated exchange nothing is learned: it is of no person, and its replay shows it.
        if self._recorder:
            self._recorder.write(exchange)

    def _announce(self, text: str) -> None:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print(disarm(text), file=sys.stderr, flush=True)


def _show_on_github(outcome: Outcome, terminalreporter: Any) -> None:
    """Write the annotations and the job summary, where a job of GitHub Actions runs pytest."""
    from retry_contract.report.github import annotations, append_summary
    from retry_contract.report.summary import summary

    for annotation in annotations(outcome):
        terminalreporter.write_line(_in_pytest(str(annotation)))
    if problem := append_summary(summary(outcome), environment.original()):
        terminalreporter.write_line(f"retry-contract: {problem}")


def _hook_of(config: pytest.Config) -> Callable[[str], Any] | None:
    """Return the hook for messages, if a plugin or a conftest has one."""
    hook = config.hook.pytest_retry_contract_state
    return (lambda state: hook(state=state)) if hook.get_hookimpls() else None


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ignore Ctrl-C while the reports are written: all else is over by then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
