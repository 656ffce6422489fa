"""Bytes sent to a sandbox, and whether what comes back is right for what they mean."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from support.http_plan import Answer, Row, played
from support.sandboxes import state_of, still_sandbox

from retry_contract.service.controls import CONTROL, Sandbox

PATIENCE = 10
"""In seconds; nothing that is right takes as long."""
Outcome = Literal["served", "refused", "either"]


def head(
    method: str, target: str, *lines: str, host: str = "127.0.0.1", version: str = "1.1"
) -> bytes:
    """Return the head of a request."""
    named = [f"Host: {host}"] if host else []
    return "\r\n".join((f"{method} {target} HTTP/{version}", *named, *lines, "", "")).encode(
        "latin-1"
    )


LAST_ROW = Row("GET", f"{CONTROL}/requests")
LAST = head("GET", LAST_ROW.target, "Connection: close")
"""Follows what a case sends: it is misread if the end of that is not found."""


@dataclass(frozen=True)
class Case:
    """What is sent, the requests that it means, and what may become of them."""

    sent: bytes
    means: Sequence[Row] = ()
    outcome: Outcome = "served"
    follows: bool = True
    """Whether a last request follows, which is to be answered too unless it says otherwise."""
    closes: bool = False
    """Whether it asks for the connection to be closed: what follows is not answered."""

    @property
    def bytes(self) -> bytes:
        return self.sent + (LAST if self.follows else b"")

    @property
    def rows(self) -> list[Row]:
        return [*self.means, *([LAST_ROW] if self.follows and not self.closes else [])]


@dataclass
class Told:
    """What came back until the connection ended."""

    answers: list[Answer] = field(default_factory=list)
    continues: int = 0


def connected(base: str) -> socket.socket:
    place = urlsplit(base)
    wire = socket.create_connection((place.hostname, place.port), timeout=PATIENCE)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def exchange(base: str, sent: bytes, *, ends: bool) -> bytes:
    """Send bytes, and return what comes until the other side ends. `ends` is to end ours too."""
    with connected(base) as wire:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.sendall(sent)
            if ends:
                wire.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: wire.recv(65536), b""))


def told(data: bytes, rows: Sequence[Row]) -> Told:
    """Read what came back. The rows say which responses have no body."""
    found = Told()
    while data:
        status, headers, data = _head(data)
        if 100 <= status < 200:
            found.continues += 1
            continue
        length = int(headers["content-length"])
        number = len(found.answers)
        if number < len(rows) and rows[number].method == "HEAD":
            length = 0
        assert len(data) >= length, "the body is cut off"
        found.answers.append(Answer(status, headers, data[:length]))
        data = data[length:]
    return found


def _head(data: bytes) -> tuple[int, dict[str, str], bytes]:
    start, found, rest = data.partition(b"\r\n\r\n")
    assert found, f"no head of a response: {data[:200]!r}"
    first, *lines = start.decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1"
    return int(status), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, rest


def check(case: Case, sandbox: Sandbox, data: bytes) -> Told:
    """Assert that what came back, and what changed, is right for a case."""
    rows = case.rows
    found = told(data, rows)
    right = sum(1 for _ in _right(rows, found.answers))
    rest = found.answers[right:]
    twin = still_sandbox()
    for row in rows[:right]:
        played(twin, row)
    assert state_of(sandbox) == state_of(twin), "something changed that was not asked for"
    if rest:
        assert case.outcome != "served", f"refused: {rest[0]}"
        assert len(rest) == 1, f"the connection goes on after {rest[0]}"
        _is_refusal(rest[0])
    else:
        assert case.outcome != "refused", f"served: {found.answers}"
        ended = found.answers[-1].headers.get("connection") == "close" if found.answers else False
        assert right >= len(case.means), "not all is answered"
        assert right == len(rows) or ended, "the last request is not answered"
    return found


def _right(rows: Sequence[Row], answers: Sequence[Answer]) -> Iterator[Answer]:
    """Yield the answers that are those of a twin, until one is not."""
    twin = still_sandbox()
    for row, answer in zip(rows, answers, strict=False):
        response = played(twin, row)
        body = b"" if row.method == "HEAD" else response.body
        headers = {name: answer.headers.get(name) for name in response.headers}
        if (answer.status, answer.body, headers) != (response.status, body, response.headers):
            return
        yield answer


def _is_refusal(answer: Answer) -> None:
    assert answer.status is not None
    assert 400 <= answer.status < 600, f"neither right nor refused: {answer}"
    said = json.loads(answer.body)
    assert list(said) == ["error"], said
    assert isinstance(said["error"], str)
    assert "\n" not in said["error"]
    assert answer.headers["connection"] == "close"
