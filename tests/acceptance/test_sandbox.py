"""`retry-contract sandbox`, as a user runs it."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
from support.sample import one_in
from support.started import document_of, started

from retry_contract.cli import sandbox as cli
from retry_contract.service.faults import FAULTS

Done = CompletedProcess[str]


ENDINGS = [
    signal.Signals[name]
    for name in ("SIGINT", "SIGHUP", "SIGTERM", "SIGQUIT")
    if name in signal.Signals.__members__
]


def _retry(served: Any, message: str) -> httpx.Response:
    url = f"{served['endpoint']}/campaigns/{served['campaign']}/messages/{message}/retry"
    return httpx.post(url, headers={"authorization": f"Bearer {served['key']}"}, trust_env=False)


def _retrieve(served: Any, message: str) -> httpx.Response:
    url = f"{served['endpoint']}/campaigns/{served['campaign']}/messages/{message}"
    return httpx.get(url, headers={"authorization": f"Bearer {served['key']}"}, trust_env=False)


def _move_clock(served: Any, seconds: float) -> None:
    url = served["control"] + "/clock"
    httpx.put(url, json={"forward": seconds}, trust_env=False).raise_for_status()


@pytest.mark.parametrize("end", one_in(2, ENDINGS))
def test_it_serves_what_it_says_until_it_is_ended(end: int, shell: dict[str, str]) -> None:
    with started(shell, "--json", "--contract", "before") as process:
        served = document_of(process)
        assert next(iter(served.items())) == ("format", 1)
        assert served["contract"] == "before-2025-02-24"
        response = _retry(served, served["messages"]["failure"])
        assert (response.status_code, "creatorId" in response.json()) == (201, False)
        assert _retry(served, served["messages"]["sent"]).status_code == 400
        process.send_signal(end)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_cutover_passes_while_the_client_watches(shell: dict[str, str]) -> None:
    with started(shell, "--json", "--cutover-in", "1") as process:
        served = document_of(process)
        assert served["now"] == "2025-02-23T23:59:59+08:00"
        shown = [False]
        deadline = time.monotonic() + 10
        while not shown[-1] and time.monotonic() < deadline:
            response = _retrieve(served, served["messages"]["sent"])
            shown.append("creatorId" in response.json())
    assert shown[1:].count(False) >= 1
    assert shown[-1] is True


def test_message_fails_after_the_time_that_is_asked_for(shell: dict[str, str]) -> None:
    with started(shell, "--json", "--fail-after", "999.5") as process:
        served = document_of(process)
        message = served["messages"]["failure"]
        assert (served["fail_after"], _retry(served, message).status_code) == (999.5, 201)
        statuses = []
        for forward in (900, 99.5):
            _move_clock(served, forward)
            statuses.append(_retrieve(served, message).json()["latestStatus"])
    assert statuses == ["sent", "failure"]


def test_it_answers_for_this_machine_and_for_the_names_that_it_is_given(
    shell: dict[str, str],
) -> None:
    names = ("--allow-host", "box.example", "--allow-host", "Other_box.")
    with started(shell, "--json", *names) as process:
        control = document_of(process)["control"]
        statuses = {
            host: httpx.get(control, headers={"host": host}, trust_env=False).status_code
            for host in ("localhost", "box.example:8020", "other_box", "evil.example")
        }
    assert list(statuses.values()) == [200, 200, 200, 403]


def test_text_names_everything_that_a_client_needs(shell: dict[str, str]) -> None:
    with started(shell, "--fault", "id-changed", "--fault", "answers-200") as process:
        assert process.stdout is not None
        lines = [next(process.stdout).rstrip() for _ in range(9)]
    assert lines[0].startswith("base URL  http://127.0.0.1:")
    assert lines[0].endswith("/api/v2")
    assert lines[1].endswith("/_sandbox")
    assert lines[3] == "faults    id-changed, answers-200"
    assert [line.split()[0] for line in lines[5:9]] == [
        *("campaign", "key", "revoked", "failure"),
    ]


@pytest.mark.slow
def test_replay_starts_such_a_sandbox_again(here: Callable[..., Done], tmp_path: Path) -> None:
    program, out = f"{sys.executable} -m retry_contract", tmp_path / "out"
    words = ("sandbox", "--port", "0", "--fault", "id-changed", "--cap", "retries", "--run")
    here(*words, f"{program} verify --fuzz 0 > {out}")
    first = out.read_text(encoding="utf-8")
    (replay,) = re.findall("^ +replay +(.*)$", first, re.MULTILINE)
    assert replay == (
        "retry-contract sandbox --port 0 --cap retries --fault id-changed --run "
        "'retry-contract verify --contract after-2025-02-24 --fuzz 0'"
    )
    _, *again, command = shlex.split(replay)
    here(*again, f"{command.replace('retry-contract', program)} > {out}")
    assert out.read_text(encoding="utf-8").splitlines()[-1] == first.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("fault", one_in(2, ["id-changed", None]))
def test_verify_runs_beside_it_and_its_exit_code_is_told(
    fault: str | None, command: Callable[..., Done]
) -> None:
    run = f'"{sys.executable}" -m retry_contract verify --fuzz 0 --contract after'
    faults = ["--fault", fault] if fault else []
    done = command("sandbox", "--port", "0", *faults, "--run", run)
    assert done.returncode == bool(fault), done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith(
        "BROKEN after-2025-02-24: 1 cause" if fault else "KEPT by http://127.0.0.1:"
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_it_serves_is_printed_before_it_waits(
    form: str, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "wait_for_signal", lambda _: 2)
    options = [
        "--on",
        "2025-02-01",
        "--fault",
        "id-changed",
        *(["--json"] if form == "json" else []),
    ]
    done = here("sandbox", "--port", "0", *options)
    assert (done.returncode, done.stderr) == (0, "")
    if form == "json":
        served = json.loads(done.stdout)
        assert (served["contract"], served["faults"]) == ("before-2025-02-24", ["id-changed"])
        assert served["fail_after"] == 0.3
    else:
        assert (
            "contract  before-2025-02-24, at 2025-02-01T00:00:00+08:00 by its clock" in done.stdout
        )
        assert done.stdout.endswith("Serving on loopback; Ctrl-C ends it.\n")


BAD = {
    "--port x": "--port x",
    "--port 70000": "--port 70000: give a whole number from 0 to 65535",
    "--contract x": "--contract x: no such contract; use one of before, after, auto",
    "--on 2025-02-30": "--on: '2025-02-30' is not a possible date",
    "--on 0001-01-01": "--on 0001-01-01: give an instant from 2000 to 2099",
    "--on 9999-12-31": "--on 9999-12-31: give an instant from 2000 to 2099",
    "--cutover-in x": "--cutover-in x",
    "--cutover-in 9999999": "--cutover-in 9999999: give a number above 0 and below 1000000",
    "--cutover-in 1 --contract after": "--cutover-in sets the clock",
    "--cutover-in 1 --on 2025-02-01": "--cutover-in sets the clock",
    "--allow-host http://box": "--allow-host http://box: give a name or an IPv4 address alone",
    "--allow-host box:80": "--allow-host box:80: give a name or an IPv4 address alone",
    "--allow-host *": "--allow-host *: give a name or an IPv4 address alone",
    "--fail-after -1": "--fail-after -1: give a number 0 or more",
    "--fail-after soon": "--fail-after soon: give a number 0 or more",
    "--fail-after 1000000": "--fail-after 1000000: give a number 0 or more and below 1000000",
    "--contract befor": "--contract befor: no such contract; did you mean before?",
    "--fault x": "--fault x: no such fault; see: retry-contract sandbox --fault list",
    "--fault creator-id-mising": "--fault creator-id-mising: no such fault; did you mean creator",
    "--fault reply-drips": "--fault reply-drips was renamed: use response-drips",
    "--fault no_reply": "--fault no_reply was renamed: use no-response",
    "--errors x": "--errors x: give nested or flat",
    "--cap x": "--cap x: give attempts or retries",
    "--timeout 5": "--timeout: goes with --run alone, whose command it ends",
    "--timeout 0 --run true": "--timeout 0: give a number above 0",
    "--timeout soon --run true": "--timeout soon: give a number above 0",
    "--rate 0": "--rate 0: give a whole number from 1 to 999999999",
    "--prot 1": "unrecognized arguments: --prot and a word that is no option; did you mean --port",
}


def test_faults_are_listed(here: Callable[..., Done]) -> None:
    done = here("sandbox", "--fault", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(FAULTS)
    document = json.loads(here("sandbox", "--fault", "list", "--json").stdout)
    assert document["format"] == 1
    assert document["faults"][0] == {
        "fault": "creator-id-missing",
        "sentence": "creatorId is left out.",
        "rule": "creator-id-as-contracted",
    }


def test_what_it_serves_is_not_printed_into_the_output_of_a_command(
    here: Callable[..., Done],
) -> None:
    done = here("sandbox", "--json", "--run", "echo run")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--json: goes without --run" in done.stderr
    assert "run\n" not in done.stdout


@pytest.mark.parametrize("options", BAD)
def test_bad_option_is_one_line(options: str, here: Callable[..., Done]) -> None:
    done = here("sandbox", *options.split())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"retry-contract sandbox: {BAD[options]}")


def test_missing_server_is_one_line(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("server", "connection"):
        monkeypatch.delitem(sys.modules, f"retry_contract.endpoint.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "httptools", None)
    done = here("sandbox")
    assert done.returncode == 2
    assert "install retry-contract with its extra `sandbox`" in done.stderr


@pytest.mark.parametrize("command", ["", "  "])
def test_empty_command_is_no_green(here: Callable[..., Done], command: str) -> None:
    done = here("sandbox", "--port", "0", "--run", command)
    assert done.returncode == 2
    assert done.stderr == "retry-contract sandbox: --run: the command is empty\n"
