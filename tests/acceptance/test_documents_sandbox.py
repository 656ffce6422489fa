"""Every recipe of docs/sandbox.md is run, as it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from support.recipes import PAGE, Place, job, place, recipes
from support.started import document_of, started, variables_in, wait_until_written
from support.tools import needs

from retry_contract.cli.sandbox_command import message_variable, variables

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")

AROUND, BACKGROUND = "Around a test command", "In the background"
CUTOVER, SERVICE = "Through the cutover", "As a container's service"
RETRIES = """
import assert from "node:assert/strict";
import { test } from "node:test";
const { env } = process;
const campaign = `${env.RETRY_CONTRACT_ENDPOINT}/campaigns/${env.RETRY_CONTRACT_CAMPAIGN}`;
const headers = { authorization: `Bearer ${env.POSTMAN_API_KEY}` };
const retry = (id) => fetch(`${campaign}/messages/${id}/retry`, { method: "POST", headers });
const retrieve = async (id) => (await fetch(`${campaign}/messages/${id}`, { headers })).json();
"""
ACCEPTED = """
test("a failed message is retried", async () => {
  assert.equal((await retry(env.RETRY_CONTRACT_MESSAGE_FAILURE)).status, 201);
  assert.equal((await retry(env.RETRY_CONTRACT_MESSAGE_SENT)).status, 400);
});
"""
WRONG = """
test("a sent message is retried", async () => {
  assert.equal((await retry(env.RETRY_CONTRACT_MESSAGE_SENT)).status, 201);
});
"""
PASSES = """
test("the cutover passes", { timeout: 30000 }, async () => {
  const seen = [];
  do seen.push("creatorId" in (await retrieve(env.RETRY_CONTRACT_MESSAGE_SENT)));
  while (!seen.at(-1));
  assert.equal(seen[0], false);
});
"""
PASSED = """
test("the cutover has passed", async () => {
  const response = await retry(env.RETRY_CONTRACT_MESSAGE_FAILURE);
  assert.ok("creatorId" in (await response.json()));
});
"""


@pytest.fixture
def tools(shell: dict[str, str], tmp_path: Path) -> Place:
    """A place with stand-ins for all the build tools, and pip."""
    return place(tmp_path, shell, "mvn", "gradle", "npm", "pip")


@pytest.fixture
def node(shell: dict[str, str], tmp_path: Path) -> Place:
    """A place with a project of Node's, whose test is yet to be written."""
    needs("node")
    needs("npm")
    prepared = place(tmp_path, shell)
    package = {"name": "sms", "private": True, "scripts": {"test": "node --test"}}
    (prepared.folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    return prepared


def write_test(node: Place, code: str) -> None:
    (node.folder / "retry.test.mjs").write_text(RETRIES + code, encoding="utf-8")


def documented_names() -> list[str]:
    """The names of the page's table, with those that it cuts short written out."""
    page = PAGE.read_text(encoding="utf-8").split("\n## In the environment\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    names = re.findall("`(.*?)`", " ".join(cells))
    return [name.replace("…_", "RETRY_CONTRACT_MESSAGE_") for name in names]


def test_table_names_every_variable(tools: Place) -> None:
    done = tools.run(recipes(AROUND)[0])
    assert done.returncode == 0, done.stderr
    assert sorted(documented_names()) == sorted(tools.variables("mvn"))


def test_table_says_which_messages_are_accepted(shell: dict[str, str]) -> None:
    rows = dict[str, bool]()
    for names, what in re.findall(r"^\| (`.*?) \| (.*) \|$", PAGE.read_text("utf-8"), re.M):
        for name in re.findall("`(?:RETRY_CONTRACT_MESSAGE|…)_(.*?)`", names):
            rows["RETRY_CONTRACT_MESSAGE_" + name] = "accepted" in what
            assert "accepted" in what or "refused" in what
    with started(shell, "--json") as process:
        served = document_of(process)
        statuses = {}
        for state, message in served["messages"].items():
            url = f"{served['endpoint']}/campaigns/{served['campaign']}/messages/{message}/retry"
            key = {"authorization": f"Bearer {served['key']}"}
            response = httpx.post(url, headers=key, trust_env=False)
            statuses[message_variable(state)] = response.status_code == 201
    assert rows == statuses


@pytest.mark.parametrize(
    ("at", "tool", "said"),
    [(0, "mvn", "--batch-mode test"), (1, "gradle", "--no-daemon test"), (2, "npm", "test")],
)
@pytest.mark.parametrize("status", [0, 5])
def test_build_tool_finds_the_sandbox_and_its_status_is_told(
    at: int, tool: str, said: str, status: int, tools: Place
) -> None:
    done = tools.run(recipes(AROUND)[at], DO=f"exit {status}")
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    assert tools.arguments(tool) == said
    assert tools.variables(tool)["RETRY_CONTRACT_ENDPOINT"].startswith("http://127.0.0.1:")


@pytest.mark.slow
@pytest.mark.parametrize(("code", "status"), [(ACCEPTED, 0), (WRONG, 1)])
@pytest.mark.parametrize("recipe", [(AROUND, 2), (BACKGROUND, 0)], ids=lambda r: r[0])
def test_npm_test_retries(recipe: tuple[str, int], code: str, status: int, node: Place) -> None:
    write_test(node, code)
    done = node.run(recipes(recipe[0])[recipe[1]])
    assert done.returncode == status, done.stdout + done.stderr
    assert re.search(r"# tests 1\b|tests 1\b", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("at", "code"), [(0, PASSES), (1, PASSED)])
def test_npm_test_sees_the_cutover(at: int, code: str, node: Place) -> None:
    write_test(node, code)
    done = node.run(recipes(CUTOVER)[at])
    assert done.returncode == 0, done.stdout + done.stderr


def test_jobs_of_gitlab_are_the_recipes() -> None:
    assert job(AROUND)["script"] == recipes(AROUND)[2].splitlines()
    assert ["set -e", *job(BACKGROUND)["script"]] == recipes(BACKGROUND)[0].splitlines()
    (service,) = job(SERVICE)["services"]
    (alone,) = recipes(SERVICE)
    assert service["command"][:2] == ["sh", "-c"]
    assert service["command"][2].endswith(f" && exec {alone.strip()}")
    assert service["alias"] in alone


@pytest.fixture(params=["bash", "sh"])
def posix(request: pytest.FixtureRequest) -> str:
    return needs(request.param)


WITH_INT = ("kill $sandbox", "kill -INT $sandbox")


@pytest.mark.parametrize("change", [("", ""), WITH_INT], ids=["TERM", "INT"])
@pytest.mark.parametrize("status", [0, 7])
def test_sandbox_in_the_background_is_stopped_however_the_script_ends(
    change: tuple[str, str], status: int, posix: str, tools: Place
) -> None:
    (script,) = recipes(BACKGROUND)
    done = tools.run(script.replace(*change), posix, DO=f"exit {status}")
    assert (done.returncode, done.stderr) == (status, "")
    assert {file.name for file in tools.folder.iterdir()} == {"sandbox.log"}
    with pytest.raises(httpx.ConnectError):
        httpx.get(tools.variables("npm")["RETRY_CONTRACT_SANDBOX"] + "/", trust_env=False)


def test_wait_ends_where_the_sandbox_does_not_start(posix: str, tools: Place) -> None:
    script = recipes(BACKGROUND)[0].replace("seq 300", "seq 100000")
    done = tools.run(script.replace("--port 0", "--port none"), posix)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("retry-contract sandbox: --port none: give a whole number")
    assert not tools.has_run("npm")


def test_file_of_a_killed_sandbox_is_not_taken_for_the_new_one(posix: str, tools: Place) -> None:
    stale = "RETRY_CONTRACT_ENDPOINT=http://127.0.0.1:1/api/v2\n"
    (tools.folder / "sandbox.env").write_text(stale, encoding="utf-8")
    done = tools.run(recipes(BACKGROUND)[0], posix)
    assert (done.returncode, done.stderr) == (0, "")
    assert tools.variables("npm")["RETRY_CONTRACT_ENDPOINT"] != "http://127.0.0.1:1/api/v2"


def test_wait_is_bounded(posix: str, tools: Place) -> None:
    """As where a sandbox hangs."""
    programs = Path(tools.environment["PATH"].split(os.pathsep)[0])
    (programs / "retry-contract").write_text("#!/bin/sh\nexec sleep 100\n", encoding="utf-8")
    (script,) = recipes(BACKGROUND)
    assert "$(seq 300)" in script
    done = tools.run(script.replace("seq 300", "seq 3"), posix)
    assert done.returncode != 0
    assert not tools.has_run("npm")


@pytest.fixture
def service(tools: Place) -> Iterator[dict[str, str]]:
    """The variables of a sandbox that is served as by the container, at a free port."""
    (asked,) = job(SERVICE)["services"]
    own = tools.folder.parent / "service.env"
    more = {"MORE_OPTIONS": f"--port 0 --env-file {own}", "RETRY_CONTRACT_PACKAGE": "a b[sandbox]"}
    process = subprocess.Popen(
        asked["command"],
        cwd=tools.folder,
        env={**tools.environment, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield variables_in(wait_until_written(own))
        assert tools.arguments("pip") == "install a b[sandbox]"
        process.terminate()
        _, err = process.communicate(timeout=10)
        assert process.returncode == 0
        assert "--listen 0.0.0.0: everybody who reaches this machine" in err
    finally:
        process.kill()
        process.communicate()


RETRY = """
curl -sS -o /dev/null -w '%{http_code}' -X POST -H "Authorization: Bearer $POSTMAN_API_KEY" \\
  "$RETRY_CONTRACT_ENDPOINT/campaigns/$RETRY_CONTRACT_CAMPAIGN/messages/\
$RETRY_CONTRACT_MESSAGE_FAILURE/retry"
"""


def test_job_reaches_the_sandbox_of_a_service(
    service: dict[str, str], tools: Place, tmp_path: Path
) -> None:
    """By its name, which here leads to this machine."""
    needs("curl")
    needs("node")
    port = urlsplit(service["RETRY_CONTRACT_ENDPOINT"]).port
    leads = f'connect-to = "sandbox:8020:127.0.0.1:{port}"\nnoproxy = "*"\n'
    (tmp_path / ".curlrc").write_text(leads, encoding="utf-8")
    script = "\n".join(["set -e", *job(SERVICE)["script"]])
    done = tools.run(script, DO=RETRY, **job(SERVICE)["variables"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "201", "")


def test_port_of_the_service_is_that_of_the_sandbox(shell: dict[str, str]) -> None:
    (asked,) = job(SERVICE)["services"]
    given = job(SERVICE)["variables"].values()
    ports = {urlsplit(url).port for url in given}
    assert ports == {int(asked["variables"]["HEALTHCHECK_TCP_PORT"])} == {8020}
    described = dict.fromkeys(("endpoint", "control", "key", "campaign", "revoked_key"), "")
    assert set(job(SERVICE)["variables"]) <= set(
        variables({**described, "messages": {}, "foreign": {"campaign": ""}})
    )
