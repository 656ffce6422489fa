"""The service in front of every client of httpx and of httpx2: one behaviour, by respx."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import anyio
import httpcore2
import httpx
import httpx2
import pytest
import respx
from respx.mocks import HTTPCoreMocker

from retry_contract.endpoint.interception import intercept_clients
from retry_contract.endpoint.mock import BASE_URL
from retry_contract.service.http import Request, Response

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ELSEWHERE = "https://elsewhere.invalid/"
PATCHED = (
    (httpcore2.ConnectionPool, "handle_request"),
    (httpcore2.HTTPConnection, "handle_request"),
    (httpcore2.AsyncConnectionPool, "handle_async_request"),
    (httpcore2.AsyncHTTPConnection, "handle_async_request"),
)

Client = Callable[[Any], Any]
CLIENTS: dict[str, Client] = {
    "verify": lambda library: library.Client(verify=TLS),
    "transport": lambda library: library.Client(
        transport=library.HTTPTransport(retries=3, verify=TLS)
    ),
    "mounts": lambda library: library.Client(
        verify=TLS, mounts={"https://": library.HTTPTransport(verify=TLS)}
    ),
    "proxy": lambda library: library.Client(verify=TLS, proxy="http://127.0.0.1:9"),
    "own transport": lambda library: library.Client(
        transport=type("Logged", (library.HTTPTransport,), {})(verify=TLS)
    ),
}
ASYNC_CLIENTS: dict[str, Client] = {
    "verify": lambda library: library.AsyncClient(verify=TLS),
    "transport": lambda library: library.AsyncClient(
        transport=library.AsyncHTTPTransport(retries=3, verify=TLS)
    ),
    "mounts": lambda library: library.AsyncClient(
        verify=TLS, mounts={"https://": library.AsyncHTTPTransport(verify=TLS)}
    ),
    "proxy": lambda library: library.AsyncClient(verify=TLS, proxy="http://127.0.0.1:9"),
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError("a socket was reached for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


def echo(request: Request) -> Response:
    """Answer with what came."""
    seen = {"method": request.method, "path": request.path, "body": request.body.decode()}
    body = json.dumps({**seen, "key": request.headers.get("authorization")}).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "X-One": "1"}
    return Response(201, body, headers)


def post(client: Any, **how: Any) -> Any:
    return client.post(f"{BASE_URL}/a%20b?c=d", headers={"Authorization": "k"}, **how)


@pytest.mark.parametrize("kind", CLIENTS)
def test_every_client_is_answered_whenever_it_was_made(library: Any, kind: str) -> None:
    earlier = CLIENTS[kind](library)
    with intercept_clients(echo), CLIENTS[kind](library) as later:
        for client in (earlier, later):
            response = post(client, content=b"body")
            seen = {"method": "POST", "path": "/api/v2/a%20b", "body": "body", "key": "k"}
            assert response.json() == seen
    earlier.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("kind", ASYNC_CLIENTS)
def test_every_async_client_is_answered_whenever_it_was_made(
    library: Any, kind: str, backend: str
) -> None:
    earlier = ASYNC_CLIENTS[kind](library)

    async def ask() -> list[Any]:
        async with earlier, ASYNC_CLIENTS[kind](library) as later:
            return [await post(client, content=b"body") for client in (earlier, later)]

    with intercept_clients(echo):
        assert [response.json()["body"] for response in anyio.run(ask, backend=backend)] == [
            "body"
        ] * 2


def test_function_of_the_module_is_answered(library: Any) -> None:
    with intercept_clients(echo):
        assert post(library, verify=TLS).status_code == 201


def test_response_of_httpx2_is_as_of_httpx() -> None:
    with intercept_clients(echo):
        one, other = (post(library, verify=TLS) for library in (httpx, httpx2))
    assert isinstance(other, httpx2.Response)
    assert other.elapsed > one.elapsed * 0
    for name in ("status_code", "reason_phrase", "http_version", "encoding", "text", "content"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.headers.raw == other.headers.raw
    assert str(one.url) == str(other.url)


def test_response_is_streamed(library: Any) -> None:
    async def ask() -> bytes:
        client = library.AsyncClient(verify=TLS)
        async with client, client.stream("GET", f"{BASE_URL}/") as response:
            return b"".join([part async for part in response.aiter_bytes(7)])

    with intercept_clients(echo):
        with library.stream("GET", f"{BASE_URL}/", verify=TLS) as response:
            assert not response.is_stream_consumed
            parts = list(response.iter_bytes(7))
        assert len(parts) > 1
        assert b"".join(parts) == asyncio.run(ask())


def test_body_is_read_from_a_stream(library: Any) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"one ", b"two")

    async def parts_later() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    async def ask() -> Any:
        async with library.AsyncClient(verify=TLS) as client:
            return await post(client, content=parts_later())

    with intercept_clients(echo):
        for response in (post(library, content=parts(), verify=TLS), asyncio.run(ask())):
            assert response.json()["body"] == "one two"


@pytest.mark.parametrize(("pace", "error"), [("reset", "ReadError"), ("stall", "ReadTimeout")])
def test_response_that_does_not_arrive_raises_what_the_library_raises(
    library: Any, pace: Any, error: str
) -> None:
    async def ask() -> None:
        async with library.AsyncClient(verify=TLS) as client:
            await post(client)

    said = "the connection was reset|the response never came"
    with intercept_clients(lambda _: Response(201, pace=pace)):
        for call in (lambda: post(library, verify=TLS), lambda: asyncio.run(ask())):
            with pytest.raises(getattr(library, error), match=said) as failure:
                call()
            assert str(failure.value.request.url) == f"{BASE_URL}/a%20b?c=d"


@pytest.mark.parametrize("error", ["ConnectError", "PoolTimeout", "CloseError", "TransportError"])
def test_error_of_a_route_of_the_users_is_of_its_library(library: Any, error: str) -> None:
    nearest = {"CloseError": "NetworkError", "TransportError": "NetworkError"}
    expected = nearest.get(error, error) if library is httpx2 else error
    with intercept_clients(echo), respx.mock as router:
        router.get(ELSEWHERE).mock(side_effect=getattr(httpx, error))
        with pytest.raises(library.TransportError) as failure:
            library.get(ELSEWHERE, verify=TLS)
        assert failure.type is getattr(library, expected)


@pytest.mark.parametrize("first", ["respx", "the service"])
def test_routes_of_the_user_are_answered_too(library: Any, first: str) -> None:
    mine, own = respx.mock(), intercept_clients(echo)
    mine.get(ELSEWHERE).respond(418)
    with mine if first == "respx" else own, own if first == "respx" else mine:
        assert library.get(ELSEWHERE, verify=TLS).status_code == 418
        assert post(library, verify=TLS).status_code == 201
        with pytest.raises(AssertionError, match=r"not mocked|is outside https://mock"):
            library.get(f"{ELSEWHERE}more", verify=TLS)


def test_route_of_the_user_that_is_async_is_awaited(library: Any) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return httpx.Response(418)

    async def ask() -> Any:
        async with library.AsyncClient(verify=TLS) as client:
            return await client.get(ELSEWHERE)

    with intercept_clients(echo), respx.mock as router:
        router.get(ELSEWHERE).mock(side_effect=answer)
        assert asyncio.run(ask()).status_code == 418


def test_transports_of_the_users_own_are_left_alone(library: Any) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> Any:
        transport = library.ASGITransport(app=application)
        async with library.AsyncClient(transport=transport) as client:
            return await post(client)

    def gateway(environ: Any, start: Any) -> list[bytes]:
        start("418 I'm a teapot", [])
        return [b""]

    with intercept_clients(echo):
        mocked = library.MockTransport(lambda _: library.Response(418))
        for transport in (mocked, library.WSGITransport(app=gateway)):
            with library.Client(transport=transport) as client:
                assert post(client).status_code == 418
        assert asyncio.run(ask()).status_code == 418


def test_threads_share_it(library: Any) -> None:
    with (
        intercept_clients(echo),
        library.Client(verify=TLS) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        bodies = [str(number) for number in range(64)]
        found = pool.map(lambda body: post(client, content=body).json()["body"], bodies)
        assert list(found) == bodies


def test_clients_are_left_as_they_were_after_a_failure() -> None:
    real = [kind.__dict__[name] for kind, name in PATCHED]

    def now() -> list[Any]:
        return [kind.__dict__[name] for kind, name in PATCHED]

    def fail() -> None:
        with intercept_clients(echo):
            with intercept_clients(echo):
                assert post(httpx2, verify=TLS).status_code == 201
            assert all(one is not other for one, other in zip(now(), real, strict=True))
            assert post(httpx2, verify=TLS).status_code == 201
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert now() == real
    assert not HTTPCoreMocker.routers
    with pytest.raises(httpx2.ConnectError, match="a socket was reached for"):
        httpx2.get(f"{BASE_URL}/", verify=TLS)


def test_clients_are_left_as_they_were_with_respx_still_at_work() -> None:
    real = httpcore2.ConnectionPool.handle_request
    with respx.mock:
        with intercept_clients(echo):
            assert post(httpx2, verify=TLS).status_code == 201
        assert httpcore2.ConnectionPool.handle_request is real


def test_httpx_is_answered_without_httpx2(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("httpcore2", "httpx2"):
        monkeypatch.setitem(sys.modules, name, None)
    with intercept_clients(echo):
        assert post(httpx, verify=TLS).status_code == 201
