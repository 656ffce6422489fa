"""docs/contract-version.md is followed in a copy of the checkout: no code is changed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contract-version.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(SCRIPT,) = [code for language, code in BLOCKS if language == "python"]
COMMANDS, (BROKEN,) = (code.splitlines() for language, code in BLOCKS if language == "sh")
(SHOWN,) = [code for language, code in BLOCKS if language == "text"]
NAME = "next-2027-01-01"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what ships, in which the page's script was run."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("schemas", "contract_tests", "src"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "add_contract.py").write_text(SCRIPT, encoding="utf-8")
    done = _python(copy, "-W", "error", "add_contract.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return copy


def _python(checkout: Path, *words: str) -> Done:
    dropped = ("PYTEST_", "RETRY_CONTRACT_", "POSTMAN_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env={**environment, "PYTHONPATH": str(checkout / "src"), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def _run(checkout: Path, command: str) -> Done:
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "retry-contract"]
    return _python(checkout, "-m", "retry_contract", *words[3:])


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_takes_the_contract(command: str, checkout: Path) -> None:
    done = _run(checkout, command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert NAME in done.stdout
    if " verify " in command:
        assert "accepted 17 of 17" in done.stdout
        assert "cutover 2 of 2" in done.stdout


def test_response_without_the_field_is_shown_as_the_page_shows_it(checkout: Path) -> None:
    done = _run(checkout, BROKEN)
    assert (done.returncode, done.stdout) == (1, SHOWN)


@pytest.mark.parametrize("contract", ["before", "after"])
def test_earlier_contracts_refuse_the_field(contract: str, checkout: Path) -> None:
    example = f"schemas/{NAME}/examples/valid/the-page.json"
    done = _python(
        *(checkout, "-m", "retry_contract", "validate", "--json"),
        *("--contract", contract, example),
    )
    (file,) = json.loads(done.stdout)["files"]
    assert (done.returncode, file["keeps"]) == (1, [NAME])
    named = {(found["rule"], found["pointer"]) for found in file["violations"]}
    assert ("response-matches-schema", "/priority") in named


@pytest.mark.parametrize("name", ["valid", "invalid"])
def test_examples_of_the_added_contract_are_what_their_folder_says(
    name: str, checkout: Path
) -> None:
    folder = f"schemas/{NAME}/examples/{name}"
    words = ("validate", "--json", "--contract", "next", folder)
    document = json.loads(_python(checkout, "-m", "retry_contract", *words).stdout)
    for file in document["files"]:
        if file["outcome"] == "usage error":
            continue  # two documents, which may be JSON lines
        rules = {found["rule"] for found in file["violations"]}
        own = Path(file["file"]).name.partition("--")[0]
        assert rules == ({own} if name == "invalid" else set()), file
