"""GitLab's component, as a runner runs it: what a job shows, and what it keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.gitlab import COMPONENT, TEMPLATE, Job, environment, pipeline, project
from support.recipes import PIPELINE, recipes
from support.started import document_of, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="shells of POSIX"),
]

DOWN = "--endpoint http://127.0.0.1:9/api/v2 --campaign campaign_1 --message message_1"
BROKEN = (
    "--endpoint $BROKEN_ENDPOINT --campaign $BROKEN_CAMPAIGN --message ${BROKEN_MESSAGE} --fuzz 0"
)
JOBS: dict[str, dict[str, str]] = {
    "kept": {"package": "retry-contract[sandbox]", "args": "--endpoint mock --fuzz 0"},
    "broken": {"args": BROKEN},
    "usage": {"args": "--endpoint mock --contract tomorrow"},
    "unset": {"args": "--fuzz 0"},
    "silent": {"args": DOWN},
    "tolerated": {"args": DOWN, "not-tested": "warn"},
}
CHECK = (sys.executable, "-m", "check_jsonschema", "--builtin-schema")
REPORT = {"report.json", "summary.md", "junit.xml"}
PROJECT = {
    "requirements.txt": "httpx\n",
    "app/sms.py": "def parse(response: dict) -> str:\n    return response['id']\n",
}


@pytest.fixture(scope="module")
def jobs(
    built: Path, wheels: Path, shell: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Job]]:
    """The component's jobs, in one pipeline."""
    folder = tmp_path_factory.mktemp("component")
    recipe = yaml.safe_load(recipes("On every merge request", "yaml", PIPELINE)[0])
    recipe["include"] += [included(name, **inputs) for name, inputs in JOBS.items()]
    with started(shell, "--json", "--fault", "creator-id-missing") as sandbox:
        served = document_of(sandbox)
        variables = {
            "POSTMAN_API_KEY": served["key"],
            "BROKEN_ENDPOINT": served["endpoint"],
            "BROKEN_CAMPAIGN": served["campaign"],
            "BROKEN_MESSAGE": served["messages"]["failure"],
            "RETRY_CONTRACT_PACKAGE": str(built),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "CI_PIPELINE_SOURCE": "merge_request_event",
        }
        place = project(folder / "sms", PROJECT)
        yield pipeline(place, yaml.safe_dump(recipe), variables, environment(folder / "fresh"))


def included(name: str, **inputs: str) -> dict[str, Any]:
    own = {"package": "$RETRY_CONTRACT_PACKAGE", "job-name": name, "report": f"report-{name}"}
    return {"component": COMPONENT, "inputs": {**own, **inputs}}


@pytest.mark.parametrize(
    ("name", "ended"),
    [
        ("kept", "PASS"),
        ("broken", "FAIL 1"),
        ("usage", "FAIL 2"),
        ("unset", "FAIL 2"),
        ("silent", "FAIL 3"),
        ("tolerated", "WARN 3"),
        ("consumer", "PASS"),
    ],
)
def test_job_ends_by_the_outcome(name: str, ended: str, jobs: dict[str, Job]) -> None:
    assert jobs[name].ended == ended, jobs[name].log


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("kept", "kept"),
        ("broken", "broken"),
        ("silent", "not tested"),
        ("tolerated", "not tested"),
    ],
)
def test_report_is_kept_however_the_job_ends(name: str, outcome: str, jobs: dict[str, Job]) -> None:
    folder = jobs[name].artifacts / f"report-{name}"
    assert {path.name for path in folder.iterdir()} >= REPORT
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["outcome"] == outcome


@pytest.mark.parametrize("name", ["usage", "unset"])
def test_run_that_did_not_begin_keeps_no_report(name: str, jobs: dict[str, Job]) -> None:
    assert jobs[name].files == []


def test_unset_endpoint_says_which_variable_to_set(jobs: dict[str, Job]) -> None:
    assert "the endpoint is empty: set RETRY_CONTRACT_ENDPOINT" in jobs["unset"].log


def test_component_keeps_the_schema_of_gitlab(tmp_path: Path) -> None:
    # The schema is for one document, and the component is two: its inputs, and its jobs.
    files = [tmp_path / "inputs.yml", tmp_path / "jobs.yml"]
    for file, text in zip(
        files, TEMPLATE.read_text(encoding="utf-8").split("\n---\n"), strict=True
    ):
        file.write_text(text, encoding="utf-8")
    check = [*CHECK, "vendor.gitlab-ci", *map(str, files)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
