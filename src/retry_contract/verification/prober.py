"""Sends the requests of a run, numbers them, and keeps every exchange."""

import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Kind, Observation, from_httpx
from retry_contract.outcome import NotExercised, NotSent, NotTested, Traffic
from retry_contract.privacy.descriptions import describe
from retry_contract.rules.delivery import FAILURE, SUCCESS, attempts_of
from retry_contract.rules.scenarios import WRONG_METHOD
from retry_contract.service.records import SIMULATOR
from retry_contract.verification import outage

Listener = Callable[[Exchange], None]

_MOST_BACK_OFFS = 4
_PAUSES, _PAUSES_HERE = (0.5, 5.0), (0.05, 0.5)
"""The first pause between two polls and the longest, in seconds."""

_A_MOMENT = 0.002
"""Timestamps are in whole milliseconds: a retry must come after that of the failure."""

_IN_TIME = " after {:g} s; --max-seconds waits longer"
_ID = re.compile(r"[A-Za-z0-9._~-]+")
_OWN_KEY = "own key"
_NO_CONNECTION = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    *(httpx.ProxyError, httpx.UnsupportedProtocol),
)
"""Raised before a request has left."""

_VALUES = {"name": "Tést 测试"}

_url = functools.lru_cache(512)(httpx.URL)
"""Reads a URL: most are asked more than once, and httpx looks at each character."""


NOT_SIMULATED = (
    "the Single Send to a simulator number was answered with a message to another recipient, which "
    "is left alone"
)


def is_to_simulator(shown: Exchange) -> bool:
    """Return whether a Retrieve shows a message to a simulator number: a retry reaches nobody."""
    recipient = shown.members.get("recipient")
    return isinstance(recipient, str) and recipient in SIMULATOR


class NoResponse(NotTested):
    """A request left, and no whole response came: what it asked for may have been done."""


class Prober:
    """Sends the requests of one run, and keeps every exchange.

    `listen` is called with each. `wait` lets seconds pass, by default as the endpoint does.
    `progress` is told what is waited for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        listen: Listener | None = None,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self.endpoint, self.listen = endpoint, listen
        self.progress: Callable[[str], None] = lambda _: None
        self._base = str(endpoint.client.base_url).rstrip("/") + "/"
        self.wait = wait or (lambda seconds: endpoint.wait(seconds))
        self.exchanges: list[Exchange] = []
        self.control: str | None = None
        self._welcomed = False
        self._latest: dict[str, Exchange] = {}
        self._shown: dict[str, Exchange] = {}
        self._requests, self._left = 0, Counter[Kind]()
        self._unanswered: list[str] = []

    @property
    def traffic(self) -> Traffic:
        """How much was sent, and the responses by status."""
        responses = Counter(str(exchange.status) for exchange in self.exchanges)
        retries, sends = self._left["retry"], self._left["single-send"]
        accepted = sum(e.kind == "retry" and e.succeeded for e in self.exchanges)
        by_status = dict(sorted(responses.items()))
        unanswered = tuple(self._unanswered)
        return Traffic(self._requests, by_status, retries, accepted, sends, unanswered)

    def send(
        self,
        kind: Kind,
        path: str,
        *,
        method: str,
        authorization: str | None = _OWN_KEY,
        json: Any = None,
        alone: bool = False,
    ) -> Exchange:
        """Send one request. Raises NotTested if no response comes."""
        if authorization == _OWN_KEY:
            authorization = f"Bearer {self.endpoint.key}"
        headers = {} if authorization is None else {"Authorization": authorization}
        headers |= {"Connection": "close"} if alone else {}
        self.forward(kind, method, path, headers=headers, json=json)
        return self.exchanges[-1]

    def forward(self, kind: Kind, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request as given to httpx, and again after a 429. Raises NotTested."""
        for number in range(_MOST_BACK_OFFS + 1):
            try:
                built = self.endpoint.client.build_request(
                    method, _url(self._base + path), **request
                )
                response = self._transfer(kind, built)
            except httpx.InvalidURL as error:
                raise NotTested("a message has an id that cannot be put into a path") from error
            except NoResponse as failure:
                raise NotTested(f"{failure}{self._fate_of(kind, method, path)}") from failure
            exchange = from_httpx(response, len(self.exchanges) + 1, kind)
            self.exchanges.append(exchange)
            if self.listen is not None:
                self.listen(exchange)
            if response.status_code != 429 or not self.endpoint.real_time:
                return response
            if number < _MOST_BACK_OFFS:
                self.wait(outage.back_off(response.headers.get("retry-after", ""), number))
                if kind == "retry" and not self.endpoint.expendable:
                    self._check_unmoved(path.removesuffix("/retry"))
        raise NotTested("too many requests (429), however long was waited: see --rate")

    def _check_unmoved(self, path: str) -> None:
        """Raise NotTested if a message is another one since a retry of it was answered with 429."""
        before, shown = self._shown.get(path), self.send("retrieve", path, method="GET")
        if shown.succeeded and (before is None or before.body != shown.body):
            raise NotTested(
                "a retry was answered with 429, and Retrieve shows its message changed: it may "
                "have been accepted"
            )

    def _transfer(self, kind: Kind, request: httpx.Request) -> httpx.Response:
        """Send one request, counted before it leaves: what follows may be an interruption."""
        posted, sent = request.method == "POST", _sent(kind, request)
        self._requests += 1
        self._left[kind] += posted
        self._unanswered += sent
        try:
            response = self.endpoint.send(request)
            self._forget(sent)
            return response
        except (NotSent, *_NO_CONNECTION) as error:
            self._requests -= 1
            self._left[kind] -= posted
            self._forget(sent)
            if isinstance(error, NotSent):
                raise
            raise NotSent(self._explain(error)) from error
        except httpx.RequestError as error:
            raise NoResponse(self._explain(error)) from error
        except NotTested as error:
            raise NoResponse(str(error)) from error

    def _forget(self, sent: list[str]) -> None:
        for what in sent:
            self._unanswered.remove(what)

    def _explain(self, error: Exception) -> str:
        return f"no response from {self.endpoint.name}: {outage.explain_failure(error)}"

    def retrieve(self, message: str, *, alone: bool = False) -> Exchange:
        """Retrieve a message. Raises NotTested if the service redirects, or is down.

        If `alone`, no request comes after it on its connection.
        """
        path = self._path(message)
        exchange = self.send("retrieve", path, method="GET", alone=alone)
        self._latest[message] = self._shown[path] = exchange
        if self.endpoint.real_time:
            self._check_first(exchange)
            outage.check_welcome(exchange, first=False)
            if outage.looks_down(exchange) or (exchange.succeeded and exchange.document.violations):
                outage.check_control(exchange)
        if exchange.status == 200:
            self.control = message
        return exchange

    def latest_retrieve(self, message: str) -> Exchange:
        """Return the latest Retrieve of a message, or a new one after a retry of it."""
        return self._latest.get(message) or self.retrieve(message)

    def probe(
        self,
        scenario: str,
        message: str,
        *,
        sent: Exchange | None = None,
        known: bool = True,
        method: str = "POST",
        campaign: str | None = None,
        authorization: str | None = _OWN_KEY,
    ) -> Observation:
        """Send one retry; if the message is `known`, between two Retrieves. Raises NotTested."""
        before = self.latest_retrieve(message) if known else None
        self._latest.pop(message, None)
        own_key = authorization == _OWN_KEY and campaign is None
        campaign = campaign or self.endpoint.campaign
        path = self._path(message, campaign) + "/retry"
        kind: Kind = "other" if scenario == WRONG_METHOD else "retry"
        exchange = self.send(kind, path, method=method, authorization=authorization)
        if self.endpoint.real_time and own_key and not self._welcomed:
            outage.check_welcome(exchange)
        after = self.retrieve(message) if known else None
        self.rule_out_outage(exchange, lambda: self.control, own_key=own_key, control=after)
        return Observation(scenario, exchange, campaign, message, before, after, sent)

    def probe_twice(self, scenario: str, message: str) -> tuple[Observation, ...]:
        """Send two retries with nothing between them; return the second, if the first is accepted.

        The response to the first stands for the Retrieve before it.
        """
        listed = attempts_of(self.latest_retrieve(message))
        first = self.probe(scenario, message, known=False).exchange
        if not first.succeeded:
            return ()
        sends = len(listed) + 1 if listed else None
        return (self.probe_at_once(scenario, message, first, sends=sends),)

    def probe_at_once(
        self, scenario: str, message: str, before: Exchange, *, sends: int | None
    ) -> Observation:
        """Send one retry right after an exchange that shows the message, and then a Retrieve.

        `sends` is how often it had been sent before, if that is known.
        """
        observation = self.probe(scenario, message, known=False)
        return replace(observation, before=before, after=self.retrieve(message), sends=sends)

    def _fate_of(self, kind: Kind, method: str, path: str) -> str:
        """Return in sentences what may have come of a request that got no response."""
        if method != "POST" or kind == "retrieve":
            return ""
        if kind == "single-send":
            return ". The Single Send went out and may have been accepted"
        message = path.removesuffix("/retry")
        gone = f". The retry of {message.rpartition('/')[2]} went out and may have been accepted"
        try:
            shown = self.send("retrieve", message, method="GET")
        except Exception:  # whatever ends the run now, what went out is said
            return f"{gone}, and Retrieve shows no message now either"
        status = describe(shown.members.get("latestStatus"))
        return f"{gone}: Retrieve ({shown.status}) shows latestStatus as {status} now"

    def simulate(self, values: Mapping[str, str] | None = None) -> tuple[str, Exchange]:
        """Send to a simulator number; return the message and the send. Raises NotExercised."""
        recipient = self.endpoint.simulator
        if recipient is None:
            raise NotExercised("needs --provision simulator")
        values = values or self.endpoint.values or _VALUES
        body = {"recipient": recipient, "language": "english", "values": dict(values)}
        path = f"campaigns/{self.endpoint.campaign}/messages"
        sent = self.send("single-send", path, method="POST", json=body)
        if self.endpoint.real_time:
            self._check_first(sent)
        message = sent.members.get("id")
        if not sent.succeeded or not isinstance(message, str) or not _ID.fullmatch(message):
            raise NotExercised(f"the Single Send was answered with status {sent.status}")
        return message, sent

    def wait_until_failed(self, message: str, patience: float | None = None) -> None:
        """Poll until a message has failed. Raises NotExercised if it does not.

        It is waited for as long as the endpoint says, or `patience` seconds.
        """
        self.progress("waiting for a message to a simulator number to fail")
        self._poll(message, self.endpoint.patience if patience is None else patience)
        self.wait_a_moment()

    def wait_a_moment(self) -> None:
        """Let the service's clock move on, so that what comes has a later timestamp."""
        if self.endpoint.real_time:
            self.wait(_A_MOMENT)

    def _poll(self, message: str, patience: float) -> None:
        pause, longest = _PAUSES_HERE if self.endpoint.expendable else _PAUSES
        waited = 0.0
        while True:
            shown = self.retrieve(message)
            status = shown.members.get("latestStatus")
            if status == FAILURE:
                if not self.endpoint.expendable and not is_to_simulator(shown):
                    raise NotTested(NOT_SIMULATED)
                return
            if status == SUCCESS or waited >= patience:
                raise NotExercised(
                    f"a message to a simulator number did not fail: it is {describe(status)}"
                    f"{_IN_TIME.format(patience) if patience and status != SUCCESS else ''}"
                )
            self.wait(pause)
            waited += pause
            pause = min(pause * 2, longest)

    def _check_first(self, exchange: Exchange) -> None:
        """Check for a redirect and, once in a run, that the service talks to it."""
        outage.check_redirect(exchange)
        if not self._welcomed:
            outage.check_first(exchange)
            self._welcomed = True

    def rule_out_outage(
        self,
        exchange: Exchange,
        known: Callable[[], str | None],
        *,
        own_key: bool,
        control: Exchange | None = None,
    ) -> None:
        """Retrieve a known message after a response that may be a sign of an outage or of a block.

        `control` is that Retrieve, if it was sent already. Raises NotTested if it is one, if no
        message is known to check by, or after a redirect.
        """
        if not self.endpoint.real_time:
            return
        if exchange.kind == "retry":
            outage.check_redirect(exchange)
        if not outage.looks_down(exchange) and not (own_key and outage.refusal_of(exchange)):
            return
        if control is None:
            message = known()
            if message is None:
                why = "and no message is known to tell an outage from a fault by: give --message ID"
                raise NotTested(f"answered with {exchange.status}, {why}")
            control = self.retrieve(message)
        outage.check_control(control)

    def _path(self, message: str, campaign: str | None = None) -> str:
        return f"campaigns/{campaign or self.endpoint.campaign}/messages/{message}"


def _sent(kind: Kind, request: httpx.Request) -> list[str]:
    """Return what a request may have sent, in a few words; nothing for most requests."""
    if request.method != "POST" or kind not in ("retry", "single-send"):
        return []
    message = request.url.path.removesuffix("/retry").rpartition("/")[2]
    return [f"the retry of {message}" if kind == "retry" else "a Single Send"]
