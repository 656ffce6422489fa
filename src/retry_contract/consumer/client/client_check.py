"""Trying a client in every scenario, over real HTTP on loopback."""

import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace

from retry_contract.consumer import readiness
from retry_contract.consumer.client.calls import CallResult, Calls, Client
from retry_contract.consumer.client.policy import Baseline, baseline_of, check_call
from retry_contract.consumer.compare import advice_on, differences
from retry_contract.consumer.readiness import CheckPlan, Finding, Readiness, Result, ScenarioOutcome
from retry_contract.contract.catalogue import Catalogue, Pair, newest_pair
from retry_contract.privacy.descriptions import cut
from retry_contract.privacy.scrubber import Scrubber, map_texts
from retry_contract.service.model import PREFIX
from retry_contract.service.stage import Stage
from retry_contract.service.staged_calls import CUTOVER, DRIPS, PAIRED, calls_by_scenario

_MESSAGES = 10  # that each scenario has for itself
_FEW = 5


def contract_of(name: str, pair: Pair) -> str:
    """Return the name of the contract that a scenario is about."""
    return (pair.old if name in (pair.old.period.alias, PAIRED) else pair.new).name


def counts(name: str, pair: Pair, served: Set[str], *, reads_old: bool) -> bool:
    """Say whether a scenario counts, where some contracts are served.

    A client need not read an older contract that nothing serves; if it does, it must go on to.
    """
    older = name != CUTOVER or pair.old.name in served or reads_old
    return contract_of(name, pair) in served and older and name != DRIPS


def check_client(options: CheckPlan, client: Client, catalogue: Catalogue) -> Readiness:
    """Call a client in every scenario. Raises UsageError."""
    begin, pair, timeline = time.perf_counter(), newest_pair(catalogue), catalogue.timeline
    planned = calls_by_scenario(pair, timeline)
    from retry_contract.endpoint.server import serve

    scrub = Scrubber(options.secret).scrub
    stages = [Stage(catalogue, _MESSAGES * number, scrub) for number in range(len(planned))]
    with serve(*(stage.handle for stage in stages)) as hosts:
        made = Calls(client).make([*planned.values()], stages, [host + PREFIX for host in hosts])
    # Before anything is cut off or compared.
    results = [[_scrub_call(call, scrub) for call in calls] for calls in made]
    baseline = baseline_of(results[0], results[1], options.accept)
    served = pair.current_contracts(timeline, options.now)
    outcomes = []
    for name, calls in zip(planned, results, strict=True):
        if name == PAIRED:
            outcomes.append(_pair_outcome(pair, calls, baseline))
            continue
        wrong = [found for call in calls if (found := check_call(call, client, baseline))]
        wrong = [_scrub_finding(finding, calls, options.secret) for finding in wrong]
        depends = counts(name, pair, served, reads_old=bool(baseline.old))
        plain = ScenarioOutcome(name, contract_of(name, pair), depends, len(calls))
        outcomes.append(_outcome(plain, calls, wrong, baseline))
    new, notes = pair.new.period, tuple(_notes(outcomes, baseline, options))
    now = timeline.at(options.now) is new, tuple(outcomes), time.perf_counter() - begin
    return Readiness(options.target, new, pair.old.period, *now, unit="call", notes=notes)


def _scrub_call(result: CallResult, scrub: Callable[[str], str]) -> CallResult:
    """Return a call without the user's key, and what was read without the one that it was given."""
    attempt = map_texts(result.attempt, scrub)
    read = map_texts(attempt.read, Scrubber(result.visit.key).scrub)
    return replace(result, attempt=replace(attempt, read=read))


def _scrub_finding(finding: Finding, calls: Sequence[CallResult], secret: str) -> Finding:
    """Return a finding without a secret, its error cut off only then."""
    scrub = Scrubber(secret, *{call.visit.key for call in calls}).scrub
    safe: Finding = map_texts(finding, scrub)
    return replace(safe, error=cut(safe.error))


def _outcome(
    plain: ScenarioOutcome, calls: Sequence[CallResult], wrong: list[Finding], baseline: Baseline
) -> ScenarioOutcome:
    worst = min(wrong, key=lambda finding: finding.result is Result.NOT_TESTED, default=None)
    if plain.name == DRIPS:
        worst = None  # a note says what there is to say
    accepted = [c for c in calls if c.call.expects == "lost" and c.visit.is_accepted()]
    failed_on_lost = not all(map(baseline.reports_success, accepted))
    remark = "reports a failure: the SMS is on its way" if failed_on_lost else ""
    return replace(plain, failed=len(wrong), finding=worst, remark=remark)


def _pair_outcome(pair: Pair, calls: Sequence[CallResult], baseline: Baseline) -> ScenarioOutcome:
    """Return whether one process reads the same by both contracts, but for what was added."""
    name = pair.old.name
    read = [c for c in calls if c.visit.is_accepted() and baseline.reports_success(c)]
    if len(read) < 2:
        return ScenarioOutcome(PAIRED, name, counts=False, tried=0)
    payload = read[1].visit.payload() or {}
    added = [payload[field] for field in pair.new_fields if field in payload]
    places = tuple(differences(read[0].reading, read[1].reading, added, baseline.left_out))
    depends, finding = True, None
    if any(call.attempt.opaque[:1] == ("",) for call in read):
        depends, finding = "" not in baseline.accept, readiness.NOTHING_COMPARED
    elif places:
        finding = Finding(Result.DIFFERS, "", payload, differs=places, advice=advice_on(places))
    return ScenarioOutcome(PAIRED, name, depends, 1, int(bool(places)), finding)


def _notes(
    outcomes: Sequence[ScenarioOutcome], baseline: Baseline, options: CheckPlan
) -> Iterator[str]:
    lost = [outcome.name for outcome in outcomes if outcome.remark and not outcome.finding]
    if lost:
        yield (
            f"After {', '.join(lost)} it reports a failure, though the retry was accepted and the "
            "SMS is on its way: its caller must ask Retrieve first, and never send again."
        )
    if baseline.new and baseline.new[0] is None:
        yield (
            "What it read was not shown, so only what it reports was tested: let it return what it "
            "reads (a command: print it as JSON, in its last line)."
        )
    if outcomes[-1].failed:
        yield (
            f"{outcomes[-1].name} is shown only: it waits as long as the body comes. A deadline "
            "for the whole call would end it; a timeout of most libraries is for each read."
        )
    if baseline.unsteady:
        yield f"Left out, since it differs from call to call: {_names(baseline.unsteady[:_FEW])}."
    if options.accept:
        yield f"Accepted, whatever is read there: {_names(options.accept)}."


def _names(pointers: Sequence[str]) -> str:
    return ", ".join(pointer or "the whole result" for pointer in pointers)
