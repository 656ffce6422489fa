"""Sessions of plain pytest that are about something else than the contract, or also about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.sessions import KEPT, PLUGIN, Asked, Session, ask, side_by_side

pytestmark = pytest.mark.slow

NOWHERE = {
    "RETRY_CONTRACT_ENDPOINT": "http://127.0.0.1:9/api/v2",
    "RETRY_CONTRACT_CAMPAIGN": "campaign_1",
    "RETRY_CONTRACT_MESSAGES": "message_1",
    "POSTMAN_API_KEY": "key_test_1",
}
FILES = {
    "kept": "def test_sum():\n    assert 1 + 1 == 2\n",
    "broken": "def test_sum():\n    assert 1 + 1 == 3\n",
    "misused": "def test_own(accepted_retry):\n    accepted_retry.keeps('second-retry-refused')\n",
    "promise": """
def test_id_is_that_of_the_path(accepted_retry):
    exchange = accepted_retry.exchanges[0]
    assert exchange.response.status == 201
    assert exchange.response.payload["id"] == exchange.path.split("/")[-2]
    assert len(accepted_retry.exchanges) == 8
    assert accepted_retry.observations[0].before.response.payload["latestStatus"] == "failure"


def test_refusals_are_short(every_response):
    refused = [e.response for e in every_response.exchanges if e.response.status == 400]
    assert refused
    assert all(len(response.body) < 1000 for response in refused)
""",
    "marked": """
import pytest


@pytest.mark.retry_contract("after")
def test_own(second_retry):
    assert second_retry.contract == "after-2025-02-24"
    assert second_retry.exchanges[0].response.status == 400
    second_retry.keeps("second-retry-refused")
""",
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
        "own, bad option": Asked((*PLUGIN, "--contract-version=later"), cwd=kept),
        "misused": Asked(PLUGIN, cwd=folder / "misused"),
        "promise": Asked(PLUGIN, cwd=folder / "promise"),
        "promise, two workers": Asked((*PLUGIN, "-n", "2"), cwd=folder / "promise"),
        "promise, out of reach": Asked(PLUGIN, cwd=folder / "promise", variables=NOWHERE),
        "marked": Asked(PLUGIN, cwd=folder / "marked"),
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
    done = session("own, bad option")
    assert done.exit_code == 4
    assert "--contract-version later: no such contract" in done.errors


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


def test_rule_of_another_scenario_fails_and_names_the_fixture(
    session: Callable[[str], Session],
) -> None:
    done = session("misused")
    assert set(done.verdicts.values()) == {"failed"}
    assert "second-retry-refused looks at another scenario: use fixture second_retry" in (
        done.output
    )


@pytest.mark.parametrize("name", ["promise", "promise, two workers"])
def test_promise_of_the_users_own_is_held_for_each_contract(
    session: Callable[[str], Session], name: str
) -> None:
    done = session(name)
    assert done.exit_code == 0, done.output
    assert done.counts == {"passed": 4}
    assert done.closing == []


def test_promise_that_could_not_be_tried_is_not_tested(session: Callable[[str], Session]) -> None:
    done = session("promise, out of reach")
    assert set(done.verdicts.values()) == {"skipped"}
    assert done.exit_code == 3
    assert done.closing[-1].startswith("NOT TESTED: no response from http://127.0.0.1:9/api/v2")


def test_marker_names_the_contracts_of_a_promise(session: Callable[[str], Session]) -> None:
    done = session("marked")
    assert done.verdicts == {"test_own[after-2025-02-24]": "passed"}


def test_options_are_in_the_help(session: Callable[[str], Session]) -> None:
    names = ("endpoint", "version", "on", "ignore", "strict", "report", "fuzz", "seed")
    for name in names:
        assert re.search(rf"^  --contract-{name}\b", session("help").output, re.MULTILINE)
