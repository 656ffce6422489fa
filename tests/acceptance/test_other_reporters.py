"""The reports of other people's plugins: each has the broken rule, and nothing that is secret."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.planted import NAME, NRIC, NUMBER
from support.server import Served
from support.tools import missing
from support.watched import begin, watched

from retry_contract.service.faults.model import payloads
from retry_contract.service.model import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ("pytest_html", "allure_pytest", "ctrf", "pytest_github_actions_annotate_failures")
REPORTS = ("--html=html/report.html", "--alluredir=allure", "--ctrf=ctrf.json")
LOUD = ("-l", "--tb=long", "-rA", "-p", "no:cacheprovider", "-p", "meddling")
TEXT, HIDDEN = "This is a message to you", "hidden-in-an-undocumented-field"
BROKEN, CAME = "test_message_id_kept[after-2025-02-24]", "another string of 44 characters"

MEDDLING = """
import logging
from retry_contract.verification.verification import Verification
real = Verification.check
def check(self, contract, rule):
    result = real(self, contract, rule)
    if rule == "recipient-kept":
        prober = self.run(contract).prober
        payload, key = prober.exchanges[-1].payload, prober.endpoint.key
        print(key, payload)
        logging.getLogger("meddling").warning("%s %s", key, payload)
        raise ValueError(f"{key} {payload}")
    return result
Verification.check = check
"""
OWN = """
import os
import pytest

def payload_of(scenario):
    documented = dict(scenario.exchanges[0].payload)
    del documented["note"]  # of an undocumented member nobody knows that it is personal
    return documented

@pytest.fixture
def given(accepted_retry):
    payload = payload_of(accepted_retry)
    raise LookupError(os.environ["POSTMAN_API_KEY"], payload)

class Unreadable(Exception):
    def __init__(self, payload):
        super().__init__()
        self.payload = payload

    def __str__(self):
        return f"no {self.payload}"

def test_fixture(given):
    pass

def test_assertion(accepted_retry):
    payload = payload_of(accepted_retry)
    print(payload)
    assert payload["values"] == {"name": "Ann"}, payload["recipient"]

def test_error_of_its_own(accepted_retry):
    raise Unreadable(payload_of(accepted_retry))

def test_skipped(accepted_retry):
    pytest.skip(f"not for {payload_of(accepted_retry)['values']}")

def test_expected_to_fail(accepted_retry):
    pytest.xfail(f"not for {payload_of(accepted_retry)['recipient']}")
"""
SESSIONS = {
    "checkout": (str(ROOT / "contract_tests"),),
    "installed": ("--pyargs", "retry_contract.contract_tests", "test_own.py"),
}


def _undocumented(payload: dict[str, Any]) -> None:
    payload["id"] = payload["id"][::-1]
    payload["note"] = {"text": [HIDDEN, NUMBER], "number": int(NUMBER)}
    payload[NUMBER] = NAME
    payload[NRIC] = 1


@dataclass(frozen=True)
class Left:
    """What a session left: its exit code, its files by name, outputs among them, and the key."""

    exit_code: int
    files: Mapping[str, str]
    key: str

    def read(self, beginning: str) -> str:
        """The text of the files whose names begin so, without the escapes of HTML and JSON."""
        texts = [text for name, text in self.files.items() if name.startswith(beginning)]
        assert texts, sorted(self.files)
        return html.unescape("\n".join(texts)).replace("\\n", "\n").replace('\\"', '"')

    def secrets(self) -> dict[str, list[str]]:
        """The files in which each secret is found."""
        secrets = (self.key, NUMBER, NRIC, NAME, "Quimby", TEXT, HIDDEN)
        texts = {name: f"{name} {text}\n{html.unescape(text)}" for name, text in self.files.items()}
        found = {s: [name for name, text in texts.items() if s in text] for s in secrets}
        return {secret: names for secret, names in found.items() if names}


def _seeded(served: Served) -> str:
    campaign = served.service.campaigns[served.campaign]
    message = served.service.add_message(campaign, NUMBER, {"name": NAME})
    message.status, message.course = "failure", ()
    return message.id


def _run(name: str, folder: Path, shell: Mapping[str, str]) -> Left:
    (folder / "meddling.py").write_text(MEDDLING, encoding="utf-8")
    (folder / "test_own.py").write_text(OWN, encoding="utf-8")
    settings = Settings(delivery=timedelta(milliseconds=20))
    with watched(wraps=(payloads(_undocumented),), settings=settings) as (served, _):
        given = [*served.options, "--message", _seeded(served), "--fuzz", "0"]
        options = [f"--contract-{word[2:]}" if word[:2] == "--" else word for word in given]
        fixed = ["-m", "pytest", "-o", "addopts=--import-mode=importlib", *LOUD, *REPORTS]
        words = [*fixed, *options, *SESSIONS[name]]
        variables = {**shell, "GITHUB_ACTIONS": "true"}
        code = begin(words, served, folder, variables).wait(60)
    own = ("meddling.py", "test_own.py")
    found = [path for path in folder.rglob("*") if path.is_file() and path.name not in own]
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "replace")
        for path in found
        if path.suffix != ".pyc"
    }
    return Left(code, files, served.key)


@pytest.fixture(scope="module")
def sessions(
    tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]
) -> Iterator[Mapping[str, Left]]:
    for plugin in PLUGINS:
        try:
            __import__(plugin)
        except ImportError:
            missing(f"{plugin} is not installed: uv sync --group reporters")
    with ThreadPoolExecutor(max_workers=2) as pool:
        run = {n: pool.submit(_run, n, tmp_path_factory.mktemp(n), shell) for n in SESSIONS}
        yield {name: future.result() for name, future in run.items()}


@pytest.fixture(params=SESSIONS)
def left(request: pytest.FixtureRequest, sessions: Mapping[str, Left]) -> Left:
    return sessions[request.param]


def test_nothing_secret_is_in_any_file(left: Left) -> None:
    assert left.exit_code == 1, left.files["stdout"][-3000:]
    assert json.dumps(left.secrets()) == "{}"


def test_page_of_pytest_html_has_the_broken_rule(left: Left) -> None:
    page = left.read("html/report.html")
    assert BROKEN in page
    assert f"came      {CAME}" in page


def test_results_of_allure_have_the_broken_rule(left: Left) -> None:
    results = [json.loads(t) for n, t in left.files.items() if n.endswith("-result.json")]
    by_name = {result["name"]: result for result in results}
    assert by_name[BROKEN]["status"] == "failed"
    assert CAME in by_name[BROKEN]["statusDetails"]["message"]
    assert (
        "could not be checked"
        in by_name["test_recipient_kept[after-2025-02-24]"]["statusDetails"]["message"]
    )


def test_report_in_the_format_of_ctrf_has_the_broken_rule(left: Left) -> None:
    tests = json.loads(left.files["ctrf.json"])["results"]["tests"]
    (found,) = [test for test in tests if BROKEN in test["name"]]
    assert found["status"] == "failed"
    assert CAME in json.dumps(found)


def test_annotations_have_the_broken_rule(left: Left) -> None:
    lines = re.findall(r"^::error .*$", left.files["stderr"], re.MULTILINE)
    (line,) = [line for line in lines if BROKEN in line]
    assert CAME in line


def test_own_tests_keep_their_outcomes(sessions: Mapping[str, Left]) -> None:
    tests = json.loads(sessions["installed"].files["ctrf.json"])["results"]["tests"]
    states = {
        name: test["status"]
        for test in tests
        if (name := test["name"].rpartition("::")[2].partition("[")[0]) in OWN
    }
    assert states == {
        "test_fixture": "failed",
        "test_assertion": "failed",
        "test_error_of_its_own": "failed",
        "test_skipped": "skipped",
        "test_expected_to_fail": "skipped",
    }
