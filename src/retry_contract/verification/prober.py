"""Makes observations: a retry between two Retrieves, a Single Send, the wait for a failure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Kind, Observation, instant_of
from retry_contract.outcome import NotExercised, NotTested
from retry_contract.privacy.descriptions import describe
from retry_contract.rules.delivery import FAILURE, SUCCESS, attempts_of
from retry_contract.rules.scenarios import MALFORMED, WRONG_METHOD
from retry_contract.service.records import SIMULATOR
from retry_contract.verification import outage
from retry_contract.verification.sender import OWN_KEY, Listener, NoResponse, Sender

_PAUSES, _PAUSES_HERE = (0.5, 5.0), (0.05, 0.5)
"""The first pause between two polls and the longest, in seconds."""

_A_MOMENT = 0.002
"""Timestamps are in whole milliseconds: a retry must come after that of the failure."""

_IN_TIME = " after {:g} s; --max-seconds waits longer"
_ID, _LONGEST_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+"), 200
_VALUES = {"name": "Tést 测试"}

NOT_SIMULATED = (
    "the Single Send to a simulator number was answered with a message to another recipient, which "
    "is left alone"
)


def is_id(text: str) -> bool:
    """Return whether a text can be the id of a message, as it stands in a path."""
    return len(text) <= _LONGEST_ID and _ID.fullmatch(text) is not None


def is_to_simulator(shown: Exchange) -> bool:
    """Return whether a Retrieve shows a message to a simulator number: a retry reaches nobody."""
    recipient = shown.members.get("recipient")
    return isinstance(recipient, str) and recipient in SIMULATOR


class Prober(Sender):
    """Makes the observations of one run. `progress` is told what is waited for."""

    def __init__(
        self,
        endpoint: Endpoint,
        listen: Listener | None = None,
        wait: Callable[[float], None] | None = None,
        *,
        pooled: bool = False,
    ) -> None:
        super().__init__(endpoint, listen, wait, pooled=pooled)
        self.progress: Callable[[str], None] = lambda _: None
        self.control: str | None = None
        self._welcomed = False
        self._latest: dict[str, Exchange] = {}

    def retrieve(self, message: str) -> Exchange:
        """Retrieve a message. Raises NotTested if the service redirects, or is down."""
        path = self._path(message)
        exchange = self._shown_at(path)
        self._latest[message] = exchange
        if self.endpoint.real_time:
            self._check_first(exchange)
            outage.check_welcome(exchange, first=False)
            if outage.is_unlike_a_message(exchange):
                outage.check_control(exchange)
        if exchange.status == 200:
            self.control = message
        return exchange

    def retrieve_if_there(self, message: str) -> Exchange:
        """Retrieve a message that need not be there: whatever comes is no outage."""
        return self.send("retrieve", self._path(message), method="GET")

    def _shown_at(self, path: str) -> Exchange:
        """Retrieve a message, and once more on a new connection if that does not show one."""
        try:
            exchange = self.send("retrieve", path, method="GET")
        except NoResponse:
            if not self._pooled:
                raise
        else:
            if not (self.endpoint.real_time and outage.is_unlike_a_message(exchange)):
                return exchange
        return self.send("retrieve", path, method="GET", alone=True)

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
        authorization: str | None = OWN_KEY,
    ) -> Observation:
        """Send one retry; if the message is `known`, between two Retrieves. Raises NotTested."""
        before = self.latest_retrieve(message) if known else None
        self._latest.pop(message, None)
        own_key = authorization == OWN_KEY and campaign is None
        campaign = campaign or self.endpoint.campaign
        path = self._path(message, campaign) + "/retry"
        kind: Kind = "other" if scenario in (WRONG_METHOD, *MALFORMED) else "retry"
        exchange = self.send(kind, path, method=method, authorization=authorization)
        if self.endpoint.real_time and own_key and not self._welcomed:
            outage.check_welcome(exchange)
        try:
            after = self.retrieve(message) if known else None
            self.rule_out_outage(exchange, lambda: self.control, own_key=own_key, control=after)
        except NotTested as failure:
            if exchange.status < 500 or kind != "retry":
                raise
            fate = f"The retry of {message} was answered with {exchange.status}"
            raise NotTested(f"{failure}. {fate}, and may have been accepted") from failure
        return Observation(scenario, exchange, campaign, message, before, after, sent)

    def probe_together(
        self, scenario: str, message: str, count: int
    ) -> tuple[tuple[Observation, ...], NotTested | None]:
        """Send so many retries of a message at once, between two Retrieves.

        Return what was answered, and why others were not. Raises NotTested.
        """
        before, path = self.latest_retrieve(message), self._path(message) + "/retry"
        self._latest.pop(message, None)
        exchanges, failure = self.send_together(path, count)
        after = self.retrieve(message)
        for exchange in exchanges:
            self.rule_out_outage(exchange, lambda: self.control, own_key=True, control=after)
        campaign = self.endpoint.campaign
        found = (Observation(scenario, e, campaign, message, before, after) for e in exchanges)
        return tuple(found), failure

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
        if not sent.succeeded or not isinstance(message, str) or not is_id(message):
            raise NotExercised(f"the Single Send was answered with status {sent.status}")
        return message, sent

    def wait_until_failed(
        self, message: str, patience: float | None = None, *, since: Exchange | None = None
    ) -> None:
        """Poll until a message has failed. Raises NotExercised if it does not.

        It is waited for as long as the endpoint says, or `patience` seconds. After the retry
        `since`, what Retrieve shows must be later: a replica may be behind.
        """
        self.progress("waiting for a message to a simulator number to fail")
        patience = self.endpoint.patience if patience is None else patience
        self._poll(message, patience, instant_of(since.members.get("updatedAt")) if since else None)
        self.wait_a_moment()

    def wait_a_moment(self) -> None:
        """Let the service's clock move on, so that what comes has a later timestamp."""
        if self.endpoint.real_time:
            self.wait(_A_MOMENT)

    def _poll(self, message: str, patience: float, since: tuple[int, str] | None) -> None:
        pause, longest = _PAUSES_HERE if self.endpoint.expendable else _PAUSES
        waited = 0.0
        while True:
            shown = self.retrieve(message)
            status = shown.members.get("latestStatus")
            updated = instant_of(shown.members.get("updatedAt"))
            stale = since is not None and updated is not None and updated < since
            if status == FAILURE and not stale:
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
