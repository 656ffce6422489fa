"""Code under `consumer` that prints, returns or raises without end, and what it finds around it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.bounded import MEMORY, Bounded, run_bounded
from support.started import PATIENCE, is_running, wait_until_written

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups")

HOSTILE = """
import os, sys, json, urllib.request

MB = 10**6

def write_for_ever(number):
    while True:
        os.write(number, b"x" * MB)

def write_lines_for_ever(number):
    while True:
        os.write(number, b"x\\n" * MB)

def prints(response): write_for_ever(1)
def logs(response): write_for_ever(2)
def prints_lines(response): write_lines_for_ever(1)
def client_prints(base_url, api_key, campaign_id, message_id): write_for_ever(1)
def client_logs(base_url, api_key, campaign_id, message_id): write_lines_for_ever(2)

LONG = "x" * (130 * MB)
def text(response): return LONG
def binary(response): return LONG.encode()
def json_text(response): return '{"a": "' + LONG[: 30 * MB] + '"}'
def texts(response): return [LONG[: 10 * MB]] * 1000
def name(response): return {LONG: 1}
def items(response): return [0] * (5 * MB)
def numbers(response): return range(10**12)
def members(response): return dict.fromkeys(range(MB))
def cyclic(response):
    held = []
    held.append(held)
    return held
def deep(response):
    held = []
    for _ in range(MB // 10):
        held = [held]
    return held
def shared(response):
    held = "x"
    for _ in range(60):
        held = [held] * 10
    return held
def lazy(response):
    while True:
        yield "x" * MB
def digits(response): return 1 << (10 * MB)
class Endless(dict):
    @property
    def more(self): return LONG
def properties(response): return Endless(response)
def client_texts(base_url, api_key, campaign_id, message_id): return texts(None)

def message(response): raise ValueError(LONG)
def ends(response): sys.exit(LONG)
def chain(response):
    error = ValueError("x")
    for _ in range(MB // 10):
        held, error = error, ValueError("x")
        error.__cause__ = held
    raise error
def note(response):
    error = ValueError("x")
    error.add_note(LONG)
    raise error

def retries_and_prints(base_url, api_key, campaign_id, message_id):
    for _ in range(2):
        os.write(1, b"x" * MB)
        os.write(2, b"x\\n" * (MB // 10))
    url = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    request = urllib.request.Request(url, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=3) as response:
        payload = json.load(response)
    os.write(1, b"\\n")
    return {"status": payload["latestStatus"]}
"""
NAMES = "RETRY_CONTRACT_ENDPOINT POSTMAN_API_KEY RETRY_CONTRACT_CAMPAIGN RETRY_CONTRACT_MESSAGES"
COMMANDS = f"""
import os, sys, hostile
way, *rest = sys.argv[1:]
if way == "calls":
    given = [os.environ[name] for name in {NAMES!r}.split()]
    print(hostile.json.dumps(hostile.retries_and_prints(*given)))
elif way == "answers":
    for line in sys.stdin:
        print("ok", '"' + "x" * int(rest[0]) + '"', flush=True)
else:
    getattr(hostile, way)(None)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hostile.py").write_text(HOSTILE)
    (tmp_path / "commands.py").write_text(COMMANDS)
    return tmp_path


def consumer(folder: Path, *words: str, seconds: float = 120) -> Bounded:
    (folder / "temporary").mkdir(exist_ok=True)
    done = run_bounded(
        ["consumer", *words],
        cwd=folder,
        env={"TMPDIR": str(folder / "temporary")},
        seconds=seconds,
    )
    assert done.memory < MEMORY
    assert not [*(folder / "temporary").iterdir()]
    assert "Traceback" not in done.stderr
    return done


def command(*words: str) -> str:
    return shlex.join([sys.executable, "commands.py", *words])


FLOODS = {
    "reader, output": (["hostile:prints"], 1),
    "reader, errors": (["hostile:logs"], 1),
    "exec, output": (["--exec", command("prints")], 2),
    "exec, lines": (["--exec", command("prints_lines")], 2),
    "exec, errors": (["--exec", command("logs")], 2),
    "per payload, output": (["--exec", command("prints"), "--per-payload"], 1),
    "per payload, errors": (["--exec", command("logs"), "--per-payload"], 1),
    "client, output": (["--client", "hostile:client_prints"], 1),
    "client, errors": (["--client", "hostile:client_logs"], 1),
    "client-exec, output": (["--client-exec", command("prints")], 1),
    "client-exec, errors": (["--client-exec", command("logs")], 1),
}


@pytest.mark.parametrize("name", FLOODS)
def test_output_without_end_takes_neither_memory_nor_disk(name: str, folder: Path) -> None:
    words, code = FLOODS[name]
    few = [] if "client" in name else ["--payloads", "2"]
    # Many clients that are commands print at the same time, if each has some time.
    seconds = "5" if name == "client-exec, output" else "1"
    done = consumer(folder, *words, *few, "--timeout", seconds)
    assert done.returncode == code
    assert len(done.stdout + done.stderr) < 50_000


RETURNED = (
    *("text", "binary", "json_text", "texts", "name", "items", "numbers", "members"),
    *("cyclic", "deep", "shared", "lazy", "digits", "properties"),
)


@pytest.mark.parametrize("name", RETURNED)
def test_what_is_too_large_to_be_compared_is_not_copied(name: str, folder: Path) -> None:
    done = consumer(folder, f"hostile:{name}", "--payloads", "1", "--timeout", "20")
    assert done.returncode == 3
    assert "nothing that it returned can be compared" in done.stdout


def test_what_a_client_returns_is_not_copied_either(folder: Path) -> None:
    done = consumer(folder, "--client", "hostile:client_texts", "--timeout", "20")
    assert done.returncode == 1
    assert "it asked nothing of the base URL" in done.stdout


@pytest.mark.parametrize("name", ["message", "ends", "chain", "note"])
def test_an_error_that_is_too_long_is_not_copied(name: str, folder: Path) -> None:
    done = consumer(folder, f"hostile:{name}", "--payloads", "1", "--timeout", "20")
    assert done.returncode == 1
    assert "breaks on 1 of 1 payload" in done.stdout
    assert len(done.stdout) < 20_000


@pytest.mark.parametrize("size", [25_000, 3_000_000])
def test_a_response_line_that_is_too_long_cannot_be_compared(size: int, folder: Path) -> None:
    done = consumer(folder, "--exec", command("answers", str(size)), "--payloads", "3")
    assert done.returncode == 3
    assert "nothing that it returned can be compared" in done.stdout


@pytest.mark.parametrize(
    "words", [["--client", "hostile:retries_and_prints"], ["--client-exec", command("calls")]]
)
def test_a_client_that_prints_much_is_known_by_what_it_does(words: list[str], folder: Path) -> None:
    done = consumer(folder, *words, "--timeout", "8")
    assert (done.returncode, done.stdout.split()[0]) == (0, "READY")


WAITS = """
import os, pathlib, subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
pathlib.Path("pids.new").write_text(f"{os.getpid()} {child.pid}")
os.replace("pids.new", "pids")
def waits(*given): threading.Event().wait()
if __name__ == "__main__": waits()
"""
WAITING = {
    "reader": ["waits:waits"],
    "exec": ["--exec", f"{sys.executable} waits.py"],
    "client": ["--client", "waits:waits"],
    "client-exec": ["--client-exec", f"{sys.executable} waits.py"],
}


ENDED = [*((form, "SIGINT") for form in WAITING), ("reader", "SIGTERM"), ("client-exec", "SIGHUP")]


@posix
@pytest.mark.parametrize(("form", "number"), ENDED)
def test_a_signal_leaves_no_process_and_no_file(
    form: str, number: str, tmp_path: Path, shell: dict[str, str]
) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "retry_contract", "consumer", *WAITING[form], "--timeout", "60"],
        cwd=tmp_path,
        env={**shell, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = wait_until_written(tmp_path / "pids").split()
    process.send_signal(signal.Signals[number])
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (3, "")
    assert err == "retry-contract consumer: interrupted\n"
    assert not any(map(is_running, pids))
    assert not [*(tmp_path / "temporary").iterdir()]


SEES = """
import json, os, pathlib
NAMES = ("POSTMAN_API_KEY", "RETRY_CONTRACT_REVOKED_KEY", "OF_THE_USER")
def sees(*given):
    found = {name: os.environ.get(name) for name in NAMES}
    pathlib.Path(f"seen-{os.getpid()}").write_text(json.dumps(found))
    return 1
if __name__ == "__main__":
    sees()
    print("ok")
"""
SEEING = {
    "reader": ["sees:sees"],
    "exec": ["--exec", f"{sys.executable} sees.py"],
    "per payload": ["--exec", f"{sys.executable} sees.py", "--per-payload"],
    "client": ["--client", "sees:sees"],
    "predicate": ["--client", "sees:sees", "--accepted-when", "sees:sees"],
    "client-exec": ["--client-exec", f"{sys.executable} sees.py"],
}


@pytest.mark.parametrize("form", SEEING)
def test_a_process_has_the_environment_but_for_the_keys(form: str, tmp_path: Path) -> None:
    (tmp_path / "sees.py").write_text(SEES)
    few = [] if "client" in SEEING[form][0] else ["--payloads", "1"]
    keys = {"POSTMAN_API_KEY": "key_live_of_the_user", "RETRY_CONTRACT_REVOKED_KEY": "key_old"}
    run_bounded(
        ["consumer", *SEEING[form], *few, "--timeout", "10"],
        cwd=tmp_path,
        env={**keys, "OF_THE_USER": "yes", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    seen: list[dict[str, Any]] = [json.loads(f.read_text()) for f in tmp_path.glob("seen-*")]
    assert seen
    for found in seen:
        assert found["OF_THE_USER"] == "yes"
        assert not {*found.values()} & {*keys.values()}
        assert found["POSTMAN_API_KEY"].startswith("key_test_")
