"""The recipes of docs/pipeline.md, as a runner runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from support.gitlab import Job, clean, environment, pipeline, project
from support.recipes import PIPELINE, recipes
from support.started import document_of, started
from support.tools import needs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="shells of POSIX"),
]

Run = Callable[..., dict[str, Job]]
READER = """def parse(response: dict) -> dict:
    return {"id": response["id"], "status": response["latestStatus"]}
"""
CLOSED = """def parse(response: dict) -> dict:
    if len(response) != 9:
        raise ValueError("another member")
    return response
"""
BY_HAND, ON_SCHEDULE = {"CI_PIPELINE_SOURCE": "web"}, {"CI_PIPELINE_SOURCE": "schedule"}
PATIENCE = 60
"""In seconds."""


def recipe(heading: str, language: str = "yaml") -> str:
    (text,) = recipes(heading, language, PIPELINE)
    return text


@pytest.fixture(scope="module")
def served(shell: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A sandbox, whose contract a test sets."""
    with started(shell, "--json") as sandbox:
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


@pytest.fixture(scope="module")
def prepared(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("prepared") / "kit", wheels.glob("*.whl"))


@pytest.fixture
def run(prepared: Path, built: Path, tmp_path: Path) -> Run:
    """Run the jobs of a recipe in a project with a reader, and return how they ended."""

    def run(text: str, variables: Mapping[str, str], *jobs: str, reader: str = READER) -> Any:
        files = {"app/__init__.py": "", "app/sms.py": reader, "requirements.txt": "httpx\n"}
        if not (tmp_path / "sms").exists():
            project(tmp_path / "sms", files)
        given = {**variables, "RETRY_CONTRACT_PACKAGE": str(built), "PIP_NO_INDEX": "1"}
        return pipeline(tmp_path / "sms", text, given, prepared, prepared, jobs)

    return run


@pytest.mark.parametrize(("reader", "ended"), [(READER, "PASS"), (CLOSED, "FAIL 1")])
def test_merge_request_tries_the_readers_code(reader: str, ended: str, run: Run) -> None:
    source = {"CI_PIPELINE_SOURCE": "merge_request_event"}
    jobs = run(recipe("On every merge request"), source, reader=reader)
    assert {name: job.ended for name, job in jobs.items()} == {"consumer": ended}
    assert "retry-contract-report/summary.md" in jobs["consumer"].files


def test_nightly_job_makes_its_own_messages(run: Run, variables: dict[str, str]) -> None:
    jobs = run(recipe("Every night"), {**variables, **ON_SCHEDULE})
    assert {name: job.ended for name, job in jobs.items()} == {"nightly": "PASS"}
    assert "retry-contract-report/junit.xml" in jobs["nightly"].files


def test_nightly_job_warns_of_a_service_that_is_down(run: Run, variables: dict[str, str]) -> None:
    down = {"RETRY_CONTRACT_ENDPOINT": "http://127.0.0.1:9/api/v2"}
    jobs = run(recipe("Every night"), {**variables, **ON_SCHEDULE, **down})
    assert jobs["nightly"].ended == "WARN 3"


@pytest.mark.parametrize("given", [None, ""])
def test_nightly_job_without_an_endpoint_is_no_green_of_the_mock(
    given: str | None, run: Run, variables: dict[str, str]
) -> None:
    del variables["RETRY_CONTRACT_ENDPOINT"]
    if given is not None:
        variables["RETRY_CONTRACT_ENDPOINT"] = given
    text = recipe("Every night").replace(" --provision simulator", "")
    job = run(text, {**variables, **ON_SCHEDULE})["nightly"]
    assert job.ended == "FAIL 2"
    assert "RETRY_CONTRACT_ENDPOINT" in job.log
    assert job.files == []


def test_staging_is_held_to_each_contract_in_turn(
    run: Run, served: dict[str, Any], variables: dict[str, str]
) -> None:
    def ends(*jobs: str) -> dict[str, str]:
        (failed,) = controls(served, "POST", "messages", {"state": "failure"})["messages"]
        messages = {"BEFORE_MESSAGE": failed, "AFTER_MESSAGE": failed}
        done = run(recipe("Before a cutover"), {**variables, **BY_HAND, **messages}, *jobs)
        return {name: job.ended for name, job in done.items()}

    controls(served, "PUT", "contract", {"contract": "before"})
    assert ends("consumer", "before") == {"consumer": "PASS", "before": "PASS"}
    assert ends("after") == {"after": "FAIL 1"}
    controls(served, "PUT", "contract", {"contract": "after"})
    assert ends("after") == {"after": "PASS"}


def test_required_rule_that_was_not_seen_fails_the_job(
    run: Run, served: dict[str, Any], variables: dict[str, str]
) -> None:
    messages = {"AFTER_MESSAGE": served["messages"]["sent"]}
    done = run(recipe("Before a cutover"), {**variables, **BY_HAND, **messages}, "after")
    assert done["after"].ended == "FAIL 3"


@pytest.mark.parametrize(
    ("expected", "shown", "ended"),
    [("auto", "after", "PASS"), ("auto", "before", "FAIL 1"), ("served", "before", "PASS")],
)
def test_missed_cutover_is_seen_by_auto_alone(
    expected: str,
    shown: str,
    ended: str,
    run: Run,
    served: dict[str, Any],
    variables: dict[str, str],
) -> None:
    controls(served, "PUT", "contract", {"contract": shown})
    text = recipe("After it")
    assert "--contract auto" in text
    if expected == "served":  # for which one of the required rules is not exercised
        text = text.replace("--contract auto", "--contract served")
        text = text.replace("--require contract-in-force-served", "")
    assert run(text, {**variables, **BY_HAND})["cutover"].ended == ended


@pytest.mark.parametrize(("do", "ended"), [("exit 0", "PASS"), ("exit 7", "FAIL 7")])
def test_sandbox_is_around_the_teams_own_tests(
    do: str, ended: str, run: Run, tmp_path: Path, built: Path
) -> None:
    needs("npm")
    text = recipe("Around your own tests").replace("$RETRY_CONTRACT_PACKAGE", "$WHEEL")
    folder = project(tmp_path / "sms", {})
    scripts = {"test": f'test -n "$RETRY_CONTRACT_MESSAGE_FAILURE" && {do}'}
    (folder / "package.json").write_text(json.dumps({"scripts": scripts}), encoding="utf-8")
    assert run(text, {"WHEEL": built.as_uri()})["client"].ended == ended


def shell_step(script: str, prepared: Path, folder: Path, **given: str) -> Any:
    """Run a step of another pipeline in bash, with pip and Python in stand-ins' places."""
    (folder / "python3").write_text('#!/bin/sh\nexec cp -as "$PREPARED/." "$3"\n')
    (folder / "python3").chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    places = {"PATH": path, "PREPARED": str(prepared), "PIP_NO_INDEX": "1"}
    temporary = {"AGENT_TEMPDIRECTORY": str(folder), "WORKSPACE_TMP": str(folder)}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=clean(**places, **temporary, **given),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def azure() -> str:
    step = yaml.safe_load(recipe("Azure Pipelines"))["steps"][0]
    return str(step["script"])


def jenkins() -> str:
    (script,) = re.findall("'''\n(.*?)'''", recipe("Jenkins", "groovy"), re.DOTALL)
    return script.replace("\\\\", "\\")


@pytest.mark.parametrize("of", [azure, jenkins])
@pytest.mark.parametrize("case", ["kept", "unset", "silent"])
def test_step_of_another_pipeline_ends_by_the_outcome(
    of: Callable[[], str],
    case: str,
    prepared: Path,
    built: Path,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    if case == "unset":
        del variables["RETRY_CONTRACT_ENDPOINT"]
    if case == "silent":
        variables["RETRY_CONTRACT_ENDPOINT"] = "http://127.0.0.1:9/api/v2"
    done = shell_step(of(), prepared, tmp_path, RETRY_CONTRACT_PACKAGE=str(built), **variables)
    ends = {"kept": 0, "unset": 2, "silent": 0 if of is azure else 3}
    assert done.returncode == ends[case], done.stdout + done.stderr
    report = tmp_path / "retry-contract-report"
    assert report.exists() is (case != "unset")
    if of is azure:
        said = f"##vso[task.uploadsummary]{report}/summary.md" in done.stdout
        assert said is (case != "unset")
        assert ("result=SucceededWithIssues" in done.stdout) is (case == "silent")


def test_steps_of_azure_keep_its_schema(tmp_path: Path) -> None:
    file = tmp_path / "azure-pipelines.yml"
    file.write_text(recipe("Azure Pipelines"), encoding="utf-8")
    check = [needs("check-jsonschema"), "--builtin-schema", "vendor.azure-pipelines", str(file)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("at", [0, 1])
def test_shortest_job_of_the_page_is_a_job(at: int, run: Run, tmp_path: Path) -> None:
    text = recipes("GitLab", "yaml", PIPELINE)[at]
    folder = project(tmp_path / "sms", {})
    fetched = next(folder.rglob("retry-contract.yml"))
    (folder / "templates").mkdir()
    (folder / "templates" / fetched.name).write_text(fetched.read_text("utf-8"), "utf-8")
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    (job,) = run(text, {}).values()
    assert job.ended == "FAIL 2"
    assert "the endpoint is empty" in job.log
