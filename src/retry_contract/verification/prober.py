"""Sends the requests of a run, numbers them, and keeps every exchange."""

import contextlib
import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Kind, Observation, from_httpx
from retry_contract.outcome import NotExercised, NotTested, Traffic
from retry_contract.privacy.descriptions import describe
from retry_contract.rules.delivery import FAILURE, SUCCESS, attempts_of
from retry_contract.rules.scenarios import WRONG_METHOD
from retry_contract.service.records import RETRYABLE_BATCHES, SIMULATOR
from retry_contract.service.seeds import BATCH, SPENT
from retry_contract.verification import outage

Listener = Callable[[Exchange], None]

_CAP = 3
"""A message that was tried so often may be refused, or not: the documents disagree."""

_POLLS, _MOST_BACK_OFFS = 20, 4
_PAUSES, _PAUSES_HERE = (0.5, 5.0), (0.05, 0.5)
"""The first pause between two polls and the longest, in seconds."""

_A_MOMENT = 0.002
"""Timestamps are in whole milliseconds: a retry must come after that of the failure."""

_ID = re.compile(r"[A-Za-z0-9._~-]+")
_OWN_KEY = "own key"
_VALUES = {"name": "Tést 测试"}

_url = functools.lru_cache(512)(httpx.URL)
"""Reads a URL: most are asked more than once, and httpx looks at each character."""


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
        self._base = str(endpoint.client.base_url)
        self.wait = wait or (lambda seconds: endpoint.wait(seconds))
        self.exchanges: list[Exchange] = []
        self._control: str | None = None
        self._welcomed = False
        self._latest: dict[str, Exchange] = {}
        self._taken: set[str] = set()
        self._failed: tuple[str, Exchange | None] | None = None

    @property
    def traffic(self) -> Traffic:
        """How much was sent, and the responses by status."""
        responses = Counter(str(exchange.status) for exchange in self.exchanges)
        return Traffic(len(self.exchanges), dict(sorted(responses.items())))

    def send(
        self,
        kind: Kind,
        path: str,
        *,
        method: str,
        authorization: str | None = _OWN_KEY,
        json: Any = None,
    ) -> Exchange:
        """Send one request. Raises NotTested if no response comes."""
        if authorization == _OWN_KEY:
            authorization = f"Bearer {self.endpoint.key}"
        headers = {} if authorization is None else {"Authorization": authorization}
        self.forward(kind, method, path, headers=headers, json=json)
        return self.exchanges[-1]

    def forward(self, kind: Kind, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request as given to httpx, and again after a 429. Raises NotTested."""
        for number in range(_MOST_BACK_OFFS + 1):
            try:
                built = self.endpoint.client.build_request(
                    method, _url(self._base + path), **request
                )
                response = self.endpoint.send(built)
            except httpx.RequestError as error:
                reason = f"no response from {self.endpoint.name}: {outage.explain_failure(error)}"
                raise NotTested(reason) from error
            except httpx.InvalidURL as error:
                raise NotTested("a message has an id that cannot be put into a path") from error
            exchange = from_httpx(response, len(self.exchanges) + 1, kind)
            self.exchanges.append(exchange)
            if self.listen is not None:
                self.listen(exchange)
            if response.status_code != 429 or not self.endpoint.real_time:
                return response
            if number < _MOST_BACK_OFFS:
                self.wait(outage.back_off(response.headers.get("retry-after", ""), number))
        raise NotTested("too many requests (429), however long was waited: see --rate")

    def meet(self) -> None:
        """Retrieve a message before anything else, if there is one.

        The response shows whether the service talks to the run. The message serves as a control.
        """
        if self.exchanges or not self.endpoint.real_time:
            return
        with contextlib.suppress(NotExercised):
            *others, last = self.endpoint.named or [self.any_message()[0]]
            for message in others:
                with contextlib.suppress(outage.NoSuchMessage):
                    self.retrieve(message)
                    return
            self.latest_retrieve(last)

    def retrieve(self, message: str) -> Exchange:
        """Retrieve a message. Raises NotTested if the service redirects, or is down."""
        exchange = self.send("retrieve", self._path(message), method="GET")
        self._latest[message] = exchange
        if self.endpoint.real_time:
            self._check_first(exchange)
            outage.check_welcome(exchange, first=False)
            if outage.looks_down(exchange) or (exchange.succeeded and exchange.document.violations):
                outage.check_control(exchange)
        if exchange.status == 200:
            self._control = message
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
        self.rule_out_outage(exchange, lambda: self._control, own_key=own_key, control=after)
        return Observation(scenario, exchange, campaign, message, before, after, sent)

    def failed_message(self) -> tuple[str, Exchange | None]:
        """Return a failed message, and its Single Send if the run sent it. Raises NotExercised."""
        if self._failed is not None:
            failed, self._failed = self._failed, None
            return failed
        if self.endpoint.simulator is None:
            return self.message_in(FAILURE), None
        message, sent = self.simulate()
        self.wait_until_failed(message)
        return message, sent

    def any_message(self) -> tuple[str, Exchange | None]:
        """Return a message that can be retrieved. Nothing is sent if one was named."""
        if self.endpoint.named:
            return self._control or self.endpoint.named[0], None
        self._failed = self.failed_message()
        return self._failed

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

    def message_in(self, state: str) -> str:
        """Return a message in a state. Raises NotExercised if the endpoint has none."""
        message = self.endpoint.message_in(state) or self.named_message(state)
        if message is not None:
            return message
        if state != FAILURE:
            hook = "needs the hook pytest_retry_contract_state, which the service's team can write"
            raise NotExercised(f"{hook}: no message in state {state} is at hand")
        if self.endpoint.named:
            reason = f"no named message is left that has failed, in fewer than {_CAP} tries"
            raise NotExercised(reason)
        raise NotExercised("no message to retry: give --message ID, or --provision simulator")

    def wait_until_failed(self, *messages: str) -> None:
        """Poll until each message has failed. Raises NotExercised if one does not."""
        self.progress("waiting for a message to a simulator number to fail")
        for message in messages:
            self._poll(message)
        self.wait_a_moment()

    def wait_a_moment(self) -> None:
        """Let the service's clock move on, so that what comes has a later timestamp."""
        if self.endpoint.real_time:
            self.wait(_A_MOMENT)

    def _poll(self, message: str) -> None:
        pause, longest = _PAUSES_HERE if self.endpoint.expendable else _PAUSES
        status = "absent"
        for _ in range(_POLLS):
            status = describe(self.retrieve(message).members.get("latestStatus"))
            if status == f'"{FAILURE}"':
                return
            if status == f'"{SUCCESS}"':
                break
            self.wait(pause)
            pause = min(pause * 2, longest)
        raise NotExercised(f"a message to a simulator number did not fail: it is {status}")

    def named_message(self, state: str) -> str | None:
        """Return the first of the named messages that Retrieve shows in a state, each once.

        A message in another state than failure must be to a number that reaches nobody.
        """
        for message in self.endpoint.named:
            if message in self._taken:
                continue
            shown = self.latest_retrieve(message)
            simulated = shown.members.get("recipient") in SIMULATOR
            harmless = state == FAILURE or simulated or self.endpoint.expendable
            if harmless and is_in_state(shown, state):
                self._taken.add(message)
                return message
        return None

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


def is_in_state(shown: Exchange, state: str) -> bool:
    """Return whether a Retrieve shows a message in a state, by both readings of the cap.

    A state is a status, `batch:` and a batch's status, or `attempts-spent`.
    """
    batches = shown.members.get("batches")
    statuses = [
        batch.get("status")
        for batch in (batches if isinstance(batches, list) else ())
        if isinstance(batch, dict)
    ]
    status, tries = shown.members.get("latestStatus"), len(attempts_of(shown) or ())
    if state == SPENT:
        return status == FAILURE and tries > _CAP
    if state.startswith(BATCH):
        return status == FAILURE and tries < _CAP and state.removeprefix(BATCH) in statuses
    if state == FAILURE and tries >= _CAP:
        return False
    return status == state and all(s in RETRYABLE_BATCHES for s in statuses)
