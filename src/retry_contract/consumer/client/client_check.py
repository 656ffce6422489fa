"""Trying a client in every scenario, over real HTTP on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from retry_contract.consumer.client.calls import Calls, Client, Made
from retry_contract.consumer.client.client_scenarios import Scenario, scenarios
from retry_contract.consumer.client.policy import Known, known_of, validate
from retry_contract.consumer.compare import advice_on
from retry_contract.consumer.readiness import (
    NOTHING_COMPARED,
    SHOW,
    Asked,
    Finding,
    Readiness,
    Result,
    Tried,
)
from retry_contract.contract.catalogue import Catalogue
from retry_contract.contract.pair import Pair
from retry_contract.privacy.descriptions import cut
from retry_contract.privacy.masking import Scrubber, scrubbed
from retry_contract.service.model import PREFIX
from retry_contract.service.stage import Stage
from retry_contract.service.staged_calls import PAIRED

_APART = 10  # messages, that each scenario has for itself
_FEW = 5


def check_client(asked: Asked, client: Client, pair: Pair, catalogue: Catalogue) -> Readiness:
    """Call a client in every scenario. Raises UsageError."""
    from retry_contract.endpoint.server import serve

    begin = time.perf_counter()
    timeline, planned = catalogue.timeline, scenarios(pair, catalogue.timeline)
    served = pair.served(timeline, asked.now)
    scrub = Scrubber(asked.secret).scrub
    stages = [Stage(catalogue, _APART * number, scrub) for number in range(len(planned))]
    with serve(*(stage.handle for stage in stages)) as urls:
        called = Calls(client).make(planned, stages, [url + PREFIX for url in urls])
    # Before anything is cut off or compared.
    made = [[_scrubbed(call, scrub) for call in calls] for calls in called]
    known = known_of(made[0], made[1], asked.accept)
    found = []
    for scenario, calls in zip(planned, made, strict=True):
        if scenario.name == PAIRED:
            found.append(_paired(pair, calls, known))
            continue
        wrong = [_safe(f, calls, asked) for call in calls if (f := validate(call, client, known))]
        counts = scenario.counts(served, reads_old=bool(known.old))
        found.append(_tried(scenario, calls, wrong, known, counts=counts))
    in_force = timeline.at(asked.now) is pair.new.period
    notes, seconds = tuple(_notes(found, known, asked)), time.perf_counter() - begin
    periods = pair.new.period, pair.old.period
    return Readiness(
        asked.target, *periods, in_force, tuple(found), seconds, unit="call", notes=notes
    )


def _scrubbed(made: Made, scrub: Callable[[str], str]) -> Made:
    """Return a call without the user's key, and what was read without the one that it was given."""
    attempt = scrubbed(made.attempt, scrub)
    read = scrubbed(attempt.read, Scrubber(made.visit.key).scrub)
    return replace(made, attempt=replace(attempt, read=read))


def _safe(finding: Finding, calls: Sequence[Made], asked: Asked) -> Finding:
    """Return a finding without a secret, its error cut off only then."""
    scrub = Scrubber(asked.secret, *{made.visit.key for made in calls}).scrub
    safe: Finding = scrubbed(finding, scrub)
    return replace(safe, error=cut(safe.error))


def _tried(
    scenario: Scenario, calls: Sequence[Made], wrong: list[Finding], known: Known, *, counts: bool
) -> Tried:
    worst = min(wrong, key=lambda finding: finding.result is Result.NOT_TESTED, default=None)
    lost = any(
        made.call.expects == "lost" and made.visit.is_accepted() and not known.succeeded(made)
        for made in calls
    )
    remark = "reports a failure: the SMS is on its way" if lost else ""
    if scenario.shown_only:
        worst = None  # a note says what there is to say
    return Tried(scenario.name, scenario.of, counts, len(calls), len(wrong), worst, remark)


def _paired(pair: Pair, calls: Sequence[Made], known: Known) -> Tried:
    """Return whether one process reads the same by both contracts, but for what was added."""
    name, read = pair.old.name, [m for m in calls if m.visit.is_accepted() and known.succeeded(m)]
    if len(read) < 2:
        return Tried(PAIRED, name, counts=False, tried=0)
    payload = read[1].visit.payload() or {}
    added = [payload[field] for field in pair.added if field in payload]
    places = known.compared(read[0], read[1], added)
    counts, finding = True, None
    if any(made.attempt.opaque[:1] == ("",) for made in read):
        counts = "" not in known.accept
        finding = Finding(Result.NOT_TESTED, NOTHING_COMPARED, advice=SHOW)
    elif places:
        finding = Finding(Result.DIFFERS, "", payload, differs=places, advice=advice_on(places))
    return Tried(PAIRED, name, counts, 1, int(bool(places)), finding)


def _notes(found: Sequence[Tried], known: Known, asked: Asked) -> Iterator[str]:
    lost = [tried.name for tried in found if tried.remark and not tried.finding]
    if lost:
        yield (
            f"After {', '.join(lost)} it reports a failure, though the retry was accepted and the "
            "SMS is on its way: its caller must ask Retrieve first, and never send again."
        )
    if known.new and known.new[0] is None:
        yield (
            "What it read was not shown, so only what it reports was tested: let it return what it "
            "reads (a command: print it as JSON, in its last line)."
        )
    if found[-1].failed:
        yield (
            f"{found[-1].name} is shown only: it waits as long as the body comes. A deadline for "
            "the whole call would end it; a timeout of most libraries is for each read."
        )
    if known.unsteady:
        places = (pointer or "the whole result" for pointer in known.unsteady[:_FEW])
        yield f"Left out, since it differs from call to call: {', '.join(places)}."
    if asked.accept:
        places = (pointer or "the whole result" for pointer in asked.accept)
        yield f"Accepted, whatever is read there: {', '.join(places)}."
