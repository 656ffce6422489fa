"""Sends the requests of a run, numbers them, and keeps every exchange."""

from __future__ import annotations

import contextlib
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
from retry_contract.verification.outage import (
    NoSuchMessage,
    back_off,
    check_control,
    check_first,
    check_redirect,
    check_still_welcome,
    check_welcome,
    explain_failure,
    looks_down,
    needs_control,
    nothing_known,
)

Listener = Callable[[Exchange], None]

_CAP = 3
"""A message that was tried so often may be refused, or not: the documents disagree."""

_POLLS = 20
_A_MOMENT = 0.002
"""Timestamps are in whole milliseconds: a retry must not be of the very one of the failure."""

_PAUSES, _PAUSES_HERE = (0.5, 5.0), (0.05, 0.5)
"""The first pause between two polls and the longest, in seconds."""

_MOST_BACK_OFFS = 4
_ID = re.compile(r"[A-Za-z0-9._~-]+")
_OWN_KEY = "own key"
_VALUES = {"name": "Tést 测试"}


class Prober:
    """One run's way to the endpoint. It holds what was sent, and nothing of what it means.

    `listen` is told of every exchange.
    """

    def __init__(self, endpoint: Endpoint, listen: Listener | None = None) -> None:
        self.endpoint = endpoint
        self.exchanges: list[Exchange] = []
        self.listen = listen
        self._control: str | None = None
        self._welcomed = False
        self._latest: dict[str, Exchange] = {}
        self._taken: set[str] = set()
        self._made: tuple[str, Exchange | None] | None = None

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
        headers = {}
        if authorization is not None:
            own = f"Bearer {self.endpoint.key}"
            headers["Authorization"] = own if authorization == _OWN_KEY else authorization
        self.forward(kind, method, path, headers=headers, json=json)
        return self.exchanges[-1]

    def forward(self, kind: Kind, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request as it is given to httpx, after a 429 again.

        Raises NotTested if no response comes, or the service has no time for the run.
        """
        for number in range(_MOST_BACK_OFFS + 1):
            try:
                built = self.endpoint.client.build_request(method, path, **request)
                response = self.endpoint.send(built)
            except httpx.RequestError as error:
                reason = f"no response from {self.endpoint.name}: {explain_failure(error)}"
                raise NotTested(reason) from error
            except httpx.InvalidURL as error:
                raise NotTested("a message has an id that cannot be put into a path") from error
            self._keep(from_httpx(response, len(self.exchanges) + 1, kind))
            if response.status_code != 429 or not self.endpoint.real_time:
                return response
            if number < _MOST_BACK_OFFS:
                self.endpoint.wait(back_off(response.headers.get("retry-after", ""), number))
        raise NotTested("too many requests (429), however long was waited: see --rate")

    def meet(self) -> None:
        """Retrieve a message before anything else, if there is one.

        Its response tells whether the service talks to the run, and later an outage from a fault.
        """
        if self.exchanges or not self.endpoint.real_time:
            return
        with contextlib.suppress(NotExercised):
            *others, last = self.endpoint.named or [self.any_message()[0]]
            for message in others:
                with contextlib.suppress(NoSuchMessage):
                    self.retrieve(message)
                    return
            self.shown(last)

    def retrieve(self, message: str) -> Exchange:
        """Retrieve a message. Raises NotTested if the service redirects, or is down."""
        exchange = self.send("retrieve", self._path(message, None), method="GET")
        self._latest[message] = exchange
        if self.endpoint.real_time:
            self._check_shown(exchange)
        if exchange.status == 200:
            self._control = message
        return exchange

    def shown(self, message: str) -> Exchange:
        """Return the latest Retrieve of a message that nothing has been asked of since."""
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
        """Ask for one retry; if the message is `known`, with a Retrieve before and after it.

        Where nothing was asked of the message since it was last retrieved, that Retrieve serves.
        Raises NotTested if the service redirects, or is down.
        """
        before = self.shown(message) if known else None
        self._latest.pop(message, None)
        path = self._path(message, campaign) + "/retry"
        kind: Kind = "other" if scenario == WRONG_METHOD else "retry"
        exchange = self.send(kind, path, method=method, authorization=authorization)
        own_key = authorization == _OWN_KEY and campaign is None
        if self.endpoint.real_time and own_key and not self._welcomed:
            check_welcome(exchange)
        after = self.retrieve(message) if known else None
        self._rule_out_outage(exchange, after, own_key=own_key)
        campaign = campaign or self.endpoint.campaign
        return Observation(scenario, exchange, campaign, message, before, after, sent)

    def failed_message(self) -> tuple[str, Exchange | None]:
        """Return a message that has failed, and the Single Send that made it, if one did.

        Raises NotExercised if there is none.
        """
        if self._made is not None:
            made, self._made = self._made, None
            return made
        if self.endpoint.simulator is None:
            return self.message_in(FAILURE), None
        message, sent = self.simulate()
        self.wait_until_failed(message)
        return message, sent

    def any_message(self) -> tuple[str, Exchange | None]:
        """Return a message that can be retrieved. Nothing is sent if one was named."""
        if self.endpoint.named:
            return self._control or self.endpoint.named[0], None
        self._made = self.failed_message()
        return self._made

    def simulate(self, values: Mapping[str, str] | None = None) -> tuple[str, Exchange]:
        """Send a message to a simulator number, and return its id and the Single Send.

        Raises NotExercised if none may be sent, or it was not accepted.
        """
        recipient = self.endpoint.simulator
        if recipient is None:
            raise NotExercised("needs --provision simulator")
        values = values or self.endpoint.values or _VALUES
        body = {"recipient": recipient, "language": "english", "values": dict(values)}
        path = f"campaigns/{self.endpoint.campaign}/messages"
        sent = self.send("single-send", path, method="POST", json=body)
        if self.endpoint.real_time:
            check_redirect(sent)
            self._check_first(sent)
        message = sent.members.get("id")
        if not sent.succeeded or not isinstance(message, str) or not _ID.fullmatch(message):
            raise NotExercised(f"the Single Send was answered with status {sent.status}")
        return message, sent

    def message_in(self, state: str) -> str:
        """Return a message in a state. Raises NotExercised if the endpoint has none."""
        message = self.endpoint.message_in(state) or self.named_in(state)
        if message is not None:
            return message
        if state == FAILURE:
            named = f"no named message is left that has failed, and less than {_CAP} times"
            none = "no message to retry: give --message ID, or --provision simulator"
            raise NotExercised(named if self.endpoint.named else none)
        raise NotExercised(
            f"no message in state {state} at hand: the service's team can provide one by "
            "the hook pytest_retry_contract_state"
        )

    def wait_until_failed(self, *messages: str) -> None:
        """Poll until each message has failed. Raises NotExercised if one does not."""
        for message in messages:
            self._wait_until_failed(message)
        if self.endpoint.real_time:
            self.endpoint.wait(_A_MOMENT)

    def _wait_until_failed(self, message: str) -> None:
        pause, longest = _PAUSES_HERE if self.endpoint.expendable else _PAUSES
        status = "absent"
        for _ in range(_POLLS):
            status = describe(self.retrieve(message).members.get("latestStatus"))
            if status == f'"{FAILURE}"':
                return
            if status == f'"{SUCCESS}"':
                break
            self.endpoint.wait(pause)
            pause = min(pause * 2, longest)
        raise NotExercised(f"a message to a simulator number did not fail: it is {status}")

    def named_in(self, state: str) -> str | None:
        """Return the first of the named messages that Retrieve shows in a state, once."""
        for message in self.endpoint.named:
            if message in self._taken:
                continue
            shown = self.shown(message)
            if is_in_state(shown, state) and self._may_probe(shown, state):
                self._taken.add(message)
                return message
        return None

    def _may_probe(self, shown: Exchange, state: str) -> bool:
        """Whether a faulty service would text nobody but whom the user chose to text."""
        simulated = shown.members.get("recipient") in SIMULATOR
        return state == FAILURE or simulated or self.endpoint.expendable

    def _keep(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        if self.listen is not None:
            self.listen(exchange)

    def _check_first(self, exchange: Exchange) -> None:
        """Check the first response about a message, which tells whether the service talks to us."""
        if not self._welcomed:
            check_first(exchange)
            self._welcomed = True

    def _check_shown(self, exchange: Exchange) -> None:
        check_redirect(exchange)
        self._check_first(exchange)
        check_still_welcome(exchange)
        if looks_down(exchange) or (exchange.succeeded and exchange.document.violations):
            check_control(exchange)

    def _rule_out_outage(
        self, exchange: Exchange, control: Exchange | None, *, own_key: bool
    ) -> None:
        """Ask for a known message right after a response that may be an outage, or a refusal."""
        if not self.endpoint.real_time:
            return
        if exchange.kind == "retry":
            check_redirect(exchange)
        if needs_control(exchange, own_key=own_key):
            if control is None and self._control is not None:
                control = self.retrieve(self._control)
            if control is None:
                raise NotTested(nothing_known(exchange))
            check_control(control)

    def _path(self, message: str, campaign: str | None) -> str:
        return f"campaigns/{campaign or self.endpoint.campaign}/messages/{message}"


def is_in_state(shown: Exchange, state: str) -> bool:
    """Whether a Retrieve shows a message in a state, in which one reading of the cap may matter.

    A state is a status, `batch:` and a batch's status, or `attempts-spent`.
    """
    batches = shown.members.get("batches")
    listed = batches if isinstance(batches, list) else []
    statuses = [batch.get("status") for batch in listed if isinstance(batch, dict)]
    status, tries = shown.members.get("latestStatus"), len(attempts_of(shown) or ())
    if state == SPENT:
        return status == FAILURE and tries > _CAP
    if state.startswith(BATCH):
        return status == FAILURE and tries < _CAP and state.removeprefix(BATCH) in statuses
    if state == FAILURE and tries >= _CAP:
        return False
    return status == state and all(s in RETRYABLE_BATCHES for s in statuses)
