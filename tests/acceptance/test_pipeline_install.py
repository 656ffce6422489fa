"""The installations of docs/pipeline.md, each as it is written."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from support.gitlab import clean, environment
from support.recipes import PIPELINE, recipes
from support.tools import needs

from retry_contract._version import __version__

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="shells of POSIX"),
]

ROOT = Path(__file__).parents[2]
COMMANDS = recipes("What pip installs", page=PIPELINE)
PATIENCE = 120
"""In seconds."""


def test_page_shows_every_way_of_installing() -> None:
    names = [" ".join(command.split()[:2]) for command in COMMANDS]
    assert names == [
        *("pip install", "uv build", "pip install", "pip install", "pip wheel", "pip install"),
        "uvx --from",
    ]
    # By its name the kit is installed from a folder alone.
    assert [
        c for c in COMMANDS if not re.search("https://gitlab.example/|--no-index|^uv build", c)
    ] == []


# The fixture fills the folder of wheels by the page's command, which is of the form with an extra.
@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[2], COMMANDS[5]])
def test_pip_installs_the_kit(command: str, built: Path, wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "wheels").symlink_to(wheels)
    needed = [wheel for wheel in wheels.glob("*.whl") if wheel.name != built.name]
    kit = environment(tmp_path / "kit", needed) / "bin"
    if "git+" in command:  # whose build needs an index
        clone(tmp_path / "mirror")
        given = {}
    else:
        given = {"PIP_NO_INDEX": "1"}
    done = run(local(command, built, tmp_path), tmp_path, kit, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert run("retry-contract --version", tmp_path, kit).stdout.split()[-1] == __version__


def test_uvx_runs_the_kit_without_an_installation(
    built: Path, wheels: Path, tmp_path: Path
) -> None:
    needs("uvx")
    given = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(wheels), "UV_CACHE_DIR": str(tmp_path / "uv")}
    done = run(local(COMMANDS[-1], built, tmp_path), tmp_path, tmp_path, **given)
    assert done.returncode == 0, done.stderr
    assert "KEPT by the built-in model" in done.stdout


def clone(folder: Path) -> None:
    """Make a mirror of the last commit, with the tag that the page names."""
    for words in (
        ["clone", "--quiet", "--no-tags", ROOT.as_uri(), folder],
        ["-C", folder, "tag", "--force", "v0.2.0"],
    ):
        subprocess.run(["git", *map(str, words)], check=True, capture_output=True)


def local(command: str, built: Path, folder: Path) -> str:
    """Return a command with the files of this machine in place of the page's addresses."""
    command = command.replace(
        "https://gitlab.example/team/retry-contract.git", f"file://{folder}/mirror"
    )
    return re.sub(r"https://gitlab\.example/\S+?\.whl", built.as_uri(), command)


def run(
    command: str, folder: Path, programs: Path, **given: str
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=clean(PATH=path, **given),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
