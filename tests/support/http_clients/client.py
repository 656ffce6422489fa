"""Plays a plan by a client of Python's: `client.py KIND BASE`, see ../http_plan.py."""

from __future__ import annotations

import asyncio
import atexit
import base64
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, NamedTuple

TOLD = ("allow", "content-type", "retry-after")
PIECE = 7_000


class Row(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    ways: list[str]


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def row_of(line: str) -> Row:
    method, url, heads, body, ways = line.rstrip("\n").split("\t")
    headers = dict(head.split(": ", 1) for head in heads.split("|") if head)
    content = None if body == "-" else base64.b64decode(body[1:])
    return Row(method, url, headers, content, ways.split(" "))


def pieces(row: Row) -> Iterator[bytes]:
    body = row.body or b""
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


async def later(row: Row) -> AsyncIterator[bytes]:
    for piece in pieces(row):
        yield piece


def by_requests(base: str) -> Callable[[Row], Answer]:
    requests = importlib.import_module("requests")
    session = requests.Session()
    session.trust_env = False

    def play(row: Row) -> Answer:
        expect = {"Expect": "100-continue"} if "expect" in row.ways else {}
        response = session.request(
            row.method,
            row.url,
            headers={**row.headers, **expect},
            data=pieces(row) if "chunked" in row.ways else row.body,
            proxies={"http": base} if "proxy" in row.ways else None,
            timeout=10,
        )
        return Answer(response.status_code, response.headers, response.content)

    return play


def by_httpx(base: str, name: str) -> Callable[[Row], Answer]:
    httpx = importlib.import_module(name)
    direct = httpx.Client(trust_env=False, verify=False, timeout=10)
    proxied = httpx.Client(trust_env=False, verify=False, timeout=10, proxy=base)

    def play(row: Row) -> Answer:
        expect = {"Expect": "100-continue"} if "expect" in row.ways else {}
        response = (proxied if "proxy" in row.ways else direct).request(
            row.method,
            row.url,
            headers={**row.headers, **expect},
            content=pieces(row) if "chunked" in row.ways else row.body,
        )
        return Answer(response.status_code, response.headers, response.content)

    return play


def by_aiohttp(base: str) -> Callable[[Row], Answer]:
    aiohttp = importlib.import_module("aiohttp")
    runner = asyncio.Runner()

    async def start() -> Any:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    session = runner.run(start())
    atexit.register(lambda: runner.run(session.close()))

    async def ask(row: Row) -> Answer:
        async with session.request(
            row.method,
            row.url,
            headers=row.headers,
            data=later(row) if "chunked" in row.ways else row.body,
            expect100="expect" in row.ways,
            proxy=base if "proxy" in row.ways else None,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    return lambda row: runner.run(ask(row))


def told(answer: Answer) -> str:
    headers = "|".join(f"{name}: {answer.headers[name]}" for name in TOLD if name in answer.headers)
    return f"{answer.status}\t{headers}\t{base64.b64encode(answer.body).decode()}"


def main(kind: str, base: str) -> None:
    made = {"requests": by_requests, "aiohttp": by_aiohttp}.get(kind)
    play = made(base) if made else by_httpx(base, kind)
    for line in sys.stdin:
        try:
            answer = told(play(row_of(line)))
        except Exception as error:
            answer = "-\t" + " ".join(f"{type(error).__name__}: {error}".split()) + "\t"
        print(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
