"""`retry-contract consumer --client`, as a user runs it on code that makes the call."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from retry_contract.consumer.client import client_check
from retry_contract.contract.catalogue import catalogue, newest_pair
from retry_contract.service.staged_calls import calls_by_scenario

Done = CompletedProcess[str]
slow = pytest.mark.slow
NAMES = tuple(calls_by_scenario(newest_pair(catalogue()), catalogue().timeline))
REFUSALS = NAMES[4:11]

APP = """
import contextlib, os, sys, threading, urllib.error, urllib.request, json

PATH = "/campaigns/{}/messages/{}/retry"

def post(base_url, api_key, campaign_id, message_id, path=PATH):
    url = base_url + path.format(campaign_id, message_id)
    headers = {"Authorization": f"Bearer {api_key}"}
    request = urllib.request.Request(url, method="POST", headers=headers)
    return urllib.request.urlopen(request, timeout=1.0)

def good(*given):
    with post(*given) as response:
        read = json.loads(response.read(50_000))
    return {"id": read["id"], "status": read["latestStatus"]}

def body(*given):
    try:
        with post(*given) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        return json.loads(error.read())
    except (OSError, ValueError):
        return {}

def accepted(result): return "latestStatus" in result
def unsure(result): return result["latestStatus"]
def fails(result): return result["nothing"]

def typo(*given):
    with post(*given, path="/campaign/{}/messages/{}/retry") as response:
        return response.read()

def prints(base_url, api_key, *ids):
    print(f"calling with {api_key}")
    return good(base_url, api_key, *ids)

def raises(base_url, api_key, *ids):
    try:
        return good(base_url, api_key, *ids)
    except Exception:
        raise ValueError("failed") from PermissionError(f"refused {api_key}")

def counts(*given):
    with post(*given) as response:
        return {"n": len(json.loads(response.read()))}

fields = []
def learns(*given):
    with post(*given) as response: read = json.loads(response.read())
    if not fields: fields.extend(read)
    return {"id": read["id"], "status": read["latestStatus"] if set(fields) == set(read) else "?"}

def endless(*given):
    while True:
        with contextlib.suppress(OSError, ValueError):
            return good(*given)

def waits(*given):
    threading.Event().wait()

def quits(*given):
    os._exit(3)

def floods(*given):
    line = "x" * 1000
    for _ in range(2_000): print(line)
    return good(*given)

def finds_a_real_key(*given):
    if os.environ["POSTMAN_API_KEY"].endswith("real") or "RETRY_CONTRACT_ENDPOINT" in os.environ:
        raise ValueError("a setting of the user's")
    return good(*given)

def shows_a_real_key(*given):
    key = open("key").read()
    try:
        with post(*given) as response: return {"n": "z" * 40 + key, "m": len(response.read())}
    except OSError: return {"headers": {"h": "z" * 60 + key}, key: 1}

def two(base_url, message_id): pass
"""
COMMAND = """
import os, sys, urllib.request
url, campaign, message = (
    os.environ[f"RETRY_CONTRACT_{name}"] for name in ("ENDPOINT", "CAMPAIGN", "MESSAGES")
)
url = f"{url}/campaigns/{campaign}/messages/{message}/retry"
key = os.environ["POSTMAN_API_KEY"]
print("starting")
headers = {"Authorization": f"Bearer {key}"}
request = urllib.request.Request(url, method="POST", headers=headers)
try:
    with urllib.request.urlopen(request, timeout=1.0) as response:
        body = response.read().decode()
        assert body.endswith("}")
    print(body)
except (OSError, AssertionError) as error:
    print(type(error).__name__, file=sys.stderr)
    sys.exit("prints" in sys.argv or 4)
finally:
    if "leak" in sys.argv: print("the key is", key)
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "client.py").write_text(COMMAND, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(app: Path, here: Callable[..., Done]) -> Callable[..., Any]:
    """Try a client; return the exit code, the document, and its scenarios by name."""

    def run(*words: str) -> tuple[int, dict[str, Any], dict[str, dict[str, Any]]]:
        done = here("consumer", "--timeout", "3", *words, "--json")
        found = json.loads(done.stdout)
        return done.returncode, found, {s["scenario"]: s for s in found["scenarios"]}

    return run


def failed_names(shown: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, entry in shown.items() if entry["verdict"] in ("breaks", "differs")}


def test_a_client_that_reports_what_happened_is_ready(check: Any) -> None:
    code, found, shown = check("--client", "app:good", "--timeout", "2")
    assert (code, found["outcome"], failed_names(shown) - {"201 drips"}) == (0, "ready", set())
    assert tuple(shown) == NAMES
    assert [shown[name]["tried"] for name in NAMES[:5]] == [1, 5, 1, 3, 2]
    lost = "reports a failure: the SMS is on its way"
    assert {name for name, entry in shown.items() if entry["remark"] == lost} == {
        *("201 cut off", "201 lost", "201 stalls", "201 drips")
    }
    assert "its caller must ask Retrieve first, and never send again" in found["notes"][0]


@slow
def test_what_a_client_returns_is_a_success_only_where_a_predicate_says_so(check: Any) -> None:
    code, found, shown = check("--client", "app:body")
    assert (code, found["outcome"]) == (1, "not ready")
    assert failed_names(shown) >= {*REFUSALS, "429 each time"}
    assert "--accepted-when app:accepted" in shown["400 not failed"]["advice"]
    code, found, shown = check("--client", "app:body", "--accepted-when", "app:accepted")
    assert (code, found["outcome"]) == (0, "ready")


@slow
@pytest.mark.parametrize(
    ("target", "fails", "error"),
    [
        (
            "typo",
            {"before", "after", "through the cutover"},
            "POST /api/v2/campaign/:campaignId/me",
        ),
        ("prints", {*NAMES}, "it printed the API key: calling with [masked]"),
        (
            "raises",
            {*NAMES} - {*NAMES[:4]},
            "it raised an error that holds the API key: Permission",
        ),
        ("counts", {"paired"}, ""),
        ("learns", {"paired"}, ""),
        (
            "quits",
            {"before", "after", "through the cutover"},
            "it asked nothing of the base URL that",
        ),
        ("waits", {*NAMES}, "no end within 3 s"),
        (
            "endless",
            {*REFUSALS, *NAMES[12:]} - {"201 drips"},
            "it asked for the retry 20 times, and",
        ),
    ],
)
def test_a_client_is_not_ready_for_what_its_author_can_find(
    target: str, fails: set[str], error: str, check: Any
) -> None:
    code, found, shown = check("--client", f"app:{target}")
    assert (code, found["outcome"]) == (1, "not ready")
    slow = {"paired", "201 drips", "no response", "201 lost", "201 stalls"}
    assert failed_names(shown) - slow == fails - slow
    entry = next(entry for entry in shown.values() if entry["verdict"] in ("breaks", "differs"))
    assert error in (
        shown["400 not failed"]["error"] if target == "endless" else entry["error"] or ""
    )
    assert "key_test" not in json.dumps(found)


@slow
@pytest.mark.parametrize(("target", "accept"), [("counts", "/n"), ("floods", "/x")])
def test_a_client_is_ready_with_what_it_accepts(target: str, accept: str, check: Any) -> None:
    assert check("--client", f"app:{target}", "--accept", accept)[0] == 0


@slow
def test_no_real_key_reaches_a_client(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTMAN_API_KEY", "key_test_real")
    monkeypatch.setenv("RETRY_CONTRACT_ENDPOINT", "https://test.postman.gov.sg/api/v2")
    assert check("--client", "app:finds_a_real_key")[0] == 0


@slow
def test_a_real_key_is_in_no_output_however_it_is_shown(
    app: Path, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "key_live_Ab/cd~ef+gh/0123456789/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz=="
    (app / "key").write_text(key)
    monkeypatch.setenv("POSTMAN_API_KEY", key)
    done = here("consumer", "--client", "app:shows_a_real_key", "--timeout", "1", "--report", "r")
    written = [path.read_text("utf-8") for path in (app / "r").iterdir()]
    assert done.returncode == 1
    assert not any("key_live_Ab" in text for text in (done.stdout, done.stderr, *written))
    done = here("consumer", "app:good", "--report", f"app.py/{key}")
    assert (done.returncode, "key_live_Ab" in done.stderr) == (2, False)


@slow
def test_a_command_is_called_once_a_call_and_reports_by_its_exit_status(check: Any) -> None:
    command = shlex.join([sys.executable, "client.py"])
    code, found, shown = check("--client-exec", command)
    assert (code, found["outcome"]) == (0, "ready")
    assert (shown["after"]["tried"], shown["paired"]["verdict"]) == (5, "ok")
    code, _, shown = check("--client-exec", f"{command} leak")
    assert (code, shown["after"]["error"]) == (1, "it printed the API key: the key is [masked]")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--client", "app:two"],
            "cannot be called with (base_url, api_key, campaign_id, message_id",
        ),
        (["--client", "app"], "write package.module:callable"),
        (
            ["--client", "a:b", "c:d"],
            "give one of package.module:callable, --exec COMMAND, --client",
        ),
        (
            ["--client", "a:b", "--payloads", "5"],
            "--payloads, --seed and --values are for code that",
        ),
        (["--client", "a:b", "--per-payload"], "--per-payload goes with --exec COMMAND"),
        (["--client", "nowhere:b"], "No module named 'nowhere'"),
        (["--client", "app:body", "--accepted-when", "app"], "write package.module:callable"),
        (
            ["--client", "app:body", "--accepted-when", "app:no"],
            "app was imported, but it has no no",
        ),
        (
            ["--client", "app:body", "--accepted-when", "app:unsure"],
            "app:unsure: answered a str; it",
        ),
        (
            ["--client", "app:body", "--accepted-when", "app:fails"],
            "app:fails: raised KeyError: 'no",
        ),
    ],
)
def test_what_cannot_be_called_is_one_line(
    words: list[str],
    said: str,
    app: Path,
    here: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def first_two(*given: Any) -> dict[str, Any]:
        return dict([*calls_by_scenario(*given).items()][:2])

    monkeypatch.setattr(client_check, "calls_by_scenario", first_two)
    done = here("consumer", *words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


@slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_check_of_a_client_that_waits(number: signal.Signals, app: Path) -> None:
    words = [sys.executable, "-m", "retry_contract", "consumer", "--client", "app:waits"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    (app / "app.py").write_text(APP.replace("threading.Event().wait()", "wait()") + WAIT)
    process = subprocess.Popen(
        words, cwd=app, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    waiting = app / "waiting"
    os.mkfifo(waiting)
    waiting.read_text()  # until a client waits
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (3, "", "retry-contract consumer: interrupted\n")


WAIT = """
def wait():
    with contextlib.suppress(OSError):
        os.close(os.open("waiting", os.O_WRONLY | os.O_NONBLOCK))
    threading.Event().wait()
"""
