"""The wheel, installed where there is no checkout, and the source archive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.tools import missing

from retry_contract._version import __version__

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]

ROOT = Path(__file__).parents[2]
KEPT = "KEPT by the built-in model of the page; no service was contacted."
UV = os.environ.get("UV") or shutil.which("uv")
SOURCES = {
    *(".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "conftest.py", "docs"),
    *("contract_tests", "pyproject.toml", "schemas", "src"),
}
"""What lies in the folder of the source archive."""
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def must(*words: str | Path) -> None:
    done = subprocess.run(words, env=clean(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def clean() -> dict[str, str]:
    """The environment without what would lead back to the checkout."""
    dropped = ("PYTEST", "PYTHON", "RETRY_CONTRACT_", "COV", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    if UV:
        must(UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT)
    else:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        must(*pip, "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    must(UV or missing("uv is not installed"), "build", "--quiet", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the scripts of a fresh environment into which the wheel is installed."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    scripts = environment / SCRIPTS
    if UV:
        must(UV, "venv", "--quiet", "--python", sys.executable, environment)
        must(UV, "pip", "install", "--quiet", "--python", scripts / "python", wheel)
    else:
        must(sys.executable, "-m", "venv", environment)
        must(scripts / "python", "-m", "pip", "install", "--quiet", wheel)
    return scripts


OWN = """
import httpx
import pytest
from retry_contract import Scenario, violations


def test_promise(accepted_retry: Scenario):
    assert accepted_retry.exchanges[0].response.payload["latestStatus"] == "created"
    accepted_retry.keeps("message-id-kept")


def test_mock(retry_mock):
    path = f"campaigns/{retry_mock.campaign}/messages/{retry_mock.messages['failure']}/retry"
    headers = {"authorization": f"Bearer {retry_mock.key}"}
    payload = httpx.post(f"{retry_mock.base_url}/{path}", headers=headers).json()
    assert violations(payload, retry_mock.contract) == ()


@pytest.mark.retry_contract(rare=True)
def test_payload(retry_payload):
    assert retry_payload["latestStatus"] == "created"


def test_sandbox(retry_sandbox):
    pass
"""
COMMANDS = {
    "verify": ["retry-contract", "verify", "--fuzz", "5"],
    "module": ["python", "-m", "retry_contract", "verify", "--fuzz", "0", "--contract", "after"],
    "pytest": [
        *("pytest", "-p", "no:cacheprovider", "--contract-fuzz", "0"),
        *("--pyargs", "retry_contract.contract_tests"),
    ],
}


def _run(installed: Path, words: list[str], folder: Path) -> Done:
    return subprocess.run(
        [installed / words[0], *words[1:]],
        cwd=folder,
        env=clean(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def done(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Every command, run from an empty folder, which stays empty."""

    def run(words: list[str]) -> Done:
        folder = tmp_path_factory.mktemp("cwd")
        finished = _run(installed, words, folder)
        assert list(folder.iterdir()) == []
        return finished

    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(COMMANDS, pool.map(run, COMMANDS.values()), strict=True))


def test_the_wheel_holds_the_package_its_schemas_and_contract_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert all(name.startswith("retry_contract/") for name in names)
    expected = {
        f"retry_contract/{folder}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder in ("schemas", "contract_tests")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "retry_contract/schemas/timeline.json" in expected
    assert expected <= names
    assert "retry_contract/cli/verify.ini" in names
    assert not [name for name in names if name.startswith("retry_contract/tests/")]
    assert not [name for name in names if name.endswith(".pyc") or "conftest" in name]


def _files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_of_the_source_archive_is_that_of_the_checkout(wheel: Path, built: Path) -> None:
    (other,) = built.glob("*.whl")
    assert other.name == wheel.name == f"retry_contract-{__version__}-py3-none-any.whl"
    assert _files(other) == _files(wheel)


def test_source_archive_holds_its_own_checks_and_they_run(built: Path, tmp_path: Path) -> None:
    (file,) = built.glob("*.tar.gz")
    must("tar", "-xzf", file, "-C", tmp_path)
    (source,) = tmp_path.iterdir()
    assert source.name == f"retry_contract-{__version__}"
    assert {path.name for path in source.iterdir()} == SOURCES
    words = ("-m", "pytest", "contract_tests", "--contract-fuzz", "0", "-p", "no:cacheprovider")
    env = {**clean(), "PYTHONPATH": str(source / "src")}
    run = [sys.executable, *words]
    done = subprocess.run(run, cwd=source, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert KEPT in done.stdout


@pytest.mark.parametrize("name", ["verify", "module"])
def test_verify_runs_from_the_wheel(name: str, done: dict[str, Done]) -> None:
    assert (done[name].returncode, done[name].stderr) == (0, "")
    assert done[name].stdout.endswith(KEPT + "\n")


def test_the_contract_tests_run_from_the_wheel(done: dict[str, Done]) -> None:
    assert done["pytest"].returncode == 0, done["pytest"].stdout
    assert "76 passed, 4 skipped" in done["pytest"].stdout
    assert KEPT in done["pytest"].stdout


def test_the_fixtures_are_there_in_the_users_own_tests(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(OWN, encoding="utf-8")
    done = _run(installed, ["pytest", "--strict-markers", "-W", "error"], tmp_path)
    contracts = ("before-2025-02-24", "after-2025-02-24")
    examples = [list((ROOT / "schemas" / c / "examples" / "valid").iterdir()) for c in contracts]
    passed = 2 * len(contracts) + sum(map(len, examples))
    assert f"{passed} passed, {len(contracts)} errors in " in done.stdout, done.stdout
    assert "install retry-contract with its extra `sandbox`" in done.stdout
