"""What the calls of a client say about it, situation by situation."""

from __future__ import annotations

from collections.abc import Sequence

from retry_contract.consumer.added import Added
from retry_contract.consumer.cases import Pair
from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.made import Known, Made
from retry_contract.consumer.client.remarks import remark
from retry_contract.consumer.client.varying import is_number, varies
from retry_contract.consumer.client.wrongs import Wrong, wrongs
from retry_contract.consumer.compare import EXACT, Difference, differences, is_bad, is_lost
from retry_contract.consumer.misread import advice_on, misread
from retry_contract.consumer.readiness import Finding, Result, Tried


def tried(scenario: Scenario, calls: Sequence[Made], known: Known, *, counts: bool) -> Tried:
    """Judge the calls of one situation."""
    answered = [made for made in calls if made.answer is not None]
    failed = [_finding(made, wrong) for made, wrong in wrongs(answered, known)]
    worst = sorted(failed, key=lambda finding: finding.result is Result.NOT_TESTED)
    remarks = dict.fromkeys(remark(made, known) for made in answered)
    return Tried(
        scenario.name,
        scenario.of,
        counts,
        len(answered),
        len(failed),
        worst[0] if worst else None,
        " or ".join(filter(None, remarks)),
    )


def paired(pair: Pair, before: Made, after: Sequence[Made]) -> Tried:
    """Judge whether the same is returned without and with the added field, but for that field."""
    if not (before.succeeded and all(made.succeeded for made in after)):
        return Tried("paired", pair.old.name, counts=False, tried=0)
    new = after[0].without_id(after[0].visit.payload() or {})
    old = before.without_id(before.visit.payload() or {})
    added = Added(
        {name: new[name] for name in pair.added if name in new},
        {name: [old[name], new.get(name)] for name in old},
    )
    unsteady = differences(after[0].reading, after[-1].reading, EXACT)
    found = differences(before.reading, after[0].reading, added)
    places = tuple(p for p in found if p not in unsteady and not _is_own(p, added))
    if not places:
        own = [place for place in found if place not in unsteady and not varies(place)]
        depends = _depends(own, added)
        return Tried("paired", pair.old.name, counts=True, tried=1, remark=depends)
    finding = Finding(
        Result.DIFFERS,
        "",
        new,
        differs=misread(places, (old, new)),
        requests=tuple(after[0].visit.told()),
        advice=advice_on(places, (old, new)),
    )
    return Tried("paired", pair.old.name, counts=True, tried=1, failed=1, finding=finding)


def _is_own(place: Difference, added: Added) -> bool:
    """Say whether a client tells something of its own at a place, and read no field there.

    That may differ by chance, as how long it took does, or with the length of the reply. A number
    is never a field's.
    """
    if is_number(place.one) and is_number(place.other):
        return True
    worse = is_lost(place) or is_bad(place)
    return not worse and not any(map(added.is_of_a_field, (place.one, place.other)))


def _depends(own: Sequence[Difference], added: Added) -> str:
    """Return a remark about what a client tells of its own, if it tells any."""
    if not own:
        return ""
    at = f" at {own[0].place}" if own[0].place else ""
    return f"what it tells{at} may depend on {' and '.join(added.members)}"


def _finding(made: Made, wrong: Wrong) -> Finding:
    return Finding(
        wrong.result,
        wrong.error,
        made.visit.payload() if wrong.of_body else None,
        made.answer.where if made.answer else "",
        requests=tuple(made.visit.told()) or ("nothing of the base URL",),
        advice=wrong.advice,
    )
