"""Every variable that a library reads, set to do harm: none is seen, and nothing is left."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.bounded import Bounded, run_bounded
from support.library_variables import library_variables
from support.sessions import ask, run_session

from retry_contract.environment import is_kept

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
VALID = next((ROOT / "schemas" / "after-2025-02-24" / "examples" / "valid").iterdir())
TRAP = "trap"
"""The value of each variable: a module that can be imported, or a file or folder of this name."""

SPRUNG = """
import os
open(os.path.join(os.path.dirname(__file__), "sprung"), "w").close()
"""
# Loaded by Python before all else: what is imported, opened and started, and what is seen then.
AUDIT = """
import atexit, ctypes, json, os, sys
names, TRAP = json.loads(os.environ["RETRY_CONTRACT_TRAPS"]), "trap"
found = {"seen": {}, "written": [], "started": [], "imported": []}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND

def audit(event, arguments):
    if event == "import" and arguments[0].partition(".")[0] in LIBRARIES:
        found["imported"].append(arguments[0])
        for name in names:
            if os.environ.get(name) == TRAP:
                found["seen"].setdefault(name, arguments[0])
    elif event == "open" and arguments[2] & WRITING and isinstance(arguments[0], (str, bytes)):
        found["written"].append(os.fsdecode(arguments[0]))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        found["started"].append(str(arguments[0]))

def report():
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    left = [n for n in names if TRAP in (os.environ.get(n), (getenv(n.encode()) or b"").decode())]
    document = json.dumps({**found, "left": left})
    with open(os.environ["RETRY_CONTRACT_AUDIT"], "w") as stream:
        stream.write(document)

LIBRARIES = {
    "_pytest", "pytest", "hypothesis", "schemathesis", "httpx", "httpcore", "respx", "jsonschema",
    "referencing", "ssl", "_ssl", "_hashlib", "certifi", "httptools", "asyncio", "xdist",
}
atexit.register(report)
sys.addaudithook(audit)
"""


@dataclass(frozen=True)
class Trapped:
    """A run, what was audited of it, and the files that it left."""

    done: Bounded
    audited: dict[str, Any]
    left: set[str]


Run = Callable[..., Trapped]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    folders = {name: tmp_path / name for name in ("modules", "home", "cwd", "tmp")}
    for folder in folders.values():
        folder.mkdir()
    (folders["modules"] / f"{TRAP}.py").write_text(SPRUNG, encoding="utf-8")
    (folders["modules"] / "sitecustomize.py").write_text(AUDIT, encoding="utf-8")
    traps = sorted(name for name in library_variables() if not is_kept(name))
    environment = {
        **dict.fromkeys(traps, TRAP),
        "PYTHONPATH": str(folders["modules"]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RETRY_CONTRACT_TRAPS": json.dumps(traps),
        "RETRY_CONTRACT_AUDIT": str(tmp_path / "audit.json"),
        **{"HOME": str(folders["home"]), "XDG_CACHE_HOME": "", "TMPDIR": str(folders["tmp"])},
    }

    def start(*words: str) -> Trapped:
        done = run_bounded(words, env=environment, cwd=folders["cwd"], seconds=120)
        audited = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
        files = (f for name in folders for f in folders[name].rglob("*") if f.is_file())
        left = {file.relative_to(tmp_path).as_posix() for file in files}
        return Trapped(done, audited, left - {f"modules/{TRAP}.py", "modules/sitecustomize.py"})

    return start


def check(trapped: Trapped, *libraries: str, own: str = "") -> None:
    """Check that nothing was seen, run or left, but for the folder that is the kit's own."""
    assert (trapped.done.returncode, trapped.done.stderr) == (0, "")
    assert set(libraries) <= set(trapped.audited["imported"])
    assert (trapped.audited["seen"], trapped.audited["left"]) == ({}, [])
    assert {file for file in trapped.left if not own or not file.startswith(own)} == set()


def test_enough_variables_are_known() -> None:
    names = library_variables()
    assert {"SCHEMATHESIS_HOOKS", "PYTEST_ADDOPTS", "HYPOTHESIS_STORAGE_DIRECTORY"} <= names
    assert len({name for name in names if not is_kept(name)}) > 60


def test_verify_sees_none(run: Run) -> None:
    trapped = run("verify", "--fuzz", "5", "--seed", "1")
    check(trapped, "pytest", "schemathesis", "hypothesis", "ssl", own="home/.cache/retry-contract/")
    # Started by ctypes for trio, which httpcore imports where it is installed.
    assert set(trapped.audited["started"]) <= {"/sbin/ldconfig"}


def test_validate_sees_none(run: Run) -> None:
    trapped = run("validate", "--contract", "after", str(VALID))
    check(trapped, "jsonschema")
    assert (trapped.audited["started"], trapped.audited["written"]) == ([], [])


def test_sandbox_sees_none_and_its_command_all(run: Run) -> None:
    code = f"import os; print(sum(value == '{TRAP}' for value in os.environ.values()))"
    trapped = run("sandbox", "--port", "0", "--run", f'"{sys.executable}" -I -c "{code}"')
    check(trapped, "httptools", "asyncio")
    traps = [name for name in library_variables() if not is_kept(name)]
    merged = {"NO_PROXY", "no_proxy"} & set(traps)  # the sandbox adds itself to them
    assert int(trapped.done.stdout) == len(traps) - len(merged)


@pytest.mark.parametrize("words", ["rules", "schema either", "explain values-kept"])
def test_reference_sees_none(words: str, run: Run) -> None:
    check(run(*words.split()))


def test_workers_of_xdist_see_none(run: Run) -> None:
    words = ("--", "-p", "xdist", "-n", "2", "-q", "-k", "message-id-kept")
    trapped = run("verify", "--fuzz", "0", *words)
    assert trapped.done.returncode == 0, trapped.done.stderr
    assert trapped.left == set()


def test_user_without_a_home_gets_no_folder(tmp_path: Path) -> None:
    gone, temporary = tmp_path / "gone", tmp_path / "tmp"
    temporary.mkdir()
    places = {"HOME": str(gone), "XDG_CACHE_HOME": "", "TMPDIR": str(temporary)}
    done = run_bounded(["verify", "--fuzz", "3", "--seed", "1"], env=places, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


def test_hook_of_states_finds_the_whole_environment(tmp_path: Path) -> None:
    source = """
        import os
        imported = os.environ["DATABASE_URL"]
        def pytest_retry_contract_state(state):
            raise ValueError(f"{imported} {os.environ['DATABASE_URL']}")
    """
    lines = [line.removeprefix("        ") for line in source.splitlines()]
    (tmp_path / "states.py").write_text("\n".join(lines), encoding="utf-8")
    inner = f'"{sys.executable}" -m retry_contract verify --fuzz 0 --states states.py'
    words = ["sandbox", "--port", "0", "--run", inner]
    done = run_bounded(words, env={"DATABASE_URL": "postgres"}, cwd=tmp_path)
    assert "raised ValueError: postgres postgres" in done.stdout


def test_process_of_a_consumer_finds_the_whole_environment(tmp_path: Path) -> None:
    source = "import os\ndef read(response): return os.environ['DATABASE_URL'] and response['id']\n"
    (tmp_path / "own_reader.py").write_text(source, encoding="utf-8")
    found = {"DATABASE_URL": "postgres"}
    done = run_bounded(["consumer", "own_reader:read"], env=found, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_caller_of_the_command_line_is_isolated_too(
    here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k no_such_rule")
    assert here("verify", "--fuzz", "0").returncode == 0


def test_under_pytest_the_kit_loads_no_hooks_of_schemathesis(tmp_path: Path) -> None:
    (tmp_path / f"{TRAP}.py").write_text(SPRUNG, encoding="utf-8")
    chosen = "generated-requests or message-id-kept"
    asked = ask("-k", chosen, fuzz=3, variables={"SCHEMATHESIS_HOOKS": TRAP})
    session = run_session(tmp_path, asked)
    assert (session.exit_code, (tmp_path / "sprung").exists()) == (0, False)
