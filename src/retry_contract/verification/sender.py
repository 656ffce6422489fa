"""Sends the requests of a run, numbers and counts them, and keeps every exchange."""

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Kind, from_httpx
from retry_contract.outcome import NotSent, NotTested, Traffic
from retry_contract.privacy.descriptions import describe
from retry_contract.verification import outage

Listener = Callable[[Exchange], None]

OWN_KEY = "own key"
_RETRY = "/retry"
_MOST_BACK_OFFS = 4
_NO_CONNECTION = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    *(httpx.ProxyError, httpx.UnsupportedProtocol),
)
"""Raised before a request has left."""

_url = functools.lru_cache(512)(httpx.URL)
"""Reads a URL: most are asked more than once, and httpx looks at each character."""


class NoResponse(NotTested):
    """A request left, and no whole response came: what it asked for may have been done."""


class Sender:
    """Sends requests, counts each before it leaves, and keeps every exchange.

    Each has a connection of its own, since a balancer may tie a connection to one of several
    instances; those of a `pooled` sender share a few. `listen` is called with each exchange.
    `wait` lets seconds pass, by default as the endpoint does.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        listen: Listener | None = None,
        wait: Callable[[float], None] | None = None,
        *,
        pooled: bool = False,
    ) -> None:
        self.endpoint, self.listen = endpoint, listen
        self.wait = wait or (lambda seconds: endpoint.wait(seconds))
        self.exchanges: list[Exchange] = []
        self._base = str(endpoint.client.base_url).rstrip("/") + "/"
        self._pooled = pooled
        self._requests, self._left = 0, Counter[Kind]()
        self._unanswered: list[str] = []

    @property
    def traffic(self) -> Traffic:
        """How much was sent, and the responses by status."""
        responses = Counter(str(exchange.status) for exchange in self.exchanges)
        retries, sends = self._left["retry"], self._left["single-send"]
        posted = (e for e in self.exchanges if e.succeeded and e.method == "POST")
        accepted = sum(e.path.endswith(_RETRY) for e in posted)
        by_status = dict(sorted(responses.items()))
        unanswered = tuple(self._unanswered)
        return Traffic(self._requests, by_status, retries, accepted, sends, unanswered)

    def send(
        self,
        kind: Kind,
        path: str,
        *,
        method: str,
        authorization: str | None = OWN_KEY,
        json: Any = None,
        alone: bool = False,
    ) -> Exchange:
        """Send one request, on a connection of its own if `alone`. Raises NotTested."""
        headers = self._headers(authorization)
        self.forward(kind, method, path, alone=alone, headers=headers, json=json)
        return self.exchanges[-1]

    def forward(
        self, kind: Kind, method: str, path: str, *, alone: bool = False, **request: Any
    ) -> httpx.Response:
        """Send one request as given to httpx, and again after a 429. Raises NotTested."""
        for number in range(_MOST_BACK_OFFS + 1):
            began = self.endpoint.numbers.latest
            try:
                built = self._build(method, path, alone=alone, **request)
                response = self._transfer(kind, built)
            except NoResponse as failure:
                raise NoResponse(f"{failure}{self._fate_of(kind, method, path)}") from failure
            self._keep(kind, response, began)
            if response.status_code != 429 or not self.endpoint.real_time:
                return response
            if number < _MOST_BACK_OFFS:
                seconds = outage.back_off(response.headers.get("retry-after", ""), number)
                self.endpoint.waiting.take(seconds)
                self.wait(seconds)
                if kind == "retry" and not self.endpoint.expendable:
                    self._check_unmoved(path.removesuffix("/retry"))
        raise NotTested("too many requests (429), however long was waited: see --rate")

    def send_together(self, path: str, count: int) -> tuple[Sequence[Exchange], NotTested | None]:
        """Send so many retries of one message at once, each once.

        Return what was answered, and why others were not. Raises NotTested where none was.
        """
        headers, began = self._headers(OWN_KEY), self.endpoint.numbers.latest
        built = [self._build("POST", path, alone=True, headers=headers) for _ in range(count)]
        for request in built:
            request.extensions["together"] = True
        sent = [self._count_out("retry", request) for request in built]
        answered, failures = list[Exchange](), list[NotTested]()
        came = self.endpoint.send_together(built)
        for request, what, result in zip(built, sent, came, strict=True):
            if isinstance(result, httpx.Response):
                self._forget(what)
                self._keep("retry", result, began)
                answered.append(self.exchanges[-1])
            else:
                failures.append(self._failure("retry", request, what, result))
        lost = next((f for f in failures if isinstance(f, NoResponse)), None)
        if lost is not None:
            failures = [NoResponse(f"{lost}{self._fate_of('retry', 'POST', path)}")]
        if not answered:
            raise failures[0]
        return answered, failures[0] if failures else None

    def _headers(self, authorization: str | None) -> dict[str, str]:
        if authorization == OWN_KEY:
            authorization = f"Bearer {self.endpoint.key}"
        return {} if authorization is None else {"Authorization": authorization}

    def _build(
        self, method: str, path: str, *, alone: bool, headers: Mapping[str, str], **request: Any
    ) -> httpx.Request:
        """Return a request. Raises NotTested if its path cannot be one."""
        single = alone or not self._pooled
        headers = {**headers, "Connection": "close"} if single else headers
        try:
            return self.endpoint.client.build_request(
                method,
                _url(self._base + path),
                headers=headers,
                extensions={"single": single},
                **request,
            )
        except httpx.InvalidURL as error:
            raise NotTested("a message has an id that cannot be put into a path") from error

    def _keep(self, kind: Kind, response: httpx.Response, began: int) -> None:
        exchange = from_httpx(response, self.endpoint.numbers.next(), kind, began)
        self.exchanges.append(exchange)
        if self.listen is not None:
            self.listen(exchange)

    def _transfer(self, kind: Kind, request: httpx.Request) -> httpx.Response:
        """Send one request, counted before it leaves: what follows may be an interruption."""
        sent = self._count_out(kind, request)
        try:
            response = self.endpoint.send(request)
        except (httpx.RequestError, NotTested) as error:
            raise self._failure(kind, request, sent, error) from error
        self._forget(sent)
        return response

    def _count_out(self, kind: Kind, request: httpx.Request) -> Sequence[str]:
        """Count a request that is about to leave; return what it may send, in a few words."""
        sent = _sent(kind, request)
        self._requests += 1
        self._left[_sent_as(kind, request)] += request.method == "POST"
        self._unanswered += sent
        return sent

    def _failure(
        self, kind: Kind, request: httpx.Request, sent: Sequence[str], error: Exception
    ) -> NotTested:
        """Return why no response came; a request that did not leave is no longer counted."""
        if isinstance(error, (NotSent, *_NO_CONNECTION)):
            self._requests -= 1
            self._left[_sent_as(kind, request)] -= request.method == "POST"
            self._forget(sent)
            return error if isinstance(error, NotSent) else NotSent(self._explain(error))
        return NoResponse(str(error) if isinstance(error, NotTested) else self._explain(error))

    def _forget(self, sent: Sequence[str]) -> None:
        for what in sent:
            self._unanswered.remove(what)

    def _explain(self, error: Exception) -> str:
        return f"{outage.NO_RESPONSE} {self.endpoint.name}: {outage.explain_failure(error)}"

    def _fate_of(self, kind: Kind, method: str, path: str) -> str:
        """Return in sentences what may have come of a request whose response says nothing."""
        if method != "POST" or kind not in ("retry", "single-send"):
            return ""
        if kind == "single-send":
            return ". The Single Send went out and may have been accepted"
        message = path.removesuffix("/retry")
        gone = f". The retry of {message.rpartition('/')[2]} went out and may have been accepted"
        try:
            shown = self.send("retrieve", message, method="GET", alone=True)
        except Exception:  # whatever ends the run now, what went out is said
            return f"{gone}, and Retrieve shows no message now either"
        status = describe(shown.members.get("latestStatus"))
        return f"{gone}: Retrieve ({shown.status}) shows latestStatus as {status} now"

    def _check_unmoved(self, path: str) -> None:
        """Raise NotTested if a message is another one since a retry of it was answered with 429."""
        earlier = (e for e in reversed(self.exchanges) if e.kind == "retrieve")
        before = next((e for e in earlier if e.path.endswith(f"/{path}")), None)
        shown = self.send("retrieve", path, method="GET")
        if before is None or not shown.succeeded or before.body != shown.body:
            raise NotTested(
                "a retry was answered with 429, and Retrieve does not show its message unchanged: "
                "it may have been accepted"
            )


def _sent_as(kind: Kind, request: httpx.Request) -> Kind:
    """Return what a request is counted as: a retry by its path, whatever it is sent for."""
    return "retry" if request.url.path.endswith(_RETRY) else kind


def _sent(kind: Kind, request: httpx.Request) -> list[str]:
    """Return what a request may have sent, in a few words; nothing for most requests."""
    sent = _sent_as(kind, request)
    if request.method != "POST" or sent not in ("retry", "single-send"):
        return []
    message = request.url.path.removesuffix(_RETRY).rpartition("/")[2]
    return [f"the retry of {message}" if sent == "retry" else "a Single Send"]
