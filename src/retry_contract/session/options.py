"""What a run may be asked to do: one table of options, for the command line and for pytest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from retry_contract.contract.catalogue import Catalogue
from retry_contract.contract.expectation import Expectation, in_force, named
from retry_contract.contract.timeline import InvalidInstant
from retry_contract.outcome import Unusable

MOCK = "mock"
CHOICES = ("auto", "all")


@dataclass(frozen=True)
class Option:
    """One option. `kind` is how often it may come, and whether it takes a value."""

    name: str
    help: str
    metavar: str = ""
    kind: Literal["value", "list", "flag"] = "value"
    variable: str | None = None

    @property
    def pytest_name(self) -> str:
        """The option's name under pytest."""
        return "--contract-" + {"contract": "version"}.get(self.name, self.name)

    @property
    def destination(self) -> str:
        """The name under which pytest keeps the value."""
        return "retry_contract_" + self.name.replace("-", "_")


OPTIONS = (
    Option(
        "endpoint",
        "what to test: mock, the built-in model (default)",
        "mock",
        variable="RETRY_CONTRACT_ENDPOINT",
    ),
    Option(
        "contract",
        "the contract to hold it to: before, after, auto (the one in force), all (default)",
        "NAME",
    ),
    Option("on", "for auto: a date, or an instant with an offset; alone it means auto", "INSTANT"),
    Option("ignore", "leave a rule out, visibly; repeatable", "RULE", "list"),
    Option("strict", "drift is a failure too", kind="flag"),
    Option("report", "write report.json, summary.md and junit.xml there", "DIR"),
)


@dataclass(frozen=True)
class Options:
    """The options of one run, checked."""

    endpoint: str
    expectations: tuple[Expectation, ...]
    ignored: frozenset[str]
    strict: bool
    report: Path | None


def read_options(
    given: Mapping[str, Any],
    *,
    catalogue: Catalogue,
    rules: frozenset[str],
    environment: Mapping[str, str] = os.environ,
) -> Options:
    """Check the options of a run, by name. Raises Unusable, saying what to do instead."""
    values = {option.name: _value(option, given, environment) for option in OPTIONS}
    endpoint = MOCK if values["endpoint"] is None else str(values["endpoint"])
    if endpoint != MOCK:
        raise Unusable(_endpoint_problem(endpoint))
    ignored = frozenset(values["ignore"] or ())
    for rule in sorted(ignored - rules):
        raise Unusable(f"--ignore {rule}: no such rule; see: retry-contract rules")
    return Options(
        endpoint=endpoint,
        expectations=expectations(catalogue, values["contract"], values["on"], default="all"),
        ignored=ignored,
        strict=bool(values["strict"]),
        report=_report(values["report"]),
    )


def expectations(
    catalogue: Catalogue, contract: str | None, on: str | None, *, default: str
) -> tuple[Expectation, ...]:
    """Return what is expected by the options --contract and --on. Raises Unusable."""
    choice = ("auto" if on is not None else default) if contract is None else contract
    if on is not None and choice != "auto":
        raise Unusable(f"--on goes with --contract auto, not with --contract {choice}")
    try:
        if choice == "auto":
            return (in_force(catalogue, datetime.now(UTC) if on is None else on),)
        names = list(catalogue) if choice == default else [choice]
        return tuple(named(catalogue, name) for name in names)
    except InvalidInstant as error:
        raise Unusable(f"--on: {error}") from None
    except KeyError:
        known = ", ".join([*(c.period.alias for c in catalogue.values()), "auto", default])
        raise Unusable(f"--contract {choice}: no such contract; use one of {known}") from None


def _value(option: Option, given: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    value = given.get(option.name)
    if value is None and option.variable is not None:
        return environment.get(option.variable)
    return value


def _endpoint_problem(endpoint: str) -> str:
    if not endpoint.strip():
        return "the endpoint is empty: give --endpoint mock, or unset RETRY_CONTRACT_ENDPOINT"
    return f"--endpoint {endpoint}: this version tests the built-in model only; give mock"


def _report(folder: str | None) -> Path | None:
    if folder is None:
        return None
    if not folder.strip():
        raise Unusable("--report: the folder's name is empty; leave the option out for no report")
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"--report {folder}: {error.strerror or error}") from None
    return path
