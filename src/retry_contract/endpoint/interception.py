"""The documented service in front of every client of httpx and httpx2 in this process, by respx.

For users' tests alone: a run's own client needs none of it, and respx takes long to import.
"""

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import ClassVar

import httpx
import respx
from respx.mocks import HTTPCoreMocker, Mocker
from respx.models import AllMockedAssertionError

from retry_contract.endpoint.mock import BASE_URL, ORIGIN, response_to
from retry_contract.service.http import Handler

_HTTPCORE2 = "httpcore2"


@contextlib.contextmanager
def intercept_clients(handle: Handler) -> Iterator[str]:
    """Answer every client of httpx and httpx2 in this process by a function, until the block ends.

    Gives the URL, without a path. A request outside its base URL raises AssertionError, and
    reaches no network. A response that does not arrive at once raises at once, what the client's
    own library raises.
    """

    def answer(request: httpx.Request) -> httpx.Response:
        router.reset()  # respx keeps every call
        return response_to(request, handle)

    router = _Router(base_url=BASE_URL, assert_all_called=False)
    router.route().mock(side_effect=answer)
    with router, _intercept_httpx2():
        yield ORIGIN


@contextlib.contextmanager
def _intercept_httpx2() -> Iterator[None]:
    """Hand respx, which patches httpcore alone, the requests of httpx2 where that is installed."""
    if importlib.util.find_spec(_HTTPCORE2) is None:
        yield
        return
    # The mocker of pytest-httpx2, if there is one: of two, the later one sees no request.
    mocker, router = Mocker.registry.get(_HTTPCORE2, _HTTPCore2Mocker), _HTTPXRouters()
    try:
        mocker.register(router)
        mocker.start()
        yield
    finally:
        mocker.unregister(router)
        mocker.stop()


class _Router(respx.MockRouter):
    """Says of a request outside its base URL what to do; another router may still answer it."""

    def handler(self, request: httpx.Request) -> httpx.Response:
        with _advice(request):
            response: httpx.Response = super().handler(request)
        return response

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        with _advice(request):
            response: httpx.Response = await super().async_handler(request)
        return response


@contextlib.contextmanager
def _advice(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except AllMockedAssertionError:
        where = f"{request.url.scheme}://{request.url.netloc.decode()}{request.url.path}"
        raise AllMockedAssertionError(
            f"{request.method} {where} is outside {BASE_URL}, the base URL of retry_mock: "
            "give your code that one; what is not the service needs a mock of its own"
        ) from None


class _HTTPCore2Mocker(HTTPCoreMocker):
    """respx's patches of httpcore, made on httpcore2, which httpx2 sends with."""

    name = f"{_HTTPCORE2}, by retry-contract"  # respx takes each name once
    targets: ClassVar[list[str]] = [
        f"{_HTTPCORE2}.ConnectionPool",
        f"{_HTTPCORE2}.HTTPConnection",
        f"{_HTTPCORE2}.AsyncConnectionPool",
        f"{_HTTPCORE2}.AsyncHTTPConnection",
    ]


class _HTTPXRouters(respx.Router):
    """The routers that answer httpx, with httpcore2's errors, which httpx2 turns into its own."""

    def handler(self, request: httpx.Request) -> httpx.Response:
        with _errors_of_httpcore2():
            response: httpx.Response = HTTPCoreMocker.handler(request)  # type: ignore[no-untyped-call]
        return response

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        with _errors_of_httpcore2():
            response: httpx.Response = await HTTPCoreMocker.async_handler(request)  # type: ignore[no-untyped-call]
        return response


@contextlib.contextmanager
def _errors_of_httpcore2() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        import httpcore2

        names = [kind.__name__ for kind in type(error).__mro__]
        name = next((name for name in names if name in httpcore2.__all__), "NetworkError")
        raise getattr(httpcore2, name)(str(error)) from None
