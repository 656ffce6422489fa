"""What one pytest session knows about the contract: its options, its runs, and its outcome."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import (
    ContractResult,
    Drift,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Unusable,
    Verdict,
    Violation,
    conclude,
)
from retry_contract.report.files import write_reports
from retry_contract.report.text import closing_lines
from retry_contract.report.versions import versions
from retry_contract.rules import ESSENTIAL, RULES, Section, section
from retry_contract.session.options import OPTIONS, Options, read_options
from retry_contract.session.verification import Verification

OUTCOME = pytest.StashKey[Outcome]()
_SESSION = pytest.StashKey["ContractSession"]()
_RESULT = pytest.StashKey[RuleResult]()
_FIELD = "retry_contract"


def session_of(config: pytest.Config) -> ContractSession:
    """Return the contract session of a pytest session, and begin it if need be.

    Ends the pytest session as a usage error if the options cannot be used.
    """
    if _SESSION not in config.stash:
        given = {option.name: config.getoption(option.destination) for option in OPTIONS}
        try:
            options = read_options(given, catalogue=catalogue(), rules=frozenset(RULES))
        except Unusable as error:
            pytest.exit(f"retry-contract: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
        session = ContractSession(options)
        config.stash[_SESSION] = session
        config.pluginmanager.register(session, "retry-contract-session")
    return config.stash[_SESSION]


class ContractSession:
    """Judges the rules that tests ask for, and gathers the results into the outcome.

    Results travel on the test reports, so that they arrive from xdist's workers too.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._verification = Verification(options)
        self._started = time.perf_counter()
        self._results: dict[tuple[str, str], RuleResult] = {}
        self._drift: dict[str, dict[Drift, None]] = {}
        self._traffic = Traffic()
        self._failure: str | None = None

    def pairs(self, name: Section) -> list[tuple[str, str]]:
        """Return contract and rule of each test of a section."""
        names = [expectation.contract.name for expectation in self.options.expectations]
        return [(contract, rule.id) for contract in names for rule in section(name)]

    def judge(self, node: pytest.Item, contract: str, rule: str) -> RuleResult:
        """Judge a rule, and keep the result for the test's report."""
        result = self._verification.judge(contract, rule)
        node.stash[_RESULT] = result
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report = yield
        if report.when == "call" and _RESULT in item.stash:
            setattr(report, _FIELD, dataclasses.asdict(item.stash[_RESULT]))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, _FIELD, None)
        if found is not None:
            self._results[found["contract"], found["rule"]] = _read_result(found)

    def pytest_keyboard_interrupt(self) -> None:
        self._failure = "interrupted"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._gather(self._verification_output())
        self._verification.close()
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            worker[_FIELD] = self._verification_output()
            return
        if session.config.option.collectonly:
            return
        outcome = self._conclude()
        session.config.stash[OUTCOME] = outcome
        session.exitstatus = _exit_status(outcome, session)
        if self.options.report is not None:
            write_reports(outcome, self.options.report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._gather(getattr(node, "workeroutput", {}).get(_FIELD, {}))

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        if OUTCOME not in config.stash:
            return
        terminalreporter.section("retry-contract")
        for line in closing_lines(config.stash[OUTCOME]):
            terminalreporter.write_line(line)

    def _verification_output(self) -> dict[str, Any]:
        traffic = self._verification.traffic()
        return {
            "requests": traffic.requests,
            "replies": dict(traffic.replies),
            "drift": self._verification.drift(),
            "failure": self._verification.failure(),
        }

    def _gather(self, output: dict[str, Any]) -> None:
        self._traffic += Traffic(output.get("requests", 0), output.get("replies", {}))
        self._failure = self._failure or output.get("failure")
        for contract, pairs in output.get("drift", {}).items():
            found = self._drift.setdefault(contract, {})
            found |= dict.fromkeys(Drift(pointer, message) for pointer, message in pairs)

    def _conclude(self) -> Outcome:
        contracts = tuple(
            ContractResult(
                expectation.contract.name,
                tuple(self._results_of(expectation.contract.name)),
                tuple(self._drift.get(expectation.contract.name, ())),
            )
            for expectation in self.options.expectations
        )
        verdict, reason = conclude(
            contracts,
            essential=ESSENTIAL,
            failure=self._failure,
            strict=self.options.strict,
        )
        return Outcome(
            verdict,
            self.options.endpoint,
            reason,
            contracts,
            self._traffic,
            round(time.perf_counter() - self._started, 3),
            versions=versions(),
        )

    def _results_of(self, contract: str) -> Iterable[RuleResult]:
        reason = "interrupted" if self._failure == "interrupted" else "not selected"
        for rule in RULES:
            missing = RuleResult(rule, contract, RuleState.NOT_EXERCISED, reason=reason)
            yield self._results.get((contract, rule), missing)


def _read_result(found: dict[str, Any]) -> RuleResult:
    violations = tuple(Violation(**violation) for violation in found["violations"])
    return RuleResult(**{**found, "violations": violations, "state": RuleState(found["state"])})


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
