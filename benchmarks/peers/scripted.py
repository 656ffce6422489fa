"""The peers that check traffic but choose little or none of it: Prism's proxy and Step CI."""

from __future__ import annotations

import copy
import json
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import document as openapi
import httpx
import yaml
from peers import Bench
from running import run, started
from verdict import Verdict, verdict


def stepci(bench: Bench) -> Verdict:
    """The generated workflow has no key in it, and no refusals: both are put in."""
    quiet = {"STEPCI_DISABLE_ANALYTICS": "1"}
    program, path = bench.program("stepci"), bench.folder / "workflow.yml"
    document = bench.write("openapi.json", bench.document())
    made = run([program, "generate", document, str(path)], bench.folder, **quiet)
    if made.code:
        return verdict(True, ["no workflow could be generated"], bench.target)
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    test = workflow["tests"]["default"]
    test["steps"] = list(_steps(test["steps"], bench))
    workflow["config"]["continueOnFail"] = True
    words = [program, "run", bench.write("workflow.yml", yaml.safe_dump(workflow))]
    done = run(words, bench.folder, **quiet)
    found = re.findall(r"^\s*✕ .*", done.output, re.MULTILINE)
    return verdict(done.code != 0, found, bench.target)


def _steps(steps: list[dict[str, Any]], bench: Bench) -> Iterator[dict[str, Any]]:
    """Give each step the key; ask for the refusals of a retry by copies of its step."""
    responses = bench.document()["paths"][openapi.RETRY]["post"]["responses"]
    keyed = {"auth": {"bearer": {"token": bench.target.key}}}
    for step in steps:
        yield step | {"http": step["http"] | keyed}
    (retry,) = (step for step in steps if step["id"] == "retry")
    for status, more in (("400", keyed), ("401", {})):
        refused = copy.deepcopy(retry) | {"id": f"retry-{status}", "name": status}
        schema = responses[status]["content"]["application/json"]["schema"]
        refused["http"] |= more | {"check": {"status": int(status), "schema": schema}}
        if status == "400":
            refused["http"]["url"] = _unknown(refused["http"]["url"], bench)
        yield refused


def prism(bench: Bench) -> Verdict:
    """Prism is a server: a violation is told by the response that it makes instead of ours.

    It answers what lacks a key by itself, so no such request is made.
    """
    document = bench.write("openapi.json", bench.document())
    port = _free_port()
    words = [bench.program("prism"), "proxy", document, bench.target.url, "--errors"]
    words += ["--port", str(port)]
    with started(words, bench.folder), httpx.Client(base_url=_url(port), timeout=20) as client:
        _wait(port)
        found = [alarm for request in _traffic(bench) for alarm in _violations(client, request)]
    return verdict(bool(found), found, bench.target)


def _traffic(bench: Bench) -> Iterator[dict[str, Any]]:
    key = {"Authorization": bench.bearer}
    base = f"/campaigns/{bench.target.campaign}/messages"
    own = f"{base}/{bench.target.message}"
    yield {"method": "POST", "url": base, "headers": key, "json": openapi.REQUEST}
    yield {"method": "GET", "url": own, "headers": key}
    yield {"method": "POST", "url": f"{own}/retry", "headers": key}
    yield {"method": "POST", "url": f"{_unknown(own, bench)}/retry", "headers": key}


def _violations(client: httpx.Client, request: dict[str, Any]) -> Iterator[str]:
    response = client.request(**request)
    told = json.loads(response.headers.get("sl-violations", "[]"))
    if not told and response.headers["content-type"].startswith("application/problem+json"):
        told = response.json().get("validation") or [response.json()]
    for violation in told:
        yield f"{request['method']} {request['url']}: {json.dumps(violation, sort_keys=True)}"


def _unknown(url: str, bench: Bench) -> str:
    return url.replace(bench.target.message, openapi.UNKNOWN)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"Prism did not listen within {seconds:g} s")
