"""Responses below the bound of one MiB that would keep a run busy, or fill its outputs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

from support.server import Served
from support.watched import Watch, watched

from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service


def _members(number: int, value: str, prefix: str = "m") -> str:
    return ",".join(f'"{prefix}{index:05d}":{value}' for index in range(number))


def _items(number: int, item: str) -> str:
    return "[" + ",".join([item] * number) + "]"


PERSON = "Zebediah"
Change = Callable[[str], str]
"""Makes the body of a response, a JSON object, a hostile one."""


def _with(name: str, value: str) -> Change:
    def change(body: str) -> str:
        members = {k: v for k, v in json.loads(body).items() if k != name}
        return f'{json.dumps(members)[:-1]},"{name}":{value}}}'

    return change


def _also(members: str) -> Change:
    return lambda body: f"{body[:-1]},{members}}}"


BODIES: dict[str, Change] = {
    "values of numbers": _with("values", f"{{{_members(60_000, '0')}}}"),
    "values of texts": _with("values", "{" + _members(45_000, f'"{PERSON}"') + "}"),
    "different texts": _with(
        "values", "{" + ",".join(f'"m{n}":"Zebediah {n}"' for n in range(30_000)) + "}"
    ),
    "attempts": _with("attempts", _items(49_000, "{}")),
    "too many attempts": _with("attempts", _items(300_000, "{}")),
    "5,000 undocumented names": _also(_members(5_000, "0")),
    "60,000 undocumented names": _also(_members(60_000, "0")),
    "20,000 names of persons": _also(_members(20_000, "0", "Zebediah Quimby ")),
    "twofold names": _also(f"{_members(30_000, '0')},{_members(30_000, '0')}"),
    "a text": _with("fullMessage", f'"{"a" * 900_000}"'),
    "a percent-encoded text": _with("fullMessage", f'"{"%25" * 300_000}"'),
    "a text in base64": _with("fullMessage", f'"{"YWFh" * 220_000}"'),
    "10,000 blank lines": lambda body: body + "\n" * 10_000,
    "a million blank lines": lambda body: body + "\n" * 1_000_000,
    "a million blanks in a text": _with("fullMessage", f'"{" " * 1_000_000}"'),
    "blank lines in a text": _with("fullMessage", '"' + "\\n  at " * 140_000 + '"'),
}


def _changed(change: Change) -> Callable[[Service, Handler], Handler]:
    def wrap(_: Service, handle: Handler) -> Handler:
        def hostile(request: Request) -> Response:
            response = handle(request)
            if not response.body:
                return response
            body = change(response.body.decode())
            return Response(response.status, body.encode(), response.headers)

        return hostile

    return wrap


@contextlib.contextmanager
def hostile_service(name: str, watch: Watch | None = None) -> Iterator[Served]:
    """Serve the model, with the bodies of its responses made hostile."""
    with watched(wraps=(_changed(BODIES[name]),), watch=watch) as (served, _):
        yield served
