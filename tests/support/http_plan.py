"""A plan of requests over every route of a sandbox, for clients in any language.

A client reads a line a request from its input, in columns with a tab between: the method, the URL,
the headers (`name: value`, with | between), the body (`-` for none, else = and base64), and the
ways in which it asks: `chunked`, `expect` (100-continue), `proxy` (by an absolute-form target),
or `-`. It writes a line an answer: the status, some headers and the body in base64; or `-` and why
there is no answer.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.sandboxes import still_sandbox

from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.controls import CONTROL, Sandbox
from retry_contract.service.http import Request, Response
from retry_contract.service.model import PREFIX

TOLD = ("allow", "content-type", "retry-after")
LARGE, TOO_LARGE = 900_000, 1_200_000
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Row:
    """One request. `needs` are abilities that not every client has."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    ways: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    host: str | None = None
    """Another host than the sandbox's, asked by a proxy."""

    def line(self, base: str) -> str:
        url = (f"http://{self.host}" if self.host else base) + self.target
        heads = "|".join(f"{name}: {value}" for name, value in self.headers.items())
        body = "-" if self.body is None else "=" + base64.b64encode(self.body).decode()
        return "\t".join([self.method, url, heads, body, " ".join(self.ways) or "-"])

    def __str__(self) -> str:
        body = "without a body" if self.body is None else repr(self.body[-60:])
        return " ".join([self.method, (self.host or "") + self.target, *self.ways, body])


@dataclass(frozen=True)
class Answer:
    """What came back: no status if there was no answer, and then why."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    why: str = ""

    def says_why(self) -> bool:
        """Return whether this says why the request is refused. A client may lose what says it."""
        return self.status is None or "error" in json.loads(self.body or "{}")

    def __str__(self) -> str:
        body = f"{len(self.body)} bytes {self.body[:150]!r}"
        return self.why or f"{self.status} {dict(self.headers)} {body}"


@dataclass(frozen=True)
class Expected:
    """What is right: the twin's answer, or a refusal with one of some statuses, or either."""

    same: Answer | None
    refusal: Collection[int | None] = ()

    def fault_of(self, answer: Answer) -> str | None:
        """Return what is wrong with an answer; None if nothing is."""
        if answer == self.same or (answer.status in self.refusal and answer.says_why()):
            return None
        return f"expected {self.same or self.refusal}\n  got {answer}"


@dataclass
class Plan:
    """Rows and what is right for each. A twin of the sandbox that is asked says it.

    Rows that need what the client cannot do are left out of both.
    """

    cannot: Collection[str]
    twin: Sandbox = field(default_factory=still_sandbox)
    rows: list[tuple[Row, Expected]] = field(default_factory=list)
    left_out: list[Row] = field(default_factory=list)

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *ways: str,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        needs: str = "",
        host: str | None = None,
        refusal: Collection[int | None] | None = None,
    ) -> Response | None:
        """Add a row. Return the twin's response; None if it is not asked."""
        content = body if body is None or type(body) is bytes else json.dumps(body).encode()
        wanted = {"authorization": f"Bearer {key}"} if key else {}
        wanted |= {**(JSON if content is not None else {}), **(headers or {})}
        row = Row(
            method, target, wanted, content, ways, frozenset([*ways, *needs.split(",")]), host
        )
        if row.needs & set(self.cannot):
            self.left_out.append(row)
            return None
        if refusal is not None:
            self.rows.append((row, Expected(None, refusal)))
            return None
        response = played(self.twin, row)
        self.rows.append((row, Expected(_answer_of(row, response))))
        return response

    def lines(self, base: str) -> str:
        return "".join(f"{row.line(base)}\n" for row, _ in self.rows)


def played(sandbox: Sandbox, row: Row) -> Response:
    """Return a sandbox's response to a row, without a server."""
    headers = {"host": row.host or "127.0.0.1", **row.headers}
    path = re.split("[?#]", row.target, maxsplit=1)[0]
    handle = refuse_other_hosts(sandbox.handle)
    return handle(Request(row.method, path, headers, row.body or b""))


def _answer_of(row: Row, response: Response) -> Answer:
    headers = {name: response.headers[name] for name in TOLD if name in response.headers}
    return Answer(response.status, headers, b"" if row.method == "HEAD" else response.body)


def answers(told: str) -> list[Answer]:
    """Return the answers that a client told of."""
    return [_read(*line.split("\t")) for line in told.splitlines()]


def _read(status: str, heads: str, body: str) -> Answer:
    if status == "-":
        return Answer(None, {}, b"", heads)
    headers = dict(head.split(": ", 1) for head in heads.split("|") if head)
    return Answer(int(status), headers, base64.b64decode(body))


def plan_for(cannot: Collection[str]) -> Plan:
    """Return the plan over every route, as far as a client can play it."""
    plan = Plan(cannot)
    for part in (_controls, _refused_controls, _retries, _sends, _other_sites, _sizes, _end):
        part(plan)
    return plan


def _controls(plan: Plan) -> None:
    ways: Iterable[tuple[str, ...]] = [(), ("chunked",), ("expect",), ("proxy",)]
    for path in ("", "/", "/requests", "/openapi.json", "/nothing", "/?a=b", "/requests?a=%20"):
        plan.ask("GET", CONTROL + path)
    for number, way in enumerate([*ways, ("chunked", "proxy"), ("expect", "proxy")]):
        wanted = {"state": "success", "count": 2 + number}
        plan.ask("POST", f"{CONTROL}/messages?n={number}", wanted, *way)
        plan.ask("PUT", f"{CONTROL}/clock", {"forward": 1.5 + number}, *way)
        plan.ask("PUT", f"{CONTROL}/contract", {"contract": ("before", "after")[number % 2]}, *way)
        plan.ask("PUT", f"{CONTROL}/faults", {"faults": ["answers-202"] * (number % 2)}, *way)
    plan.ask("POST", f"{CONTROL}/messages", {"campaign": "foreign", "state": "batch:other"})
    plan.ask("GET", f"{CONTROL}/", None, "proxy")
    plan.ask("GET", f"{CONTROL}/")
    plan.ask("POST", f"{CONTROL}/reset", None, "proxy")
    plan.ask("POST", f"{CONTROL}/reset")
    plan.ask("POST", f"{CONTROL}/reset", {})
    plan.ask("GET", f"{CONTROL}/", {"faults": ["answers-202"]}, needs="GET with a body")
    plan.ask("PUT", f"{CONTROL}/clock", {"at": "2026-03-02T12:00:00+08:00"})
    plan.ask("PUT", f"{CONTROL}/contract", {"contract": "auto"})


def _refused_controls(plan: Plan) -> None:
    for path, method in _BODIED.items():
        for body in (None, b"", b"[]", b"{", b'{"unknown": 1}', b"\xff\x00\r\n\r\n"):
            plan.ask(method, CONTROL + path, body)
        plan.ask(method, CONTROL + path, b"", "chunked")
        plan.ask("GET", CONTROL + path)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND"):
        plan.ask(method, f"{CONTROL}/reset", needs=method)
        plan.ask(method, f"{CONTROL}/", needs=method)
    plan.ask("DELETE", f"{CONTROL}/faults", {"faults": ["answers-202"]})
    plan.ask("PATCH", f"{CONTROL}/clock", {"forward": 9}, needs="PATCH")
    plan.ask("BREW", f"{CONTROL}/reset", needs="BREW", refusal=(400, 405, 501))
    plan.ask("PUT", f"{CONTROL}/clock", {"at": "2026-03-02T12:00:00+08:00", "forward": 1})
    plan.ask("PUT", f"{CONTROL}/faults", {"faults": ["anwsers-202"]})
    plan.ask("PUT", f"{CONTROL}/faults%2F", {"faults": ["answers-202"]})
    plan.ask("POST", f"{CONTROL}/messages", {"count": 0})


_BODIED = {"/messages": "POST", "/clock": "PUT", "/contract": "PUT", "/faults": "PUT"}


def _retries(plan: Plan) -> None:
    own, foreign = plan.twin.own, plan.twin.foreign
    place = f"{PREFIX}/campaigns/{own.id}/messages"
    for state, way in zip(plan.twin.messages, [(), ("proxy",)] * 20, strict=False):
        message = f"{place}/{plan.twin.messages[state]}"
        plan.ask("GET", message, None, *way, key=own.key)
        plan.ask("POST", f"{message}/retry", None, *way, key=own.key)
        plan.ask("GET", f"{message}?a=b", key=own.key)
    failed = f"{place}/{plan.twin.messages['failure']}"
    plan.ask("PUT", f"{CONTROL}/clock", {"forward": 30})
    plan.ask("GET", failed, key=own.key)
    plan.ask("PUT", f"{CONTROL}/clock", {"forward": 60}, "chunked")
    for body, way in ((b"", ()), (b"{}", ()), (b"", ("chunked",)), (b"{}", ("chunked", "proxy"))):
        plan.ask("POST", f"{failed}/retry", body, *way, key=own.key)
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND"):
        plan.ask(method, f"{failed}/retry", key=own.key, needs=method)
    plan.ask("HEAD", failed, key=own.key)
    plan.ask("BREW", f"{failed}/retry", key=own.key, needs="BREW", refusal=(400, 405, 501))
    for key in (None, own.revoked_key, foreign.key, "nobody's"):
        plan.ask("POST", f"{failed}/retry", key=key)
    plan.ask("GET", f"{place}/message_of_nobody", key=own.key)
    plan.ask("POST", f"{place}/message_of_nobody/retry", key=own.key)
    plan.ask("POST", f"{PREFIX}/nothing", {}, key=own.key)


def _sends(plan: Plan) -> None:
    own = plan.twin.own
    place = f"{PREFIX}/campaigns/{own.id}/messages"
    wanted = {"recipient": "6511111111", "language": "english", "values": {"name": "Tést 测试"}}
    for way in ((), ("chunked",), ("expect",), ("chunked", "proxy")):
        response = plan.ask("POST", place, wanted, *way, key=own.key)
        if response is not None:
            plan.ask("GET", f"{place}/{response.json()['id']}", key=own.key)
    for body in (None, b"", b"{", {**wanted, "recipient": "+65"}, json.dumps(wanted)[:-1].encode()):
        plan.ask("POST", place, body, key=own.key)
    plan.ask("GET", place, key=own.key)


def _other_sites(plan: Plan) -> None:
    page = {"sec-fetch-site": "cross-site"}
    for way in ((), ("chunked",)):
        wanted = {"forward": 5}
        plan.ask("PUT", f"{CONTROL}/clock", wanted, *way, headers=page, needs="Sec-Fetch-Site")
    plan.ask("PUT", f"{CONTROL}/clock", {"forward": 5}, "proxy", host="sandbox.example")
    plan.ask("GET", f"{CONTROL}/", None, "proxy", host="localhost:1")


def _sizes(plan: Plan) -> None:
    wanted = json.dumps({"state": "enqueued", "count": 3}).encode()
    for way in ((), ("chunked",), ("expect",)):
        plan.ask("POST", f"{CONTROL}/messages", wanted.rjust(LARGE), *way)
        refused, lack = wanted.rjust(TOO_LARGE), "expect refused" if "expect" in way else ""
        plan.ask("POST", f"{CONTROL}/messages", refused, *way, refusal=(413, None), needs=lack)
        plan.ask("POST", f"{CONTROL}/messages", wanted)


def _end(plan: Plan) -> None:
    key, place = plan.twin.own.key, f"{PREFIX}/campaigns/{plan.twin.own.id}/messages"
    plan.ask("PUT", f"{CONTROL}/faults", {"faults": ["answers-202", "undocumented-field"]})
    response = plan.ask("POST", f"{CONTROL}/messages", {"count": 2})
    assert response is not None
    for message in response.json()["messages"]:
        plan.ask("POST", f"{place}/{message}/retry", key=key)
    plan.ask("GET", f"{CONTROL}/requests")
    plan.ask("GET", f"{CONTROL}/")
