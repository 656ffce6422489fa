"""Every example of docs/exit-codes.md ends as the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from retry_contract.outcome import ExitCode

Done = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^\| (\d) \| [^|]+ \| `(?:(\w+)=(\S+) )?uv run retry-contract ([^`]+)` \|$", PAGE, re.MULTILINE
)


@pytest.mark.parametrize(
    ("code", "name", "value", "words"), EXAMPLES, ids=[f"{e[0]} {e[3]}" for e in EXAMPLES]
)
def test_example_ends_with_its_exit_code(
    code: str,
    name: str,
    value: str,
    words: str,
    here: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("POSTMAN_API_KEY", raising=False)
    if name:
        monkeypatch.setenv(name, value)
    done = here(*shlex.split(words))
    assert done.returncode == int(code), done.stdout + done.stderr


def test_each_exit_code_has_examples_and_each_row_is_one() -> None:
    section = PAGE.split("\n## One example each\n")[1].split("\n## ")[0]
    assert len(EXAMPLES) == len(re.findall(r"^\| \d ", section, re.MULTILINE))
    assert {int(code) for code, *_ in EXAMPLES} == {*map(int, ExitCode)}
