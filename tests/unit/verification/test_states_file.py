"""The file or module that --states names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from retry_contract.outcome import UsageError
from retry_contract.verification.states_file import load_states

HOOK = "def pytest_retry_contract_state(any_name):\n    return f'message_{any_name}'\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    load_states.cache_clear()


@pytest.mark.parametrize("name", ["states_here.py", "./states_here.py", "states_here"])
def test_file_and_module_are_loaded(name: str, tmp_path: Path) -> None:
    (tmp_path / "states_here.py").write_text(HOOK, encoding="utf-8")
    assert load_states(name)("sent") == "message_sent"


def test_file_finds_what_lies_next_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "states_neighbour.py").write_text(HOOK, encoding="utf-8")
    (folder / "mine.py").write_text("from states_neighbour import *\n", encoding="utf-8")
    assert load_states("elsewhere/mine.py")("x") == "message_x"


def test_module_in_a_package_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "states_package").mkdir()
    (tmp_path / "states_package" / "own.py").write_text(HOOK, encoding="utf-8")
    assert load_states("states_package.own")("x") == "message_x"


def test_it_is_run_once(tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(f"print('run')\n{HOOK}", encoding="utf-8")
    assert load_states("counted.py") is load_states("counted.py")


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("gone.py", None, "there is no such file"),
        ("gone", None, "cannot be loaded: ModuleNotFoundError: No module named 'gone'; give a fi"),
        ("empty.py", "", "has no function pytest_retry_contract_state(state)"),
        ("value.py", "pytest_retry_contract_state = 1", "has no function pytest_retry_contract_st"),
        ("none.py", "def pytest_retry_contract_state(): ...", "write pytest_retry_contract_state("),
        ("two.py", "def pytest_retry_contract_state(a, b): ...", "write pytest_retry_contract_sta"),
        ("wrong.py", "x = 1\ny = nothing\n", "cannot be loaded: NameError: name 'nothing' is not"),
        ("syntax.py", "def (", "cannot be loaded: SyntaxError: invalid syntax"),
        ("exits.py", "raise SystemExit(3)", "cannot be loaded: SystemExit: 3: the code ends the"),
        ("needs.py", "import not_installed", "cannot be loaded: ModuleNotFoundError: No module n"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(
    name: str, source: str | None, said: str, tmp_path: Path
) -> None:
    if source is not None:
        (tmp_path / name).write_text(source, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_states(name)
    assert str(raised.value).startswith(f"--states {name}: {said}")
    assert "\n" not in str(raised.value)


def test_error_says_where(tmp_path: Path) -> None:
    (tmp_path / "wrong_here.py").write_text("x = 1\ny = nothing\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\(at wrong_here.py:2\)$"):
        load_states("wrong_here.py")
