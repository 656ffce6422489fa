"""The jobs of docs/sandbox.md, as a runner of GitLab runs them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.recipes import Place, place, recipes
from support.tools import needs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="shells of POSIX"),
]

Runner = Callable[..., str]
LONGEST = 120
"""In seconds. A job that has not ended by then hangs."""
BACKGROUND = recipes("In the background", "yaml")[0]
AROUND = recipes("Around a test command", "yaml")[0]
GIT = (
    ("init", "--quiet"),
    ("remote", "add", "origin", "git@gitlab.example:team/sms.git"),
    ("add", "--all"),
    ("-c", "user.name=test", "-c", "user.email=test@example", "commit", "--quiet", "-m", "job"),
)


@pytest.fixture
def tools(shell: dict[str, str], tmp_path: Path) -> Place:
    return place(tmp_path, shell, "npm")


@pytest.fixture
def runner(tools: Place) -> Runner:
    """Run a pipeline of one job, and return how it ended: PASS, or FAIL and its status."""
    for program in ("gitlab-ci-local", "rsync", "git"):
        needs(program)

    def run(text: str, do: str) -> str:
        (tools.folder / ".gitlab-ci.yml").write_text(text, encoding="utf-8")
        environment = {**tools.environment, "DO": do, "NO_COLOR": "1"}
        for words in GIT:
            subprocess.run(["git", *words], cwd=tools.folder, env=environment, check=True)
        done = subprocess.run(
            ["gitlab-ci-local", "--force-shell-executor", "retry"],
            cwd=tools.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        (ended,) = re.findall(r"^retry finished in .*?s *(?:(FAIL) +([0-9]+))? *$", output, re.M)
        assert (done.returncode != 0) is (ended[0] == "FAIL"), output
        return " ".join(ended).strip() or "PASS"

    return run


@pytest.mark.parametrize("kill", ["kill", "kill -INT"])
@pytest.mark.parametrize(("do", "ends"), [("exit 0", "PASS"), ("exit 7", "FAIL 7")])
def test_job_with_the_sandbox_in_the_background_ends_by_itself(
    kill: str, do: str, ends: str, runner: Runner, tools: Place
) -> None:
    assert "'kill $sandbox " in BACKGROUND
    assert runner(BACKGROUND.replace("'kill $sandbox ", f"'{kill} $sandbox "), do) == ends
    assert not (tools.folder / "sandbox.env").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(tools.variables("npm")["RETRY_CONTRACT_SANDBOX"] + "/", trust_env=False)


def test_job_whose_sandbox_does_not_start_ends_by_itself(runner: Runner, tools: Place) -> None:
    assert runner(BACKGROUND.replace("--port 0", "--port none"), "exit 0").startswith("FAIL")
    assert not tools.has_run("npm")


@pytest.mark.parametrize(
    ("do", "ends"), [("exit 0", "PASS"), ("exit 7", "FAIL 7"), ("sleep 1000", "FAIL 3")]
)
def test_job_around_a_command_ends_by_itself(
    do: str, ends: str, runner: Runner, tools: Place
) -> None:
    hangs = do.startswith("sleep")
    assert runner(AROUND.replace("--timeout 900", "--timeout 2") if hangs else AROUND, do) == ends
    assert tools.has_run("npm")
