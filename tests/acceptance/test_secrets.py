"""Nothing secret is left behind: every byte of every kind of run is searched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.forking import Forker, forker
from support.json_schemas import hold_file, hold_record
from support.server import Served
from support.watched import Watch, begin, reaching, watched

from retry_contract.service.faults.model import Wrap, is_retry, payloads, responses
from retry_contract.service.http import Handler, Request, Response, json_response
from retry_contract.service.model import Service, Settings
from retry_contract.verification.report_folder import FILES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NUMBER, NAME, HIDDEN = "6590001234", "Zebediah O'Quimby", "hidden-in-an-undocumented-field"
NRIC, NOTE = "S7654321B", "note for Zebediah-Quux"
TEXT = "This is a message to you"
TRACE = re.compile(rb"trace_[0-9a-f]{8}")

CRASHING = """
from retry_contract.verification.verification import Verification
real = Verification.check
def check(self, contract, rule):
    result = real(self, contract, rule)
    if rule == "recipient-kept":
        prober = self.run(contract).prober
        payload, key = prober.exchanges[-1].payload, prober.endpoint.key
        print(key, payload)
        raise ValueError(f"{key} {payload}")
    return result
Verification.check = check
"""
PROVIDING = """
def pytest_retry_contract_state(state):
    raise LookupError(f"{state} {NUMBER} {NAME}")
""".replace("{NUMBER}", NUMBER).replace("{NAME}", NAME)
INTERRUPTED = CRASHING.replace("print(key, payload)", "raise KeyboardInterrupt")


def _html(response: Response) -> Response:
    page = f"<html>{NUMBER} {NAME} {TEXT} {response.body.decode()}</html>"
    return Response(response.status, page.encode(), response.headers)


def _trace(response: Response) -> Response:
    said = f"Error: {NUMBER} {NAME}\n    at send (/app/node_modules/{NAME}.js:1:2) {TEXT}"
    return json_response(response.status, {"message": said, "statusCode": response.status})


def _undocumented(payload: dict[str, Any]) -> None:
    payload["note"] = {"text": [HIDDEN, NUMBER], "number": int(NUMBER)}
    payload[NUMBER] = NAME
    payload[NRIC] = payload[NOTE] = 1
    payload["nextField"] = {NRIC: [{NOTE: {"creatorId": "user_1"}}]}
    payload["values"][f"{NAME}"] = HIDDEN


def _nested(payload: dict[str, Any]) -> None:
    _undocumented(payload)
    del payload["creatorId"]


def _in_headers(_: Service, handle: Handler) -> Handler:
    def echo(request: Request) -> Response:
        response = handle(request)
        said = request.headers.get("authorization", "")
        kind = response.headers["content-type"] + f"; k={said}" if is_retry(request) else ""
        return Response(
            response.status, response.body, {**response.headers, "x": said, "allow": said + kind}
        )

    return echo


@dataclass(frozen=True)
class Planned:
    """A run to search the remains of. `plain` is plain pytest instead of `verify`."""

    exit_code: int
    arguments: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    wraps: tuple[Wrap, ...] = ()
    plugin: str = ""
    plain: bool = False


LOUD = ("--", "-l", "--tb=long", "-vv", "-rA", "--showlocals")
RUNS = {
    "passing as json": Planned(0, ("--json",)),
    "passing, logged": Planned(1, (*LOUD, "--log-cli-level=DEBUG"), wraps=(_in_headers,)),
    "key echoed": Planned(1, LOUD, faults=("key-echoed", "values-lost")),
    "html": Planned(1, ("--json",), wraps=(responses(_html, status=400),)),
    "stack trace": Planned(1, LOUD, wraps=(responses(_trace, status=400),)),
    "undocumented": Planned(1, ("--strict",), wraps=(payloads(_undocumented),)),
    "undocumented, nested": Planned(1, wraps=(payloads(_nested),)),
    "changed": Planned(1, LOUD, faults=("recipient-changed", "full-message-changed")),
    "generated": Planned(
        1,
        (
            *("--provision", "simulator", "--fuzz", "8", "--seed", "1"),
            *("--values", json.dumps({"name": NAME})),
            *("--", "-k", "generated"),
        ),
        faults=("id-changed",),
    ),
    "crashing, loud": Planned(3, LOUD, plugin=CRASHING),
    "crashing, traced": Planned(3, ("--", "--tb=native", "--full-trace"), plugin=CRASHING),
    "failing in the hook": Planned(2, LOUD, plugin=PROVIDING),
    "crashing under pytest": Planned(1, LOUD[1:], plugin=CRASHING, plain=True),
    "interrupted, traced": Planned(3, (*LOUD, "--full-trace"), plugin=INTERRUPTED),
}


def _seeded(served: Served) -> str:
    campaign = served.service.campaigns[served.campaign]
    message = served.service.add_message(campaign, NUMBER, {"name": NAME})
    message.status, message.course = "failure", ()
    return message.id


def _run(
    name: str, folder: Path, shell: Mapping[str, str], started: Forker
) -> tuple[int, Served, Watch]:
    planned = RUNS[name]
    arguments = list(planned.arguments)
    if planned.plugin:
        (folder / "meddling.py").write_text(planned.plugin, encoding="utf-8")
        arguments += [] if "--" in arguments or planned.plain else ["--"]
        arguments += ["-p", "meddling"]
    report, record = folder / "report", folder / "record.jsonl"
    on_github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "step_summary")}
    shell = {**shell, **on_github}
    settings = Settings(delivery=timedelta(milliseconds=20))
    with watched(faults=planned.faults, wraps=planned.wraps, settings=settings) as (served, watch):
        chosen = ["--message", _seeded(served)]
        chosen += ["--report", str(report), "--record", str(record)]
        chosen += ["--write-baseline", str(folder / "baseline.json")]
        chosen += ["--example-database", str(folder / "examples")]
        chosen += [] if "--fuzz" in arguments else ["--fuzz", "0"]
        if planned.plain:
            words = _pytest(served, chosen, arguments, folder)
            return begin(words, served, folder, shell).wait(60), served, watch
        words = ["verify", *served.options, *chosen, *arguments]
        return started.start(words, folder, reaching(served, folder, shell)).wait(), served, watch


def _pytest(served: Served, chosen: list[str], extra: list[str], folder: Path) -> list[str]:
    options = [f"--contract-{o[2:]}" if o[:2] == "--" else o for o in [*served.options, *chosen]]
    fixed = ["-o", "addopts=--import-mode=importlib", "-o", f"cache_dir={folder / 'pytest-cache'}"]
    fixed += [f"--junit-xml={folder / 'junit.xml'}"]
    return ["-m", "pytest", *fixed, *options, *extra, str(ROOT / "contract_tests")]


@dataclass(frozen=True)
class Remains:
    """What a run left: its files by name, standard output and error among them."""

    exit_code: int
    files: dict[str, bytes]
    key: str
    campaign: str
    requests: int

    def secrets(self) -> dict[str, list[str]]:
        """The files in which each secret is found."""
        secrets = [self.key, NUMBER, NAME, TEXT, HIDDEN, f"{self.campaign}@postman.gov.sg"]
        secrets += ["Quimby", "Zebediah", NRIC, "Quux"]
        found = {
            secret: [name for name, text in self.files.items() if secret in f"{name} {_text(text)}"]
            for secret in secrets
        }
        found["a trace id"] = [name for name, text in self.files.items() if TRACE.search(text)]
        return {secret: names for secret, names in found.items() if names}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def remains(
    tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]
) -> Iterator[dict[str, Remains]]:
    folders = {name: tmp_path_factory.mktemp("run") for name in RUNS}

    def run(name: str) -> Remains:
        code, served, watch = _run(name, folders[name], shell, started)
        hold_file("verify", folders[name] / "report" / "report.json")
        hold_record(folders[name] / "record.jsonl")
        files = {
            str(path.relative_to(folders[name])): path.read_bytes()
            for path in folders[name].rglob("*")
            if path.is_file() and not path.name.startswith("meddling")
        }
        return Remains(code, files, served.key, served.campaign, len(watch.seen))

    with forker(shell) as started, ThreadPoolExecutor(max_workers=4) as pool:
        yield dict(zip(RUNS, pool.map(run, RUNS), strict=True))


@pytest.mark.parametrize("name", RUNS)
def test_no_secret_is_left_behind(name: str, remains: dict[str, Remains]) -> None:
    left = remains[name]
    assert left.exit_code == RUNS[name].exit_code, left.files["stderr"].decode()[-2000:]
    assert left.secrets() == {}
    reports = {f"report/{name}" for name in FILES}
    assert {"record.jsonl", "step_summary", "baseline.json", *reports} <= set(left.files)


@pytest.mark.parametrize("name", RUNS)
def test_record_holds_a_line_for_each_exchange(name: str, remains: dict[str, Remains]) -> None:
    left = remains[name]
    lines = [json.loads(line) for line in left.files["record.jsonl"].decode().splitlines()]
    counted = json.loads(left.files["report/report.json"])["requests"]
    assert counted == left.requests
    assert len(lines) == counted
    assert {"time", "call", "method", "path", "status", "headers"} <= set(lines[0])
    assert all(("body" in line) != ("problem" in line) for line in lines)


def test_baselines_hold_what_was_broken_and_what_drifted(remains: dict[str, Remains]) -> None:
    rules = {
        name: {entry["rule"] for entry in json.loads(left.files["baseline.json"])["entries"]}
        for name, left in remains.items()
    }
    assert rules["passing as json"] == set()
    assert "no-secret-echoed" in rules["key echoed"]
    assert "drift" in rules["undocumented"]


def test_runs_are_what_they_claim_to_be(remains: dict[str, Remains]) -> None:
    outputs = {
        name: _text(left.files["stderr"] + left.files["stdout"]) for name, left in remains.items()
    }
    for name in (name for name in RUNS if name.startswith("crashing")):
        assert "could not be checked" in outputs[name], name
        assert "inside the kit" in outputs[name], name
    assert "meddling.py:" in outputs["crashing, loud"]
    assert "interrupted" in outputs["interrupted, traced"]
    assert json.loads(remains["html"].files["stdout"])["outcome"] == "broken"
    for name in ("undocumented", "undocumented, nested"):
        assert "drift: /[masked]" in outputs[name], name
        assert "drift: /nextField" in outputs[name], name
        assert "nextField" in _text(remains[name].files["record.jsonl"]), name
    assert "nested at /nextField/[masked]/0/[masked]/creatorId" in outputs["undocumented, nested"]
    assert "\n::error title=" in f"\n{outputs['changed']}"
    replayed = [line for line in outputs["generated"].splitlines() if "  replay  " in line]
    assert replayed
    assert all("[masked]" in line and "--replay" in line for line in replayed)


def test_record_that_cannot_be_written_is_a_usage_error(here: Any, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "absent" / "record.jsonl"):
        done = here("verify", "--record", file)
        assert (done.returncode, done.stdout) == (2, "")
        assert str(file) in done.stderr
