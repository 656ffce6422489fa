"""`verify`: runs the contract tests in this process, without the user's pytest set-up."""

import argparse
import dataclasses
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from retry_contract import environment
from retry_contract.cli.output import paint, write_json, write_lines
from retry_contract.cli.runner import show_outcome
from retry_contract.cli.subcommand import Subcommand
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import Outcome, UsageError, Verdict
from retry_contract.verification.option_table import OPTIONS

_EXAMPLE = """\
exit: 0 kept, 1 broken, 2 usage error, 3 not tested
example: retry-contract verify --contract after --report reports"""
_OPTIONS = (
    *((f"--{option.name}", option.metavar, option.help, option.keywords) for option in OPTIONS),
    ("-v --verbose", "", "print the matrix of rules by contract too"),
    ("--json", "", "print the outcome as JSON"),
)
_LEFT_OUT = (
    *("cacheprovider", "doctest", "faulthandler", "pastebin", "stepwise", "unittest"),
    *("threadexception", "unraisableexception"),  # they collect garbage five times at the end
)


def run(options: argparse.Namespace) -> int:
    """Run the contract tests. Raises UsageError."""
    from retry_contract.verification.options import read_options

    given = {option.name: getattr(options, option.destination) for option in OPTIONS}
    read_options(given, catalogue=catalogue())
    outcome = _run_pytest(_pytest_arguments(given), options.extra)
    show_outcome(outcome, as_json=options.json)
    if options.json:
        from retry_contract.report.json_document import outcome_document

        write_json(outcome_document(outcome))
    else:
        from retry_contract.report import text

        red = partial(paint, verdict=Verdict.BROKEN)
        shows_table = options.verbose and text.is_tested(outcome)
        table = [*text.table_lines(outcome, red), ""] if shows_table else []
        *details, verdict = text.outcome_lines(outcome, red)
        write_lines([*table, *details, paint(verdict, outcome.verdict)])
    return outcome.verdict.exit_code


def _pytest_arguments(given: dict[str, Any]) -> list[str]:
    arguments = []
    for option in OPTIONS:
        value = given[option.name]
        if option.kind == "flag":
            arguments += [option.pytest_name] if value else []
        elif value is not None:
            items = value if option.kind == "list" else [value]
            arguments += [f"{option.pytest_name}={item}" for item in items]
    return arguments


def _run_pytest(arguments: list[str], extra: list[str]) -> Outcome:
    import pytest

    from retry_contract.cli.watcher import Watcher
    from retry_contract.contract.catalogue import shipped_folder
    from retry_contract.plugin.session import OUTCOME, UNEXPLAINED

    tests = shipped_folder("contract_tests/test_accepted.py")
    fixed = ["-c", str(Path(__file__).with_name("verify.ini")), f"--rootdir={tests}"]
    fixed += ["--noconftest", "--import-mode=importlib", "--assert=plain"]
    fixed += ["-p", "retry_contract.plugin"]  # by its name, so that xdist's workers find it
    fixed += [part for name in _LEFT_OUT for part in ("-p", f"no:{name}")]
    watcher = Watcher(quiet=not extra)
    # Standard output is for the outcome alone, whatever pytest or a plugin prints.
    quiet = redirect_stdout(sys.stderr)
    with environment.isolated(), pytest.MonkeyPatch.context() as patch, quiet:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        status = pytest.main([*fixed, *arguments, *extra, str(tests)], plugins=[watcher])
    outcome = watcher.config.stash.get(OUTCOME, None) if watcher.config else None
    if outcome is None and watcher.interrupted:
        raise KeyboardInterrupt
    if outcome is None:
        raise UsageError(f"no rule was checked: pytest ended with status {int(status)}, see above")
    if outcome.verdict is Verdict.KEPT and status != pytest.ExitCode.OK:
        return dataclasses.replace(outcome, verdict=Verdict.NOT_TESTED, reason=UNEXPLAINED)
    return outcome


COMMAND = Subcommand(
    *("verify", run, "run the contract tests against an endpoint", _EXAMPLE, _OPTIONS),
    "Run the contract tests against an endpoint. -- ARGS are handed to pytest.",
    "%(prog)s [OPTION ...] [-- ARGS]",
)
