"""The documented service in this process, behind httpx: no socket is opened."""

import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from retry_contract.contract.catalogue import Catalogue, Contract
from retry_contract.endpoint.base import Endpoint, Numbers
from retry_contract.service.faults import Fault
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import PREFIX, Service, Settings, simulator_number
from retry_contract.service.seeds import FAILED, seed

ORIGIN = "https://mock.postman.invalid"
_ORIGIN = ("https", "mock.postman.invalid", None)
BASE_URL = ORIGIN + PREFIX
_TICK = timedelta(milliseconds=7)


class _ModelClient(httpx.Client):
    """Leaves out redirects, cookies and authentication, which the model has not: a tenth of a run.

    After it is closed it raises RuntimeError, as httpx does.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        transport = httpx.MockTransport(answer)
        super().__init__(transport=transport, base_url=BASE_URL, trust_env=False)
        self._answer = answer

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        if self.is_closed:
            return super().send(request, **options)
        response = self._answer(request)
        response.request = request
        return response


class MockEndpoint(Endpoint):
    """The model behind httpx. Requests outside its base URL raise, and reach no network.

    `now` is the instant that its clock shows: the clock moves by `tick` with each request.
    """

    name = "mock"
    expendable = True
    real_time = False

    def __init__(
        self,
        catalogue: Catalogue,
        start: datetime,
        in_force: Callable[[datetime], Contract],
        *,
        settings: Settings | None = None,
        faults: Sequence[Fault] = (),
        tick: timedelta = _TICK,
    ) -> None:
        self._copy = functools.partial(MockEndpoint, catalogue, settings=settings, faults=faults)
        self._catalogue, self._in_force, self._tick = catalogue, in_force, tick
        self.now = self._start = start
        settings = settings or Settings()
        self.service = Service(clock=lambda: self.now, in_force=in_force, settings=settings)
        own, self._foreign = self.service.add_campaign(), self.service.add_campaign()
        self._own, self.key, self.campaign = own, own.key, own.id
        self.revoked_key: str | None = own.revoked_key
        self.numbers = Numbers()
        self.foreign_campaign: str | None = self._foreign.id
        self.simulator: str | None = simulator_number()
        self._handle: Handler = self.service.handle
        for fault in faults:
            self._handle = fault.wrap(self.service, self._handle)
        self.client: httpx.Client = _ModelClient(self._dispatch)

    def send(self, request: httpx.Request) -> httpx.Response:
        return self.client.send(request)

    def message_in(self, state: str) -> str | None:
        foreign = state == "foreign"
        campaign = self._foreign if foreign else self._own
        return seed(self.service, campaign, FAILED if foreign else state).id

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def renew(self) -> "MockEndpoint":
        return self._copy(self._start, self._in_force, tick=self._tick)

    def set_batch(self, message: str, status: str) -> bool:
        batch = self.service.messages[message].batch
        if batch is None:
            return False
        batch.status = status
        return True

    def move_to(self, instant: datetime) -> None:
        self.now = instant

    def twin_at(self, instant: datetime) -> "MockEndpoint":
        all_ = self._catalogue
        return self._copy(instant, lambda now: all_.of(all_.timeline.at(now)), tick=timedelta(0))

    def _dispatch(self, request: httpx.Request) -> httpx.Response:
        return response_to(request, self._tick_and_handle)

    def _tick_and_handle(self, request: Request) -> Response:
        self.now += self._tick
        return self._handle(request)


def mock_of(
    catalogue: Catalogue,
    contract: Contract,
    *,
    settings: Settings | None = None,
    faults: Sequence[Fault] = (),
) -> MockEndpoint:
    """Return the mocked endpoint at an instant at which this contract is in force."""
    start = catalogue.timeline.instant_within(contract.period)
    return MockEndpoint(catalogue, start, lambda _: contract, settings=settings, faults=faults)


def response_to(request: httpx.Request, handle: Handler) -> httpx.Response:
    """Return what a function answers to a request under BASE_URL.

    Raises AssertionError outside it, and httpx.TransportError for what does not arrive at once.
    """
    # respx ignores the port, and compares the path as a string prefix: /api/v22 would pass.
    url, path = request.url, request.url.raw_path.decode("ascii").partition("?")[0]
    if (url.scheme, url.host, url.port) != _ORIGIN or not path.startswith(PREFIX + "/"):
        raise AssertionError(f"{request.method} {request.url} is outside {BASE_URL}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    response = handle(Request(request.method, path, headers, request.content))
    if response.pace == "reset":
        raise httpx.ReadError("the connection was reset", request=request)
    if response.pace != "at once":
        raise httpx.ReadTimeout("the response never came", request=request)
    return httpx.Response(response.status, headers=dict(response.headers), content=response.body)
