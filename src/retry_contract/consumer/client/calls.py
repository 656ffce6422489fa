"""The situations in which a client is called, each with the calls that bring it about."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from retry_contract.consumer.cases import Pair
from retry_contract.consumer.client.stage import UNKNOWN, Call
from retry_contract.contract.timeline import Timeline
from retry_contract.service.errors import Refusal
from retry_contract.service.faults import FAULTS
from retry_contract.service.faults.model import Wrap, is_retry
from retry_contract.service.http import Handler, Reply, Request
from retry_contract.service.model import Service, Settings
from retry_contract.service.sandbox import AUTO
from retry_contract.service.seeds import BATCH, SPENT

_LEAD = timedelta(hours=1)
_PAGE = Reply(
    500, b"<html><body><h1>Internal Server Error</h1></body></html>", {"content-type": "text/html"}
)
_RESET = Reply(503, pace="reset")


@dataclass(frozen=True)
class Scenario:
    """One situation: what it is called, which contract it is about, and its calls in turn.

    `older` names another contract by which some of its calls are answered, if any is.
    """

    name: str
    of: str
    calls: tuple[Call, ...]
    older: str | None = None

    def counts(self, served: Set[str], read: Set[str]) -> bool:
        """Say whether it counts, where some contracts are served and some are read.

        A client need not read an older contract that nothing serves; if it does, it must go on to.
        """
        return self.of in served and (self.older is None or self.older in served | read)


def scenarios(pair: Pair, timeline: Timeline) -> tuple[Scenario, ...]:
    """Return the situations, beginning with an accepted retry by each contract."""
    old, new = pair.old, pair.new
    at = timeline.instant_within(new.period)
    before, after = (Call(c.name, at, expects="accepted") for c in (old, new))
    cutover = new.period.effective_from
    assert cutover is not None  # only the first contract holds from the beginning
    met = Call(new.name, at)
    refused = replace(met, expects="refused")
    return (
        Scenario(old.period.alias, old.name, (before,)),
        # Twice, to know what of it differs from call to call.
        Scenario(new.period.alias, new.name, (after, after)),
        Scenario("through the cutover", new.name, _through(cutover), older=old.name),
        *(Scenario(name, new.name, _enveloped(call)) for name, call in _refusals(refused)),
        Scenario("429 once", new.name, (replace(met, wrap=_busy(once=True)),)),
        Scenario("429 each time", new.name, (replace(refused, wrap=_busy(once=False)),)),
        Scenario("500 HTML page", new.name, (replace(refused, wrap=_answering(_PAGE)),)),
        Scenario("connection closed", new.name, (replace(refused, wrap=_answering(_RESET)),)),
        Scenario("no answer", new.name, (replace(refused, wrap=_silent),)),
        Scenario("201 cut off", new.name, (replace(met, wrap=FAULTS["body-cut-off"].wrap),)),
        Scenario("201 stalls", new.name, (replace(met, wrap=FAULTS["no-reply"].wrap),)),
    )


def _through(cutover: datetime) -> tuple[Call, ...]:
    """Return calls an hour before the cutover, across it, and an hour later."""
    instants = (cutover - _LEAD, cutover - timedelta(milliseconds=75), cutover + _LEAD)
    return tuple(Call(AUTO, at, expects="accepted") for at in instants)


def _refusals(refused: Call) -> tuple[tuple[str, Call], ...]:
    address = Refusal(400, "invalid_ip_address_used", "This address is not on the list.")
    return (
        ("400 unknown message", replace(refused, state=UNKNOWN)),
        ("400 not failed", replace(refused, state="sent")),
        ("400 batch not ready", replace(refused, state=f"{BATCH}messages_sent")),
        ("400 attempts spent", replace(refused, state=SPENT)),
        ("400 address not listed", replace(refused, wrap=_refusing(address))),
        ("401 wrong key", replace(refused, key="wrong")),
        ("403 key of another campaign", replace(refused, key="foreign")),
    )


def _enveloped(call: Call) -> tuple[Call, Call]:
    """Return the call with errors in each of the documented envelopes."""
    return (
        replace(call, settings=Settings(errors="nested")),
        replace(call, settings=Settings(errors="flat")),
    )


def _busy(*, once: bool) -> Wrap:
    refusal = Refusal(429, "too_many_requests", "Too many requests; back off.")
    return _refusing(refusal, once=once)


def _refusing(refusal: Refusal, *, once: bool = False) -> Wrap:
    """Return a wrapper that refuses every request, or the first one for a retry."""

    def wrap(service: Service, handle: Handler) -> Handler:
        refused: list[Request] = []

        def answer(request: Request) -> Reply:
            if once and (refused or not is_retry(request)):
                return handle(request)
            refused.append(request)
            return service.errors.reply(refusal)

        return answer

    return wrap


def _silent(_service: Service, handle: Handler) -> Handler:
    """Answer no request for a retry, and do nothing of what it asks for."""
    nothing = Reply(503, pace="silent")
    return lambda request: nothing if is_retry(request) else handle(request)


def _answering(reply: Reply) -> Wrap:
    return lambda _service, _handle: lambda _request: reply
