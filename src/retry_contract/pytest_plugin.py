"""The pytest plugin: options, one test a rule and contract, and the outcome of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from retry_contract.outcome import RuleResult
    from retry_contract.pytest_session import ContractSession

_SECTION = "contract_section"
_DESTINATION = "retry_contract_"
_UNUSABLE = pytest.StashKey[pytest.UsageError]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `verify`, with `--contract-` before their names."""
    from retry_contract.session.option_table import OPTIONS

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
    from retry_contract import pytest_hooks

    pluginmanager.add_hookspecs(pytest_hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and check the options if any was given."""
    config.addinivalue_line("markers", f"{_SECTION}(name): the rules of one section of the page")
    given = vars(config.option).items()
    if any(name.startswith(_DESTINATION) and value is not None for name, value in given):
        from retry_contract.pytest_session import session_of

        session_of(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each rule of the section and each contract."""
    marker = metafunc.definition.get_closest_marker(_SECTION)
    if marker is None or "contract_rule" not in metafunc.fixturenames:
        return
    from retry_contract.pytest_session import session_of

    try:
        pairs = session_of(metafunc.config).pairs(marker.args[0])
    except pytest.UsageError as error:
        # Raised again after collection: here it would be one collection error a file.
        metafunc.config.stash[_UNUSABLE] = error
        pairs = []
    ids = [f"{contract}-{rule}" for contract, rule in pairs]
    metafunc.parametrize("contract_rule", pairs, ids=ids, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the session as a usage error if its contract tests cannot be run as asked."""
    if _UNUSABLE not in config.stash:
        return
    from retry_contract.pytest_workers import leave_to_controller

    if not leave_to_controller(config):
        raise config.stash[_UNUSABLE]
    items.clear()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what one of xdist's workers found."""
    from retry_contract.pytest_session import gather_from

    gather_from(node)


class ContractRule:
    """One rule and one contract, for a test to ask about."""

    def __init__(self, session: ContractSession, pair: tuple[str, str]) -> None:
        self._session = session
        self._pair = pair

    def require_kept(self) -> None:
        """Pass if the rule is kept, fail if it is broken, and skip if it was not exercised."""
        __tracebackhide__ = True
        result = self._session.judge(*self._pair)
        if result.violations:
            pytest.fail(_explain(result), pytrace=False)
        if result.reason is not None:
            pytest.skip(f"{result.state}: {result.reason}")


@pytest.fixture
def contract_rule(request: pytest.FixtureRequest) -> ContractRule:
    """The rule and the contract that this test is about."""
    from retry_contract.pytest_session import session_of

    return ContractRule(session_of(request.config), request.param)


def _explain(result: RuleResult) -> str:
    from retry_contract.report.text import violation_lines

    return "\n".join(violation_lines(result))
