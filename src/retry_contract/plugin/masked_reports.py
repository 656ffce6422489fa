"""Takes out of tests' reports what a traceback or captured output may have quoted.

Twice: before another plugin reads a report or an error, and after it has added to the report.
"""

from collections.abc import Generator
from typing import Any

import pytest
from _pytest._io.saferepr import saferepr
from _pytest.outcomes import OutcomeException

from retry_contract.plugin import failures
from retry_contract.privacy.scrubber import Scrubber

Report = Any
Call = pytest.CallInfo[None]


def register(config: pytest.Config, scrubber: Scrubber) -> None:
    """Have what a scrubber knows masked in every report of a session."""
    config.pluginmanager.register(_First(scrubber), "retry-contract-masked-first")
    config.pluginmanager.register(_Last(scrubber), "retry-contract-masked-last")


class _First:
    """Masks within the wrappers of all other plugins, which read the error itself too."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, call: Call) -> Generator[None, Report, Report]:
        report = yield
        _mask_report(report, call, self._scrubber)
        if call.excinfo is not None and not isinstance(call.excinfo.value, failures.Failed):
            call.excinfo = _masked(call.excinfo, self._scrubber)
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except Exception as error:
            _mask_error(error, self._scrubber)
            raise


class _Last:
    """Masks outside the wrappers of all other plugins."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: Call) -> Generator[None, Report, Report]:
        report = yield
        _mask_report(report, call, self._scrubber)
        return report


def _mask_report(report: Report, call: Call, scrubber: Scrubber) -> None:
    """Mask the text and the captured output of a report; a broken rule's has nothing to mask."""
    text = str(report.longrepr) if report.longrepr is not None else ""
    shown = scrubber.scrub(text)
    if call.excinfo is not None and isinstance(call.excinfo.value, failures.Failed):
        failures.mark(report)
        shown = str(call.excinfo.value)  # its case is to be replayed as it is
    if isinstance(report.longrepr, tuple):  # of a test that is skipped: file, line and reason
        *place, reason = report.longrepr
        report.longrepr = (*place, scrubber.scrub(reason))
    elif shown != text:
        report.longrepr = shown
    report.sections = [(name, scrubber.scrub(part)) for name, part in report.sections]


def _masked(
    found: pytest.ExceptionInfo[BaseException], scrubber: Scrubber
) -> pytest.ExceptionInfo[BaseException]:
    """Return an error with its texts masked, as another one if it shows more than those."""
    _mask_error(found.value, scrubber)
    text = found.exconly()
    shown = scrubber.scrub(text)
    if shown == text:
        return pytest.ExceptionInfo.from_exc_info((found.type, found.value, found.tb))
    failure = pytest.fail.Exception(shown, pytrace=False)
    return pytest.ExceptionInfo.from_exc_info((type(failure), failure, found.tb))


def _mask_error(error: BaseException, scrubber: Scrubber) -> None:
    error.args = tuple(_masked_argument(argument, scrubber) for argument in error.args)
    if isinstance(error, OutcomeException):
        error.msg = error.msg and scrubber.scrub(str(error.msg))


def _masked_argument(argument: object, scrubber: Scrubber) -> object:
    """Return an argument of an error, as a text if it holds something to mask."""
    if isinstance(argument, str):
        return scrubber.scrub(argument)
    text = saferepr(argument, maxsize=None)
    shown = scrubber.scrub(text)
    return argument if shown == text else shown
