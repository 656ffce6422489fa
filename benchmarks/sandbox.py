"""Requests a second of the sandbox, of Prism's mock server, and of bare servers, by wrk.

The sandbox answers each with a 201 for a fresh message out of many that have failed, with every
rule of the service on; Prism answers each with the example of the document. The bare servers
give one fixed response: uvicorn, which reads requests by httptools as the sandbox does, and the
sandbox's own. They take turns of a second; medians, and the
medians of the shares in each turn. Needs wrk, npm, uvicorn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from operator import truediv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "schemas" / "after-2025-02-24" / "openapi.json"
MESSAGES, HELD, AT_ONCE = 1_000_000, 60_000, 10_000
"""Ids for a server that takes any; messages that the sandbox holds, and makes at once."""
CONNECTIONS = (1, 16)
SANDBOX = "retry-contract sandbox"
BARE = """
import sys, threading
from retry_contract.endpoint.server import serve
from retry_contract.service.http import json_response
response = json_response(201, {"text": "x" * 600})
with serve(lambda request: response, port=int(sys.argv[1])):
    threading.Event().wait()
"""
UVICORN = """
import sys, uvicorn
start = {"type": "http.response.start", "status": 201, "headers": [
    (b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"611")]}
body = {"type": "http.response.body", "body": b'{"text":"' + b"x" * 600 + b'"}'}
async def answer(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send(start)
    await send(body)
uvicorn.run(answer, port=int(sys.argv[1]), http="httptools", loop="asyncio", lifespan="off",
            ws="none", log_level="critical", access_log=False)
"""
FRESH = """
wrong = 0
local file = io.open(os.getenv("MESSAGES"))
function setup(thread) threads = {thread} end
function init()
  -- Written once: wrk.format for each request would make wrk slower than what it measures.
  local whole = wrk.format("POST", os.getenv("PREFIX") .. "ID/retry")
  local at = whole:find("ID/retry", 1, true)
  head, tail = whole:sub(1, at - 1), whole:sub(at + 2)
end
function request() return head .. file:read("*l") .. tail end
function response(status) if status ~= 201 then wrong = wrong + 1 end end
function done(summary)
  print("wrong " .. threads[1]:get("wrong") + summary.errors.timeout + summary.errors.read)
end
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        figures: dict[tuple[str, int], list[float]] = {}
        targets = {
            SANDBOX: stack.enter_context(sandbox(folder)),
            "prism mock": stack.enter_context(prism(folder)),
            "uvicorn, one response": stack.enter_context(bare(UVICORN)),
            "its own server, one response": stack.enter_context(bare(BARE)),
        }
        for _ in range(options.runs):
            for label, target in targets.items():
                for connections in CONNECTIONS:
                    rate = wrk(target, connections, options.seconds)
                    figures.setdefault((label, connections), []).append(rate)
    print(f"{'requests a second, each a 201':<32}" + "".join(f"{c:>8}" for c in CONNECTIONS))
    for label in targets:
        medians = [statistics.median(figures[label, c]) for c in CONNECTIONS]
        print(f"{label:<32}" + "".join(f"{median:>8.0f}" for median in medians))
    for label in list(targets)[2:]:
        shares = [
            statistics.median(map(truediv, figures[SANDBOX, c], figures[label, c]))
            for c in CONNECTIONS
        ]
        print(f"{'of ' + label:<32}" + "".join(f"{share:>8.2f}" for share in shares))


Target = dict[str, str]
"""The environment of wrk: URL, KEY, PREFIX, and MESSAGES, a file of ids; CONTROL of the sandbox."""


@contextlib.contextmanager
def sandbox(folder: Path) -> Iterator[Target]:
    """Serve the sandbox."""
    words = [sys.executable, "-m", "retry_contract", "sandbox", "--port", "0", "--json"]
    with started(words, stdout=subprocess.PIPE) as process:
        lines = iter(process.stdout.readline, b"}\n")
        served = json.loads(b"".join(lines) + b"}")
        yield {
            "URL": served["endpoint"],
            "PREFIX": f"/api/v2/campaigns/{served['campaign']}/messages/",
            "KEY": served["key"],
            "MESSAGES": str(folder / "messages"),
            "CONTROL": served["control"],
        }


def make_messages(target: Target) -> None:
    """Make as many failed messages as the sandbox holds, and write their ids."""
    made, body = [], json.dumps({"count": AT_ONCE}).encode()
    for _ in range(HELD // AT_ONCE):
        with urllib.request.urlopen(target["CONTROL"] + "/messages", body) as response:
            made += json.load(response)["messages"]
    Path(target["MESSAGES"]).write_text("\n".join(made), encoding="utf-8")


@contextlib.contextmanager
def prism(folder: Path) -> Iterator[Target]:
    """Serve the OpenAPI document by Prism's mock server."""
    subprocess.run(
        ["npm", "install", "--silent", "--prefix", str(folder), "@stoplight/prism-cli"], check=True
    )
    port = str(free_port())
    program = str(folder / "node_modules" / ".bin" / "prism")
    with started([program, "mock", "--port", port, "--verboseLevel", "silent", str(DOCUMENT)]):
        yield fixed(folder, port, "/campaigns/campaign_1/messages/")


@contextlib.contextmanager
def bare(program: str) -> Iterator[Target]:
    """Serve one fixed response by a program."""
    port = str(free_port())
    with tempfile.TemporaryDirectory() as folder, started([sys.executable, "-c", program, port]):
        yield fixed(Path(folder), port, "/")


def fixed(folder: Path, port: str, prefix: str) -> Target:
    """Return a target where any id will do, once it answers."""
    file = folder / "any"
    file.write_text("message_1\n" * (6 * MESSAGES), encoding="utf-8")
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", int(port))):
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing answers at port {port}")
        time.sleep(0.1)
    url = f"http://127.0.0.1:{port}"
    return {"URL": url, "PREFIX": prefix, "KEY": "key_test_1", "MESSAGES": str(file)}


def wrk(target: Target, connections: int, seconds: int) -> float:
    """Return requests a second. Each id is used once: what was used is cut off the file."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is missing: install it, as by apt install wrk")
    if "CONTROL" in target:
        make_messages(target)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(FRESH)
        script.flush()
        words = [program, "-t1", f"-c{connections}", f"-d{seconds}", "-s", script.name]
        words += ["-H", f"Authorization: Bearer {target['KEY']}", target["URL"]]
        done = subprocess.run(
            words, env={**os.environ, **target}, capture_output=True, text=True, check=True
        )
    if "wrong 0" not in done.stdout:
        raise SystemExit(f"not every response was a 201:\n{done.stdout}{done.stderr}")
    (count,) = re.findall(r"(\d+) requests in", done.stdout)
    forget(Path(target["MESSAGES"]), int(count) + 2 * connections + 2)
    (rate,) = re.findall(r"Requests/sec: +([0-9.]+)", done.stdout)
    return float(rate)


def forget(file: Path, number: int) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(lines[number:]), encoding="utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def started(words: list[str], **how: Any) -> Iterator[Any]:
    """Start a program, and end it, with its children."""
    process = subprocess.Popen(words, start_new_session=True, **how)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


if __name__ == "__main__":
    main()
