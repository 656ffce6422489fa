"""The hook for pre-commit, as pre-commit runs it from a repository of the kit."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.snapshot import ROOT, commit_all, copy_of_the_checkout
from support.tools import installed, needs

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]
PAGE = ROOT / "docs" / "pipeline-github.md"
EXAMPLES = ROOT / "schemas" / "after-2025-02-24" / "examples"
HOME = "https://github.com/your-organisation/retry-contract"
SAVED = {
    "kept.json": (EXAMPLES / "valid" / "the-page.json").read_bytes(),
    "broken.json": b'{"id": "message_1"}',
    "usage-error.json": b'HTTP/1.1 201 Created\r\n\r\n{"id": "message_1"}',
}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository of the kit, and the id of its commit."""
    needs("git")
    folder = tmp_path_factory.mktemp("kit")
    copy_of_the_checkout(folder)
    return folder, commit_all(folder)


@pytest.fixture(scope="module")
def team(kit: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with saved responses, another JSON file, and the settings of the page."""
    folder = tmp_path_factory.mktemp("team")
    responses = folder / "tests" / "responses"
    responses.mkdir(parents=True)
    for name, content in SAVED.items():
        (responses / name).write_bytes(content)
    (folder / "package.json").write_text("{}", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```yaml\n(repos:\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    settings = settings.replace(HOME, str(kit[0])).replace("v0.2.0", kit[1])
    (folder / ".pre-commit-config.yaml").write_text(settings, encoding="utf-8")
    commit_all(folder)
    return folder


@pytest.fixture(scope="module")
def hook(team: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """Run pre-commit there; what it installs is shared."""
    home = tmp_path_factory.mktemp("pre-commit")
    dropped = ("GIT_", "PYTHON", "PRE_COMMIT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment = {**kept, "PRE_COMMIT_HOME": str(home)}

    def run(*words: str) -> Done:
        return subprocess.run(
            [installed("pre-commit"), *words, "--color", "never", "--verbose"],
            cwd=team,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.mark.parametrize(
    ("file", "exit_code", "said"),
    [
        ("kept.json", 0, "1 file: 1 kept"),
        ("broken.json", 1, "broken"),
        ("usage-error.json", 2, "curl -i"),
    ],
)
def test_hook_of_the_page_ends_as_validate_does(
    file: str, exit_code: int, said: str, hook: Callable[..., Done]
) -> None:
    done = hook("run", "--files", f"tests/responses/{file}")
    assert (done.returncode != 0) is (exit_code != 0), done.stdout + done.stderr
    assert said in done.stdout
    assert "Skipped" not in done.stdout
    assert (f"- exit code: {exit_code}\n" in done.stdout) is (exit_code != 0)


def test_files_that_were_not_chosen_are_left_out(hook: Callable[..., Done]) -> None:
    done = hook("run", "--files", "package.json")
    assert (done.returncode, "no files to check" in done.stdout) == (0, True)


def test_hook_can_be_tried_without_settings(
    kit: tuple[Path, str], hook: Callable[..., Done]
) -> None:
    files = (f"tests/responses/{name}" for name in SAVED)
    words = ("try-repo", str(kit[0]), "retry-contract-validate", "--ref", kit[1], "--files", *files)
    done = hook(*words)
    assert "- exit code: 1\n" in done.stdout, done.stdout + done.stderr
    assert "3 files: 1 kept, 1 broken, 1 unreadable" in done.stdout


def test_manifest_is_valid() -> None:
    manifest = ROOT / ".pre-commit-hooks.yaml"
    done = subprocess.run([installed("pre-commit"), "validate-manifest", manifest], check=False)
    assert done.returncode == 0
