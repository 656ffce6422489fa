"""The action and the workflow, as a runner of GitHub runs them: act, on this machine.

One job runs the steps that docs/pipeline-github.md shows, and then one step an outcome, so the kit
is installed once. The actions of others are stand-ins: act would fetch them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.snapshot import ROOT, commit_all, copy_of_the_checkout
from support.tools import installed, needs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="act runs the steps in shells of POSIX"),
]

PAGE = ROOT / "docs" / "pipeline-github.md"
LONGEST = 300
"""In seconds. A job that has not ended by then hangs."""

FAULTY = "--port 0 --fault creator-id-missing --run 'retry-contract verify --fuzz 0'"
HOSTILE = (
    '--on "$(touch ran1)" `touch ran2` ; touch ran3 && "touch ran4\n" | touch ran5\ntouch ran6'
)
QUICK = "--contract after --fuzz 0"
VARIANTS: Mapping[str, dict[str, str]] = {
    "kept": {"args": QUICK, "report": "out/kept"},
    "broken": {"command": "sandbox", "args": FAULTY},
    "not-ready": {
        "command": "consumer",
        "args": "math:sqrt --payloads 3",
        "report": "out/not ready",
    },
    "usage-error": {"args": "--no-such-option", "report": "out/usage"},
    "not-tested": {"args": f"{QUICK} -- -k key_required", "report": "out/not-tested"},
    "not-tested-warned": {"args": f"{QUICK} -- -k key_required", "not-tested": "warn"},
    "hostile": {"args": HOSTILE},
    "asks-for-help": {"args": "--help"},
}
ENDS = {
    "contract": ("success", "ready", "0", "reports"),
    "kept": ("success", "kept", "0", "out/kept"),
    "broken": ("failure", "broken", "1", ""),
    "not-ready": ("failure", "not ready", "1", "out/not ready"),
    "usage-error": ("failure", "usage error", "2", ""),
    "not-tested": ("failure", "not tested", "3", "out/not-tested"),
    "not-tested-warned": ("success", "not tested", "3", ""),
    "hostile": ("failure", "usage error", "2", ""),
    "asks-for-help": ("failure", "usage error", "2", ""),
    "nightly": ("failure", "usage error", "2", ""),
}
"""How each step ends: its result, and the outputs outcome, exit-code and report."""

SETUP_PYTHON = """
outputs: {python-path: {value: PYTHON}}
runs: {using: composite, steps: []}
"""
UPLOAD_ARTIFACT = """
inputs: {name: {}, path: {}}
runs:
  using: composite
  steps:
    - shell: sh
      env: {FILES: "${{ inputs.path }}"}
      run: cp -R "$FILES" "$KEPT/artifact"
"""
LAST = {
    "if": "always()",
    "env": {"STEPS": "${{ toJSON(steps) }}"},
    "run": 'printf %s "$STEPS" > "$KEPT/steps.json"; ls -A > "$KEPT/left"; cp -R out "$KEPT"',
}


@dataclass(frozen=True)
class Ended:
    """A run of a workflow: its exit code, the lines of its log, and what a step put aside."""

    code: int
    log: list[dict[str, Any]]
    kept: Path

    def said(self, step: str) -> str:
        """What a step of the job printed."""
        lines = (line for line in self.log if step in line.get("stepID", []))
        return "".join(f"{line.get('raw_arg') or line['msg']}\n" for line in lines)

    def job(self) -> str:
        """How the job ended."""
        (result,) = [line["jobResult"] for line in self.log if "jobResult" in line]
        return str(result)


def workflows() -> list[dict[Any, Any]]:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [yaml.safe_load(block) for block in blocks if "runs-on" in block]


def act(folder: Path, kept: Path, event: str, *stubs: str) -> Ended:
    """Run the workflows of a repository for an event."""
    kept.mkdir()
    given = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))}
    own = {"HOME": str(kept / "home"), "XDG_CACHE_HOME": str(kept / "cache")}
    environment = {**given, **own, "PATH": os.environ["PATH"]}
    words = [installed("act"), event, "--json", "--platform", "ubuntu-latest=-self-hosted"]
    for name, value in {**given, "KEPT": str(kept)}.items():
        words += ["--env", f"{name}={value}"]
    words += [word for stub in stubs for word in ("--local-repository", stub)]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    (kept / "log.jsonl").write_text(done.stdout, encoding="utf-8")
    return Ended(done.returncode, lines, kept)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing installed."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def ended(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    needs("git")
    folder = tmp_path_factory.mktemp("action")
    clone = folder / "clone"
    copy_of_the_checkout(clone)
    shutil.rmtree(clone / ".github" / "workflows")
    shutil.copy(clone / "examples" / "consumers" / "reader.py", clone)
    example, nightly = workflows()
    steps = example["jobs"]["consumer"]["steps"]
    steps += [_variant(name, bare, given) for name, given in VARIANTS.items()]
    (step,) = nightly["jobs"]["verify"]["steps"]
    steps += [{"id": "nightly", "continue-on-error": True, **step}]
    steps += [{"id": "failing", "uses": "./", "with": {"args": "--no-such-option"}}, LAST]
    example["on"] = example.pop(True)  # YAML 1.1 reads the key so
    (clone / ".github" / "workflows").mkdir()
    text = yaml.safe_dump(example, sort_keys=False)
    (clone / ".github" / "workflows" / "retry-contract.yml").write_text(text, encoding="utf-8")
    commit_all(clone)
    stubs = _stubs(folder, SETUP_PYTHON.replace("PYTHON", str(bare)))
    own = f"your-organisation/retry-contract@v0.2.0={clone}"
    return act(clone, folder / "kept", "pull_request", own, *stubs)


def _variant(name: str, python: Path, given: Mapping[str, str]) -> dict[str, Any]:
    with_python = {"python": str(python), **given}
    return {"id": name, "uses": "./", "continue-on-error": True, "with": with_python}


def _stubs(folder: Path, setup_python: str) -> Iterator[str]:
    """Yield what act takes for the actions of others, at the commits that are pinned."""
    texts = {"actions/setup-python": setup_python, "actions/upload-artifact": UPLOAD_ARTIFACT}
    pinned = (ROOT / "action.yml").read_text(encoding="utf-8") + PAGE.read_text(encoding="utf-8")
    for name, text in texts.items():
        stub = folder / name
        stub.mkdir(parents=True)
        about = f"name: {name}\ndescription: a stand-in\n"
        (stub / "action.yml").write_text(f"{about}{text}", encoding="utf-8")
        (commit,) = set(re.findall(rf"{name}@([0-9a-f]{{40}})", pinned))
        yield f"{name}@{commit}={stub}"


def test_steps_end_as_their_runs_do(ended: Ended) -> None:
    steps = json.loads((ended.kept / "steps.json").read_text(encoding="utf-8"))
    found = {
        name: (
            steps[name]["outcome"],
            *(steps[name]["outputs"].get(o) for o in ("outcome", "exit-code", "report")),
        )
        for name in ENDS
    }
    assert found == ENDS


def test_job_fails_by_a_step_that_fails(ended: Ended) -> None:
    assert (ended.code, ended.job()) == (1, "failure")


def test_reports_are_kept(ended: Ended) -> None:
    reports = {"report.json", "summary.md"}
    assert reports <= {file.name for file in (ended.kept / "artifact").iterdir()}
    for name, outcome in (("kept", "kept"), ("not ready",) * 2, ("not-tested", "not tested")):
        report = ended.kept / "out" / name / "report.json"
        assert json.loads(report.read_text(encoding="utf-8"))["outcome"] == outcome


@pytest.mark.parametrize(
    ("step", "annotation"),
    [
        ("broken", "::error title=retry-contract%3A /creatorId is absent::expected a non-empty "),
        ("not-ready", "::error title=retry-contract consumer%3A breaks "),
        ("usage-error", "::error title=retry-contract verify%3A usage error::unrecognized "),
        ("not-tested", "::warning title=retry-contract%3A not tested::NOT TESTED: "),
        ("not-tested-warned", "::warning title=retry-contract::nothing was tested; the job goes "),
        ("asks-for-help", "::error title=retry-contract::args: --help and --version check nothing"),
        ("nightly", "::error title=retry-contract verify%3A usage error::"),
    ],
)
def test_annotations_are_shown(step: str, annotation: str, ended: Ended) -> None:
    assert annotation in ended.said(step)


@pytest.mark.parametrize(
    ("step", "heading"),
    [
        ("contract", "## retry-contract: ready"),
        ("kept", "## retry-contract: kept"),
        ("broken", "## retry-contract: broken"),
        ("not-ready", "## retry-contract: not ready"),
        ("not-tested", "## retry-contract: not tested"),
        ("usage-error", "## retry-contract verify: usage error"),
    ],
)
def test_job_summary_is_written(step: str, heading: str, ended: Ended) -> None:
    assert heading in ended.said(step)


def test_inputs_reach_no_shell(ended: Ended) -> None:
    left = (ended.kept / "left").read_text(encoding="utf-8").splitlines()
    assert "action.yml" in left
    assert [name for name in left if name.startswith("ran")] == []
    assert "unrecognized arguments" in ended.said("hostile")


def test_endpoint_that_is_not_set_is_named(ended: Ended) -> None:
    assert "RETRY_CONTRACT_ENDPOINT" in ended.said("nightly")


@pytest.mark.parametrize(("code", "result"), [(0, "success"), (7, "failure")])
def test_workflow_ends_as_the_checks_do(code: int, result: str, tmp_path: Path) -> None:
    needs("git")
    clone = tmp_path / "clone"
    for name in (".github/workflows/ci.yml", ".ci/run"):
        (clone / name).parent.mkdir(parents=True)
        shutil.copy2(ROOT / name, clone / name)  # as executable as it is
    text = f"#!/bin/sh\ntest -d .ci || exit 9\nexit {code}\n"
    (clone / ".ci" / "run").write_text(text, encoding="utf-8")
    commit_all(clone)
    ended = act(clone, tmp_path / "kept", "pull_request")
    assert ended.job() == result
    said = "".join(line["msg"] for line in ended.log)
    assert (f"exit status {code}" in said) is (code != 0)  # the output of a step may come late
