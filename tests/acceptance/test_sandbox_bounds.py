"""A sandbox under attack: what it holds, and how long it does not respond, is bounded."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.bounded import MEMORY
from support.started import document_of, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc"),
]

SOON = 5.0
"""In seconds. The controls answer sooner, whatever else the sandbox does."""
MIB = 2**20


class Attacked:
    """A sandbox, where it is, and how to ask it."""

    def __init__(self, process: subprocess.Popen[str], document: dict[str, Any]) -> None:
        self._process, self.document = process, document
        place = urlsplit(document["control"])
        self.address = (str(place.hostname), int(place.port or 0))
        self._messages = f"{document['endpoint']}/campaigns/{document['campaign']}/messages"

    @property
    def memory(self) -> float:
        """The most that it has taken, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024

    def ask(self, method: str, url: str, payload: Any = None) -> tuple[int, Any]:
        body = None if payload is None else json.dumps(payload).encode()
        headers = {"Authorization": f"Bearer {self.document['key']}"}
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def control(self, method: str, path: str, payload: Any = None) -> tuple[int, Any]:
        return self.ask(method, self.document["control"] + path, payload)

    def send(self, values: dict[str, str]) -> tuple[int, Any]:
        wanted = {"recipient": "6511112222", "language": "english", "values": values}
        return self.ask("POST", self._messages, wanted)

    def retry(self, message: str) -> int:
        return self.ask("POST", f"{self._messages}/{message}/retry")[0]

    def head(self, method: str, path: str, *more: str) -> bytes:
        lines = (f"{method} {path} HTTP/1.1", f"Host: {self.address[0]}", *more, "", "")
        return "\r\n".join(lines).encode()


@pytest.fixture
def attacked(shell: dict[str, str]) -> Iterator[Attacked]:
    with started(shell, "--json") as process:
        yield Attacked(process, document_of(process))


@contextlib.contextmanager
def answering_soon(attacked: Attacked) -> Iterator[None]:
    """Ask the controls all the time: fails if one answer takes long."""
    over, took = threading.Event(), list[float]()

    def ask() -> None:
        while not over.wait(0.02):
            began = time.monotonic()
            attacked.control("GET", "/")
            took.append(time.monotonic() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert took
    assert max(took) < SOON


def test_messages_by_the_ten_thousand_are_bounded_and_block_nobody(attacked: Attacked) -> None:
    with answering_soon(attacked):
        for _ in range(60):
            status, made = attacked.control("POST", "/messages", {"count": 10_000})
            assert (status, len(made["messages"])) == (201, 10_000)
    assert attacked.memory < MEMORY
    assert attacked.retry(made["messages"][-1]) == 201
    assert attacked.retry(attacked.document["messages"]["failure"]) == 201


def test_more_messages_at_once_are_refused_at_once(attacked: Attacked) -> None:
    status, said = attacked.control("POST", "/messages", {"count": 1_000_000})
    assert (status, said) == (400, {"error": "count must be a number from 1 to 10000"})
    assert attacked.memory < MEMORY


def test_large_values_are_refused(attacked: Attacked) -> None:
    for _ in range(30):
        status, said = attacked.send({"name": "x" * 900_000})
        assert (status, said["error"]["code"]) == (400, "parameter_invalid")
    assert attacked.memory < MEMORY


def test_as_many_values_as_may_be_are_bounded(attacked: Attacked) -> None:
    values = {chr(0x4E00 + number): chr(0x5E00 + number) for number in range(500)}
    for _ in range(4_000):
        status, _ = attacked.send(values)
        assert status == 201
    assert attacked.memory < MEMORY


BODIES = {
    "a long state": b'{"state": "' + b"x" * 1_000_000 + b'"}',
    "a long member": b'{"' + b"x" * 1_000_000 + b'": 1}',
    "many members": b"{" + b",".join(b'"%d": {}' % n for n in range(80_000)) + b"}",
    "many arrays": b'{"state": [' + b",".join([b"[]"] * 340_000) + b"]}",
    "a deep array": b'{"state": ' + b"[" * 1_000_000,
    "a long number": b'{"count": ' + b"1" * 1_000_000 + b"}",
    "many faults": b'{"faults": [' + b",".join([b'"id-changed"'] * 80_000) + b"]}",
    "many unknown faults": b'{"faults": [' + b",".join([b'"id-change"'] * 80_000) + b"]}",
    "a long instant": b'{"at": "' + b"2" * 1_000_000 + b'"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_control_request_of_a_megabyte_costs_little(name: str, attacked: Attacked) -> None:
    body, control = BODIES[name], urlsplit(attacked.document["control"]).path
    began = time.monotonic()
    for method, path in (("POST", "/messages"), ("PUT", "/faults"), ("PUT", "/clock")):
        request = attacked.head(method, control + path, f"Content-Length: {len(body)}") + body
        with socket.create_connection(attacked.address, 30) as client:
            client.sendall(request)
            assert client.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 200")
    assert time.monotonic() - began < 3 * SOON
    assert attacked.memory < MEMORY


def test_faults_hold_a_bounded_number_of_responses(attacked: Attacked) -> None:
    attacked.control("PUT", "/faults", {"faults": ["second-retry-repeated", "message-lost"]})
    _, made = attacked.control("POST", "/messages", {"count": 2_000})
    for message in made["messages"]:
        attacked.retry(message)
    assert attacked.memory < MEMORY


def unfinished(attacked: Attacked) -> bytes:
    """A request of which the last byte of a megabyte does not come."""
    return attacked.head("POST", "/api/v2/x", f"Content-Length: {MIB}") + b"x" * (MIB - 1)


def many_headers(attacked: Attacked) -> bytes:
    return attacked.head("GET", "/", *(f"{n:x}:" for n in range(990)))[:-2]


def unread(attacked: Attacked) -> bytes:
    """Requests whose responses are large, and never read."""
    control = urlsplit(attacked.document["control"]).path
    return attacked.head("GET", control + "/requests") * 60


FLOODS: dict[str, tuple[int, Callable[[Attacked], bytes]]] = {
    "requests that are not whole": (400, unfinished),
    "headers without an end": (400, many_headers),
    "responses that nobody reads": (8, unread),
}


@pytest.mark.parametrize("name", FLOODS)
def test_what_connections_hold_together_is_bounded(name: str, attacked: Attacked) -> None:
    for _ in range(1_000):
        attacked.ask("GET", f"{attacked.document['endpoint']}/{'x' * 900}")
    number, flood = FLOODS[name]
    request = flood(attacked)
    with contextlib.ExitStack() as held:
        for _ in range(number):
            client = held.enter_context(socket.create_connection(attacked.address, 30))
            with contextlib.suppress(OSError):  # it may have been dropped meanwhile
                client.sendall(request)
        assert attacked.control("GET", "/")[0] == 200
    assert attacked.memory < MEMORY
