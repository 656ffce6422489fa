"""The files that a pipeline reads keep their schemas, and zizmor finds nothing in them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.tools import installed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
PINNED = re.compile(r"uses: ([\w/-]+)@([0-9a-f]{40}) # (v[0-9.]+)$", re.MULTILINE)


def passes(*words: str | Path) -> None:
    program, *arguments = map(str, words)
    done = subprocess.run([installed(program), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The workflows that the page shows."""
    page = (ROOT / "docs" / "pipeline-github.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    folder = tmp_path_factory.mktemp("examples")
    files = []
    for number, block in enumerate(block for block in blocks if "runs-on" in block):
        files.append(folder / f"{number}.yml")
        files[-1].write_text(block, encoding="utf-8")
    assert len(files) == 2
    return files


def test_action_and_workflows_keep_their_schemas(examples: list[Path]) -> None:
    schema = ("check-jsonschema", "--builtin-schema")
    passes(*schema, "vendor.github-actions", ROOT / "action.yml")
    passes(*schema, "vendor.github-workflows", WORKFLOW, *examples)
    passes(*schema, "custom.github-workflows-require-timeout", WORKFLOW, *examples)


def test_zizmor_finds_nothing() -> None:
    zizmor = ("zizmor", "--offline", "--no-config", "--persona", "pedantic")
    passes(*zizmor, ROOT / "action.yml", WORKFLOW)


def test_each_action_is_pinned_to_one_commit_and_names_its_version() -> None:
    files = (ROOT / "action.yml", WORKFLOW, ROOT / "docs" / "pipeline-github.md")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    used = re.findall(r"uses: (?!\./|your-organisation)(\S+)", text)
    pins = PINNED.findall(text)
    assert sorted(f"{name}@{commit}" for name, commit, _ in pins) == sorted(used)
    assert len(set(pins)) == len({name for name, *_ in pins}) == 3
