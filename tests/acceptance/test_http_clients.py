"""The sandbox asked by real clients, over every route: each answer, and what it changed.

The sandbox's clock stands still, and a twin is asked the same without a server.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.http_plan import Plan, Row, answers, plan_for, played
from support.node import installed_for_node
from support.sandboxes import state_of, still_sandbox
from support.tools import needs

from retry_contract.endpoint.server import serve
from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.controls import CONTROL
from retry_contract.service.model import PREFIX

PROGRAMS = Path(__file__).parents[1] / "support" / "http_clients"
Command = Callable[[pytest.FixtureRequest], list[str]]


@dataclass(frozen=True)
class Client:
    """How a client is called, and what it cannot do, with the reason."""

    command: Command
    cannot: Mapping[str, str]
    slow: bool = True


def python(*words: str) -> Command:
    def command(_: pytest.FixtureRequest) -> list[str]:
        return [sys.executable, str(PROGRAMS / "client.py"), *words]

    return command


def curl(*words: str) -> Command:
    def command(_: pytest.FixtureRequest) -> list[str]:
        return [sys.executable, str(PROGRAMS / "by_curl.py"), needs("curl"), *words]

    return command


def built(fixture: str, *words: str) -> Command:
    """Return a command whose program a fixture builds."""

    def command(request: pytest.FixtureRequest) -> list[str]:
        return [*request.getfixturevalue(fixture), *words]

    return command


FETCH = {
    "expect": "fetch refuses to send Expect",
    "proxy": "fetch of Node 20 knows no proxy",
    "GET with a body": "fetch refuses to send it",
}
HTTP_CLIENT = {"expect refused": "HttpClient of JDK 17 waits for ever where no 100 comes"}
URL_CONNECTION = {
    "Sec-Fetch-Site": "HttpURLConnection leaves it out",
    "PATCH": "HttpURLConnection knows no PATCH",
    "PROPFIND": "HttpURLConnection knows no PROPFIND",
    "BREW": "HttpURLConnection knows no BREW",
    "GET with a body": "HttpURLConnection makes a POST of it",
}
CLIENTS = {
    "java default": Client(built("java", "default"), HTTP_CLIENT),
    "java HTTP/1.1": Client(built("java", "HTTP/1.1"), HTTP_CLIENT),
    "java URLConnection": Client(built("java", "URLConnection"), URL_CONNECTION),
    "curl": Client(curl(), {}),
    "curl http2": Client(curl("--http2"), {}),
    "node fetch": Client(built("node", "fetch"), FETCH),
    "node http": Client(built("node", "http"), {}),
    "node axios": Client(built("axios", "axios"), {}),
    "go": Client(built("go"), {}),
    "python requests": Client(python("requests"), {}),
    "python httpx": Client(python("httpx"), {}),
    "python httpx2": Client(python("httpx2"), {}),
    "python aiohttp": Client(python("aiohttp"), {}),
}


def build(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, program = tmp_path_factory.mktemp("java"), needs("java")
    build(needs("javac"), "-d", str(folder), str(PROGRAMS / "Client.java"))
    return [program, "-XX:TieredStopAtLevel=1", "-cp", str(folder), "Client"]


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    program = tmp_path_factory.mktemp("go") / "client"
    build(needs("go"), "build", "-o", str(program), str(PROGRAMS / "client.go"))
    return [str(program)]


@pytest.fixture(scope="module")
def node() -> list[str]:
    return [needs("node"), str(PROGRAMS / "client.mjs")]


@pytest.fixture(scope="module")
def axios(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("axios")
    return [installed_for_node(PROGRAMS, folder), str(folder / "client.mjs")]


def play(command: list[str], plan: Plan, base: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(
        [*command, base],
        input=plan.lines(base),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=environment,
        timeout=60,
        check=True,
    )
    return done.stdout


def wrongs(plan: Plan, told: str) -> Iterator[str]:
    """Yield what is wrong, a line an answer."""
    for (row, expected), answer in zip(plan.rows, answers(told), strict=True):
        fault = expected.fault_of(answer)
        if fault is not None:
            yield f"{row}: {fault}"


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIENTS)
def test_what_a_client_asks_is_what_happens(name: str, request: pytest.FixtureRequest) -> None:
    client, sandbox = CLIENTS[name], still_sandbox()
    command, plan = client.command(request), plan_for(client.cannot)
    with serve(refuse_other_hosts(sandbox.handle)) as (base,):
        told = play(command, plan, base)
    wrong = list(wrongs(plan, told))
    assert not wrong, "\n".join(wrong[:5])
    assert state_of(sandbox) == state_of(plan.twin)


def test_every_ability_that_a_client_lacks_is_one_that_a_row_needs() -> None:
    needed = {need for row, _ in plan_for(()).rows for need in row.needs}
    assert needed >= {lack for client in CLIENTS.values() for lack in client.cannot}


def test_plan_has_every_route() -> None:
    plan = plan_for(())
    right = [(r, e.same) for r, e in plan.rows if e.same and (e.same.status or 500) < 300]
    asked = {(row.method, row.target.partition("?")[0]) for row, _ in right}
    document = json.loads(played(plan.twin, Row("GET", f"{CONTROL}/openapi.json")).body)
    for path, item in document["paths"].items():
        assert {
            (method.upper(), CONTROL + path) for method in item if method != "parameters"
        } <= asked
    kinds = {(method, re.sub("_[0-9a-f-]{36}", "", path)) for method, path in asked}
    place = f"{PREFIX}/campaigns/campaign/messages"
    assert kinds >= {
        ("POST", place),
        ("GET", f"{place}/message"),
        ("POST", f"{place}/message/retry"),
    }
