"""The script of action.yml: what it reads, what it refuses, and what it hands on."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".github" / "action" / "run.py"
FAKE = """
import json, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
told = {"words": sys.argv[1:], "path": os.environ["PATH"], "keys": sorted(os.environ)}
print(json.dumps(told), flush=True)
if "--killed" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
if "--waiting" in sys.argv:
    signal.alarm(30)  # ends it if the signal does not come
    signal.pause()
sys.exit(int(sys.argv[-1]) if sys.argv[-1].isdigit() else 0)
"""
"""Stands for the kit: it prints what it was given, and exits with its last word."""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("action_script", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["action_script"] = module  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


ACTION = load()


def given(**inputs: str) -> dict[str, str]:
    names = {"command": "verify", "args": "", "report": "", "not_tested": "fail", **inputs}
    return {f"ACTION_{name.upper()}": value for name, value in names.items()}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("", ()),
        ("--fuzz 0\n  --strict", ("--fuzz", "0", "--strict")),
        ("--exec 'node reader.mjs'", ("--exec", "node reader.mjs")),
        ('--accept ""', ("--accept", "")),
        ("$(touch x) `y` ; $HOME *", ("$(touch", "x)", "`y`", ";", "$HOME", "*")),
        ("-- -k key --help", ("--", "-k", "key", "--help")),
    ],
)
def test_args_are_split_as_a_shell_would_and_nothing_is_expanded(
    args: str, words: tuple[str, ...]
) -> None:
    assert ACTION.read_inputs(given(args=args)).words == ("verify", *words)


def test_report_stands_before_what_is_handed_to_pytest() -> None:
    inputs = ACTION.read_inputs(given(args="--fuzz 0 -- -k key", report=" out "))
    assert inputs.words == ("verify", "--report", "out", "--fuzz", "0", "--", "-k", "key")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"command": ""}, "command: give the name of a subcommand"),
        ({"command": "--version"}, "command: give the name of a subcommand"),
        ({"command": "verify; ls"}, "command: give the name of a subcommand"),
        ({"not_tested": "ignore"}, "not-tested: give fail or warn"),
        ({"report": "a\nexit-code=0"}, "report: the folder's name has a line break"),
        ({"args": "--on '2025"}, "args: a quotation mark is not closed"),
        ({"args": "--help"}, "args: --help and --version check nothing"),
        ({"args": "-h"}, "args: --help and --version check nothing"),
        ({"args": "--fuzz 0 -vh"}, "args: --help and --version check nothing"),
        ({"args": "--version"}, "args: --help and --version check nothing"),
        ({"args": "--report b", "report": "a"}, "args: --report is there, and input report too"),
        ({"args": "--report=b", "report": "a"}, "args: --report is there, and input report too"),
    ],
)
def test_input_that_cannot_be_used_is_refused(inputs: dict[str, str], said: str) -> None:
    with pytest.raises(ACTION.UsageError) as raised:
        ACTION.read_inputs(given(**inputs))
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("verify", ["kept", "broken", "usage error", "not tested", "not tested", "not tested"]),
        ("consumer", ["ready", "not ready", "usage error", "not tested", "not tested"]),
        ("timeline", ["", "broken", "usage error", "not tested"]),
    ],
)
def test_every_exit_code_has_an_outcome_and_only_0_is_a_green(
    command: str, names: list[str]
) -> None:
    codes = [0, 1, 2, 3, 137, -9][: len(names)]
    assert [ACTION.outcome_name(command, code) for code in codes] == names


def test_oldest_python_that_says_what_is_missing_reads_the_script() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_python_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ACTION, "OLDEST_PYTHON", (9, 9))
    with pytest.raises(ACTION.UsageError, match=r"^python: the kit needs Python 3\.11 or later"):
        ACTION.prepare(given())


def test_environment_belongs_to_the_content_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ACTION, "CHECKOUT", tmp_path)
    file = tmp_path / "src" / "module.py"
    file.parent.mkdir()
    folders = set()
    for text in ("a", "b", "a"):
        file.write_text(text, encoding="utf-8")
        (tmp_path / "pyproject.toml").touch()
        (tmp_path / "README.md").touch()
        folders.add(ACTION.environment_folder(tmp_path))
    assert len(folders) == 2


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment in which the kit is there already, and inputs that lead to it."""
    folder = ACTION.environment_folder(tmp_path)
    venv.create(folder, symlinks=os.name != "nt")
    (packages,) = folder.glob("**/site-packages")
    (packages / "retry_contract.py").write_text(FAKE, encoding="utf-8")
    (folder / "installed").touch()
    output = tmp_path / "output"
    named = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**clean, **named, **given()}


def run(environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", SCRIPT], cwd=cwd, env=environment, capture_output=True, text=True
    )


def outputs(environment: dict[str, str]) -> list[str]:
    return Path(environment["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("code", "not_tested", "exit_code", "outcome"),
    [
        (0, "fail", 0, "kept"),
        (1, "warn", 1, "broken"),
        (2, "warn", 2, "usage error"),
        (3, "fail", 3, "not tested"),
        (3, "warn", 0, "not tested"),
        (130, "warn", 130, "not tested"),
    ],
)
def test_exit_code_is_handed_on_but_for_a_warning(
    code: int,
    not_tested: str,
    exit_code: int,
    outcome: str,
    installed: dict[str, str],
    tmp_path: Path,
) -> None:
    environment = {**installed, **given(args=str(code), not_tested=not_tested)}
    done = run(environment, tmp_path)
    assert done.returncode == exit_code, done.stderr
    assert ("\n::warning title=retry-contract::" in done.stdout) is (code != exit_code)
    assert outputs(environment) == [f"outcome={outcome}", f"exit-code={code}", "report="]


def test_command_finds_the_folder_and_the_users_own_programs_first(
    installed: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "retry_contract.py").write_text("raise SystemExit(9)", encoding="utf-8")
    done = run({**installed, **given(report="out")}, tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["words"] == ["verify", "--report", "out"]
    assert told["path"].startswith(f"{installed['PATH']}{os.pathsep}")
    assert not [name for name in told["keys"] if name.startswith("ACTION_")]
    assert outputs(installed)[-1] == "report=out"


def test_refusal_is_an_annotation_and_has_outputs(
    installed: dict[str, str], tmp_path: Path
) -> None:
    done = run({**installed, **given(not_tested="100%\nno")}, tmp_path)
    assert (done.returncode, done.stdout) == (
        2,
        "::error title=retry-contract::not-tested: give fail or warn\n",
    )
    assert outputs(installed) == ["outcome=usage error", "exit-code=2", "report="]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_command_that_is_killed_is_not_tested(installed: dict[str, str], tmp_path: Path) -> None:
    done = run({**installed, **given(args="--killed")}, tmp_path)
    assert done.returncode == 128 + signal.SIGKILL
    assert outputs(installed)[:2] == ["outcome=not tested", "exit-code=137"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_signal_reaches_the_command(installed: dict[str, str], tmp_path: Path) -> None:
    environment = {**installed, **given(args="--waiting")}
    words = [sys.executable, "-I", str(SCRIPT)]
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as action:
        assert action.stdout
        action.stdout.readline()
        action.terminate()
        assert action.wait(60) == 3
    assert outputs(installed)[:2] == ["outcome=not tested", "exit-code=3"]
