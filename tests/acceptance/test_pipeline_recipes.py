"""The recipes of docs/pipeline.md are run, each as it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from support.gitlab import Done, jobs_of, run_job
from support.recipes import PIPELINE, recipes
from support.started import document_of, started
from support.tools import needs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="shells of POSIX"),
]

READER = """def parse(response: dict) -> dict:
    return {"id": response["id"], "status": response["latestStatus"]}
"""
CLOSED = """def parse(response: dict) -> dict:
    if len(response) != 9:
        raise ValueError("another member")
    return response
"""
DOWN = "http://127.0.0.1:9/api/v2"


def recipe(heading: str, language: str = "yaml") -> str:
    (text,) = recipes(heading, language, PIPELINE)
    return text


def source(job: Mapping[str, Any]) -> str:
    """Return what starts the pipelines that a job is in."""
    (rule,) = job["rules"]
    return str(rule["if"].removeprefix("$CI_PIPELINE_SOURCE == "))


@pytest.fixture(scope="module")
def served(shell: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A sandbox, whose contract a test sets."""
    with started(shell, "--json", "--fail-after", "0.05") as sandbox:
        yield document_of(sandbox)


@pytest.fixture
def variables(served: dict[str, Any]) -> dict[str, str]:
    """What a team sets in its project, for a service that was just put back to its start."""
    controls(served, "POST", "reset", {})
    return {
        "POSTMAN_API_KEY": served["key"],
        "RETRY_CONTRACT_ENDPOINT": served["endpoint"],
        "RETRY_CONTRACT_CAMPAIGN": served["campaign"],
    }


def controls(served: Mapping[str, Any], method: str, path: str, body: dict[str, Any]) -> Any:
    address = served["endpoint"].replace("/api/v2", f"/_sandbox/{path}")
    response = httpx.request(method, address, json=body, trust_env=False)
    response.raise_for_status()
    return response.json()


def report(folder: Path, name: str = "retry-contract-report") -> Any:
    return json.loads((folder / name / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("heading", "reader", "status", "outcome"),
    [
        ("On every merge request", CLOSED, 1, "not ready"),
        ("Before a cutover", READER, 0, "ready"),
    ],
)
def test_consumer_tries_the_teams_reader(
    heading: str, reader: str, status: int, outcome: str, tmp_path: Path
) -> None:
    job = jobs_of(recipe(heading))["consumer"]
    assert source(job) == ('"merge_request_event"' if heading.startswith("On") else '"web"')
    # Fewer payloads are quicker; the options are those of the page otherwise.
    job["variables"]["RETRY_JOB_ARGS"]["value"] += " --payloads 20"
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "sms.py").write_text(reader, encoding="utf-8")
    done = run_job(job, tmp_path, {})
    assert done.returncode == status, done.stdout + done.stderr
    assert report(tmp_path, job["variables"]["RETRY_JOB_REPORT"])["outcome"] == outcome


def test_nightly_job_makes_its_own_messages(variables: dict[str, str], tmp_path: Path) -> None:
    job = jobs_of(recipe("Every night"))["nightly"]
    assert source(job) == '"schedule"'
    assert job["allow_failure"] == {"exit_codes": [3]}
    done = run_job(job, tmp_path, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert report(tmp_path)["sent"]["sends"] > 0


def test_nightly_job_tells_that_the_service_is_down(
    variables: dict[str, str], tmp_path: Path
) -> None:
    variables["RETRY_CONTRACT_ENDPOINT"] = DOWN
    assert run_job(jobs_of(recipe("Every night"))["nightly"], tmp_path, variables).returncode == 3


@pytest.mark.parametrize("args", ["as written", "--endpoint $RETRY_CONTRACT_ENDPOINT", "--fuzz 0"])
@pytest.mark.parametrize("given", [None, "", " "])
def test_nightly_job_without_an_endpoint_is_no_green_of_the_mock(
    given: str | None, args: str, variables: dict[str, str], tmp_path: Path
) -> None:
    del variables["RETRY_CONTRACT_ENDPOINT"]
    if given is not None:
        variables["RETRY_CONTRACT_ENDPOINT"] = given
    job = jobs_of(recipe("Every night"))["nightly"]
    if args != "as written":
        job["variables"]["RETRY_JOB_ARGS"]["value"] = args
    done = run_job(job, tmp_path, variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert "RETRY_CONTRACT_ENDPOINT" in done.stderr
    assert 2 not in job["allow_failure"]["exit_codes"]
    assert not (tmp_path / "retry-contract-report" / "report.json").exists()


def test_staging_is_held_to_each_contract_in_turn(
    served: dict[str, Any], variables: dict[str, str], tmp_path: Path
) -> None:
    jobs = jobs_of(recipe("Before a cutover"))
    assert source(jobs["before"]) == '"web"'
    assert jobs["after"]["rules"][0]["when"] == "manual"

    def ends(name: str) -> int:
        (failed,) = controls(served, "POST", "messages", {"state": "failure"})["messages"]
        message = {f"{name.upper()}_MESSAGE": failed}
        return run_job(jobs[name], tmp_path, {**variables, **message}).returncode

    controls(served, "PUT", "contract", {"contract": "before"})
    assert ends("before") == 0
    assert ends("after") == 1
    controls(served, "PUT", "contract", {"contract": "after"})
    assert ends("after") == 0


def test_required_rule_that_was_not_seen_fails_the_job(
    served: dict[str, Any], variables: dict[str, str], tmp_path: Path
) -> None:
    job = jobs_of(recipe("Before a cutover"))["after"]
    job["variables"]["RETRY_JOB_ARGS"]["value"] += " --require foreign-campaign-refused"
    message = {"AFTER_MESSAGE": served["messages"]["failure"]}
    assert run_job(job, tmp_path, {**variables, **message}).returncode == 3
    assert job["allow_failure"] is False


@pytest.mark.parametrize(("shown", "status"), [("after", 0), ("before", 1)])
def test_missed_cutover_fails_the_job_after_it(
    shown: str, status: int, served: dict[str, Any], variables: dict[str, str], tmp_path: Path
) -> None:
    controls(served, "PUT", "contract", {"contract": shown})
    done = run_job(jobs_of(recipe("After it"))["cutover"], tmp_path, variables)
    assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.parametrize("status", [0, 7])
def test_sandbox_is_around_the_teams_own_tests(status: int, tmp_path: Path) -> None:
    needs("npm")
    scripts = {"test": f'test -n "$RETRY_CONTRACT_MESSAGE_FAILURE" && exit {status}'}
    (tmp_path / "package.json").write_text(json.dumps({"scripts": scripts}), encoding="utf-8")
    done = run_job(jobs_of(recipe("Around your own tests"))["client"], tmp_path, {})
    assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.parametrize("at", [0, 1])
def test_shortest_job_of_the_page_needs_an_endpoint(at: int, tmp_path: Path) -> None:
    (job,) = jobs_of(recipes("GitLab", "yaml", PIPELINE)[at]).values()
    done = run_job(job, tmp_path, {})
    assert (done.returncode, done.stdout) == (2, "")
    assert "the endpoint is empty: set RETRY_CONTRACT_ENDPOINT" in done.stderr


def azure() -> str:
    return str(yaml.safe_load(recipe("Azure Pipelines"))["steps"][0]["script"])


def jenkins() -> str:
    (script,) = re.findall("'''\n(.*?)'''", recipe("Jenkins", "groovy"), re.DOTALL)
    return str(script).replace("\\\\", "\\")


@pytest.mark.parametrize("of", [azure, jenkins])
@pytest.mark.parametrize("case", ["broken", "unset", "down"])
def test_step_of_another_pipeline_ends_by_the_outcome(
    of: Callable[[], str],
    case: str,
    served: dict[str, Any],
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    if case == "broken":
        controls(served, "PUT", "faults", {"faults": ["creator-id-missing"]})
    if case == "unset":
        del variables["RETRY_CONTRACT_ENDPOINT"]
    if case == "down":
        variables["RETRY_CONTRACT_ENDPOINT"] = DOWN
    places = {"AGENT_TEMPDIRECTORY": str(tmp_path), "WORKSPACE_TMP": str(tmp_path)}
    done: Done = run_job({"script": [of()]}, tmp_path, {**variables, **places})
    ends = {"broken": 1, "unset": 2, "down": 0 if of is azure else 3}
    assert done.returncode == ends[case], done.stdout + done.stderr
    written = tmp_path / "retry-contract-report" / "summary.md"
    assert written.exists() is (case != "unset")
    if of is azure:
        assert (f"##vso[task.uploadsummary]{written}\n" in done.stdout) is (case != "unset")
        assert ("result=SucceededWithIssues" in done.stdout) is (case == "down")


def test_steps_of_azure_keep_its_schema(tmp_path: Path) -> None:
    file = tmp_path / "azure-pipelines.yml"
    file.write_text(recipe("Azure Pipelines"), encoding="utf-8")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.azure-pipelines"]
    done = subprocess.run([*check, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
