"""The pytest plugin: options, one test a rule and contract, and fixtures for the user's own tests.

What a fixture or a hook needs is imported inside it: pytest loads this in every session.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from retry_contract.outcome import RuleResult
    from retry_contract.plugin.cases import Case
    from retry_contract.plugin.services import RetryService
    from retry_contract.plugin.session import ContractSession

_SECTION = "contract_section"
_DESTINATION = "retry_contract_"
_CASE = "_retry_case"
_PAYLOAD = "retry_payload"
_USAGE_ERROR = pytest.StashKey[pytest.UsageError]()
_FROM_WORKER = "retry_contract_usage_error"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `verify`, with `--contract-` before their names."""
    from retry_contract.verification.option_table import OPTIONS

    group = parser.getgroup("retry-contract", "contract tests of the retry endpoint")
    for option in OPTIONS:
        keywords: dict[str, Any] = {"dest": option.destination, "help": option.help}
        if option.kind == "flag":
            keywords |= {"action": "store_true", "default": None}
        else:
            keywords |= {"metavar": option.metavar, "default": None}
            keywords |= {"action": "append"} if option.kind == "list" else {}
        group.addoption(option.pytest_name, **keywords)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare `pytest_retry_contract_state`."""
    from retry_contract.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and check the options if any was given."""
    config.addinivalue_line("markers", f"{_SECTION}(name): the rules of one section of the page")
    config.addinivalue_line(
        "markers",
        "retry_contract(name, ...): the contracts, before or after, that retry_mock, retry_sandbox "
        "and retry_payload take; without it a test runs once for each",
    )
    given = vars(config.option).items()
    if any(name.startswith(_DESTINATION) and value is not None for name, value in given):
        from retry_contract.plugin.session import session_of

        session_of(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each rule and contract, or of each contract or example that it takes."""
    marker = metafunc.definition.get_closest_marker(_SECTION)
    try:
        if marker is not None and "contract_rule" in metafunc.fixturenames:
            _for_each_rule(metafunc, marker.args[0])
        if _CASE in metafunc.fixturenames:
            _for_each_case(metafunc)
    except pytest.UsageError as error:
        # Raised again after collection: here it would be one collection error a file.
        metafunc.config.stash.setdefault(_USAGE_ERROR, error)


def _for_each_rule(metafunc: pytest.Metafunc, section: Any) -> None:
    from retry_contract.plugin.session import session_of

    pairs = session_of(metafunc.config).pairs(section)
    ids = [f"{contract}-{rule}" for contract, rule in pairs]
    metafunc.parametrize("contract_rule", pairs, ids=ids, indirect=True)


def _for_each_case(metafunc: pytest.Metafunc) -> None:
    from retry_contract.plugin.cases import cases_of

    cases = cases_of(metafunc.definition, payloads=_PAYLOAD in metafunc.fixturenames)
    metafunc.parametrize(_CASE, cases, ids=str, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the session as a usage error if its tests cannot be run as asked."""
    if _USAGE_ERROR not in config.stash:
        return
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is None:
        raise config.stash[_USAGE_ERROR]
    # A usage error of one of xdist's workers would be lost: its controller tells it.
    output[_FROM_WORKER] = str(config.stash[_USAGE_ERROR])
    items.clear()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what one of xdist's workers found."""
    usage_error = getattr(node, "workeroutput", {}).get(_FROM_WORKER)
    if usage_error is not None:
        raise pytest.UsageError(usage_error)
    from retry_contract.plugin.session import gather_from

    gather_from(node)


class ContractRule:
    """One rule and one contract, for a test to ask about."""

    def __init__(self, session: ContractSession, pair: tuple[str, str]) -> None:
        self._session = session
        self._pair = pair

    def require_kept(self) -> None:
        """Pass if the rule is kept, fail if it is broken, and skip if it was not exercised."""
        __tracebackhide__ = True
        result = self._session.check(*self._pair)
        if result.violations:
            pytest.fail(_explain(result), pytrace=False)
        if result.reason is not None:
            pytest.skip(f"{result.state}: {result.reason}")


@pytest.fixture
def contract_rule(request: pytest.FixtureRequest) -> ContractRule:
    """The rule and the contract that this test is about."""
    from retry_contract.plugin.session import session_of

    return ContractRule(session_of(request.config), request.param)


@pytest.fixture
def _retry_case(request: pytest.FixtureRequest) -> Case:
    from retry_contract.plugin.cases import case_of

    return case_of(request)


@pytest.fixture
def retry_mock(_retry_case: Case) -> Iterator[RetryService]:
    """The documented service behind respx, for code that uses httpx.

    While the test runs, a request of httpx to anything else fails, and reaches no network.
    """
    from retry_contract.plugin.services import mocked

    with mocked(_retry_case.contract) as service:
        yield service


@pytest.fixture
def retry_sandbox(_retry_case: Case) -> Iterator[RetryService]:
    """The documented service over real HTTP on loopback, for any client: the extra `sandbox`."""
    from retry_contract.plugin.services import served

    with served(_retry_case.contract) as service:
        yield service


@pytest.fixture
def retry_payload(_retry_case: Case) -> dict[str, Any]:
    """The payload of an accepted retry; the test runs once for each example of the contract."""
    from retry_contract.plugin.cases import payload_of

    return payload_of(_retry_case)


def _explain(result: RuleResult) -> str:
    from retry_contract.report.text import violation_lines

    return "\n".join(violation_lines(result))
