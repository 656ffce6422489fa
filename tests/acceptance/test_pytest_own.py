"""Sessions of plain pytest that are about something else than the contract, or also about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.sessions import KEPT, PLUGIN, Asked, Session, ask, side_by_side

pytestmark = pytest.mark.slow

FILES = {
    "kept": "def test_sum():\n    assert 1 + 1 == 2\n",
    "broken": "def test_sum():\n    assert 1 + 1 == 3\n",
    "trapped": "def test_own(contract_rule):\n    contract_rule.require_kept()\n",
}


def _sessions(folder: Path) -> dict[str, Asked]:
    for name, text in FILES.items():
        (folder / name).mkdir()
        (folder / name / "test_own.py").write_text(text, encoding="utf-8")
    kept = folder / "kept"
    empty = {"RETRY_CONTRACT_ENDPOINT": ""}
    return {
        "own": Asked(PLUGIN, cwd=kept),
        "own, empty endpoint": Asked(PLUGIN, cwd=kept, variables=empty),
        "own, unusable option": Asked((*PLUGIN, "--contract-version=later"), cwd=kept),
        "own fixture": Asked(PLUGIN, cwd=folder / "trapped"),
        "failing": ask(str(folder / "broken")),
        "deselected": ask(str(kept), "-k", "test_sum"),
        "help": Asked((*PLUGIN, "--help"), cwd=kept),
    }


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Session]]:
    """The sessions that the tests look at, by name."""
    asked = _sessions(tmp_path_factory.mktemp("own"))
    with side_by_side(asked, lambda: tmp_path_factory.mktemp("session")) as found:
        yield found


@pytest.mark.parametrize("name", ["own", "own, empty endpoint"])
def test_session_without_contract_tests_is_left_alone(
    session: Callable[[str], Session], name: str
) -> None:
    done = session(name)
    assert done.verdicts == {"test_sum": "passed"}
    assert done.exit_code == 0
    lines = [line for line in done.output.splitlines() if not line.startswith("plugins: ")]
    assert "retry-contract" not in "".join(lines)


def test_option_is_checked_even_if_no_contract_test_is_run(
    session: Callable[[str], Session],
) -> None:
    done = session("own, unusable option")
    assert done.exit_code == 4
    assert "--contract later: no such contract" in done.errors


def test_failure_of_a_test_of_the_users_own_stays_a_failure(
    session: Callable[[str], Session],
) -> None:
    done = session("failing")
    assert done.exit_code == 1
    assert done.named("failed") == {"test_sum"}
    assert done.closing[-1] == KEPT


def test_session_whose_contract_tests_are_all_deselected_is_left_alone(
    session: Callable[[str], Session],
) -> None:
    done = session("deselected")
    assert done.verdicts == {"test_sum": "passed"}
    assert done.exit_code == 0
    assert done.closing == []


def test_fixture_is_no_trap_for_a_test_without_its_section(
    session: Callable[[str], Session],
) -> None:
    done = session("own fixture")
    assert done.verdicts == {"test_own": "error"}
    assert done.exit_code == 1


def test_options_are_in_the_help(session: Callable[[str], Session]) -> None:
    names = ("endpoint", "version", "on", "ignore", "strict", "report", "fuzz", "seed")
    for name in names:
        assert re.search(rf"^  --contract-{name}\b", session("help").output, re.MULTILINE)
