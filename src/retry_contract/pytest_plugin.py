"""The pytest plugin: options, one test a rule and contract, and the outcome of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from retry_contract.outcome import RuleResult
    from retry_contract.pytest_session import ContractSession

_SECTION = "contract_section"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `verify`, with `--contract-` before their names."""
    from retry_contract.session.options import OPTIONS

    group = parser.getgroup("retry-contract", "contract tests of the retry endpoint")
    for option in OPTIONS:
        keywords: dict[str, Any] = {"dest": option.destination, "help": option.help}
        if option.kind == "flag":
            keywords |= {"action": "store_true", "default": None}
        else:
            keywords |= {"metavar": option.metavar, "default": None}
            keywords |= {"action": "append"} if option.kind == "list" else {}
        group.addoption(option.pytest_name, **keywords)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and check the options if any was given."""
    config.addinivalue_line("markers", f"{_SECTION}(name): the rules of one section of the page")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each rule of the section and each contract."""
    marker = metafunc.definition.get_closest_marker(_SECTION)
    if marker is None or "contract_rule" not in metafunc.fixturenames:
        return
    from retry_contract.pytest_session import session_of

    pairs = session_of(metafunc.config).pairs(marker.args[0])
    ids = [f"{contract}-{rule}" for contract, rule in pairs]
    metafunc.parametrize("contract_rule", pairs, ids=ids, indirect=True)


class ContractRule:
    """One rule and one contract, for a test to ask about."""

    def __init__(self, session: ContractSession, node: pytest.Item, pair: tuple[str, str]) -> None:
        self._session = session
        self._node = node
        self._pair = pair

    def require_kept(self) -> None:
        """Pass if the rule is kept, fail if it is broken, and skip if it was not exercised."""
        __tracebackhide__ = True
        result = self._session.judge(self._node, *self._pair)
        if result.violations:
            pytest.fail(_explain(result), pytrace=False)
        if result.reason is not None:
            pytest.skip(f"{result.state}: {result.reason}")


@pytest.fixture
def contract_rule(request: pytest.FixtureRequest) -> ContractRule:
    """The rule and the contract that this test is about."""
    from retry_contract.pytest_session import session_of

    return ContractRule(session_of(request.config), request.node, request.param)


def _explain(result: RuleResult) -> str:
    from retry_contract.report.text import violation_lines

    return "\n".join(violation_lines(result))
