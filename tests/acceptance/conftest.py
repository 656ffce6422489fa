"""Runs the real command, in processes of its own."""

from __future__ import annotations

import functools
import io
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from support.gitlab import clean
from support.gitlab import environment as environment_with
from support.json_schemas import hold
from support.recipes import PIPELINE, recipes
from support.team import Team, serve
from support.team_client import LONG, Client, client_of
from support.tools import needs

import retry_contract
from retry_contract.cli.main import main
from retry_contract.endpoint.mock import mock_of
from retry_contract.verification import verification

Done = subprocess.CompletedProcess[str]
ROOT = Path(__file__).parents[2]

# Plugins that meddle with a run. `verify` has no option for that, so they come as `-- -p NAME`.
PLUGINS = {
    # RETRY_CONTRACT_FAULT is a fault's name: the model misbehaves so.
    "faulty": """
import os
from retry_contract.service.faults import FAULTS
from retry_contract.verification import verification
real = verification.mock_of
fault = FAULTS[os.environ["RETRY_CONTRACT_FAULT"]]
verification.mock_of = lambda *given, **named: real(*given, **named, faults=[fault])
""",
    # RETRY_CONTRACT_AT is a number: checking the rule of that number, from 1, raises
    # RETRY_CONTRACT_RAISE.
    "raising": """
import builtins, os
from retry_contract.verification.verification import Verification
real, checked = Verification.check, []
def check(self, contract, rule):
    checked.append(rule)
    if len(checked) == int(os.environ["RETRY_CONTRACT_AT"]):
        raise getattr(builtins, os.environ["RETRY_CONTRACT_RAISE"])
    return real(self, contract, rule)
Verification.check = check
""",
}


def environment(plugins: Path | None = None, **changes: str) -> dict[str, str]:
    """The environment of a clean shell in which the package can be imported."""
    dropped = ("PYTEST", "RETRY_CONTRACT_", "PYTHON", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    source = str(Path(retry_contract.__file__).parents[1])
    path = [source] if plugins is None else [source, str(plugins)]
    path += [folder for folder in sys.path if Path(folder).name == "httpx2_alias"]
    return {**clean, "PYTHONPATH": os.pathsep.join(path), **changes}


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    for name, source in PLUGINS.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def command(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """Run `python -m retry_contract` in an empty folder, or in `cwd`."""

    def run(
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        given: bytes = b"",
        code_page: str = "utf-8",
    ) -> Done:
        folder = cwd or tmp_path_factory.mktemp("cwd")
        done = subprocess.run(
            [sys.executable, "-m", "retry_contract", *arguments],
            cwd=folder,
            env=environment(plugins, PYTHONIOENCODING=code_page, **(env or {})),
            input=given,
            capture_output=True,
            timeout=120,
            check=False,
        )
        out, err = (
            text.decode(code_page).replace("\r\n", "\n") for text in (done.stdout, done.stderr)
        )
        assert "Traceback" not in out + err
        hold(arguments, out, folder)
        return subprocess.CompletedProcess(arguments, done.returncode, out, err)

    return run


@pytest.fixture(scope="session")
def shell() -> dict[str, str]:
    """The environment of a clean shell, for a test that starts a process by itself."""
    return environment()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout: the one that .ci/run has built, if it runs the tests."""
    folder = Path(os.environ.get("TESTS_DIST") or tmp_path_factory.mktemp("built"))
    if "TESTS_DIST" not in os.environ:
        words = [needs("uv"), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
        subprocess.run(words, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheels(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of wheels that docs/pipeline.md fills, for an installation without an index."""
    folder = tmp_path_factory.mktemp("offline")
    (command,) = [c for c in recipes("What pip installs", page=PIPELINE) if "pip wheel" in c]
    address = re.findall(r"https://[^ \"]+\.whl", command)[0]
    command = command.replace(address, built.as_uri())
    pip = environment_with(folder / "pip") / "bin"
    path = os.pathsep.join([str(pip), os.environ["PATH"]])
    subprocess.run(["sh", "-c", command], cwd=folder, env=clean(PATH=path), check=True)
    return folder / "wheels"


class Runs:
    """The runs that a module's tests share, by name; those in processes run side by side."""

    def __init__(self, begun: Mapping[str, Callable[[], Done]], folders: Mapping[str, Path]):
        self._begun = begun
        self.folders = folders

    def __getitem__(self, name: str) -> Done:
        return self._begun[name]()


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest,
    command: Callable[..., Done],
    plugins: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    """Every run of the module's RUNS: by name, KEY=value for the environment, then arguments.

    Those that PROCESSES names have a process of their own; the others take place in this one.
    Without it all have one.
    """
    asked: Mapping[str, list[str]] = request.module.RUNS
    processes = getattr(request.module, "PROCESSES", asked)
    folders = {name: tmp_path_factory.mktemp("run") for name in asked}
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        begun: dict[str, Callable[[], Done]] = {}
        for name, words in asked.items():
            settings = list(itertools.takewhile(lambda word: "=" in word, words))
            env = dict(setting.split("=", 1) for setting in settings)
            arguments = words[len(settings) :]
            if name in processes:
                begun[name] = pool.submit(command, *arguments, cwd=folders[name], env=env).result
            else:
                inside = functools.partial(_inside, arguments, folders[name], plugins, env)
                begun[name] = functools.cache(inside)
        yield Runs(begun, folders)


def _inside(words: list[str], folder: Path, plugins: Path, env: Mapping[str, str]) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.syspath_prepend(plugins)
        for name, value in env.items():
            patch.setenv(name, value)
        # Set to what they are, so that they are set back after a plugin has changed them.
        patch.setattr(verification, "mock_of", mock_of)
        patch.setattr(verification.Verification, "check", verification.Verification.check)
        code = main(words)
        for name in PLUGINS:
            sys.modules.pop(name, None)
    hold(words, out.getvalue(), folder)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command in this process: quicker, where a process of its own adds nothing."""

    def run(*arguments: Any) -> Done:
        words = [str(argument) for argument in arguments]
        try:
            code = main(words)
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        hold(words, out, Path.cwd())
        return subprocess.CompletedProcess(words, code, out, err)

    return run


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """The team's service, whose messages fail late."""
    with serve(delivery=LONG) as team:
        yield team


@pytest.fixture(scope="module")
def quick() -> Iterator[Team]:
    """The team's service, whose messages fail at once."""
    with serve(delivery=0.01) as team:
        yield team


@pytest.fixture
def client(team: Team) -> Iterator[Client]:
    with client_of(team) as client:
        yield client


@pytest.fixture
def quick_client(quick: Team) -> Iterator[Client]:
    with client_of(quick) as client:
        yield client
