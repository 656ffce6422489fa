"""What the calls of a client say about it, situation by situation."""

from __future__ import annotations

from collections.abc import Sequence

from retry_contract.consumer.added import Added
from retry_contract.consumer.cases import Pair
from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.made import Known, Made
from retry_contract.consumer.client.remarks import remark
from retry_contract.consumer.client.wrongs import Wrong, wrongs
from retry_contract.consumer.compare import Difference, differences, own_words
from retry_contract.consumer.misread import advice_on, misread
from retry_contract.consumer.readiness import Finding, Result, Tried

_LENGTH = "content-length"


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
    unsteady = differences(after[0].reading, after[-1].reading, Added({}))
    places = differences(before.reading, after[0].reading, added)
    # A client may return a whole response, in which the length grows with the field.
    places = tuple(p for p in places if p not in unsteady and not _is_length(p))
    own = own_words(places, before.reading, after[0].reading, added)
    places = tuple(place for place in places if place not in own)
    if not places:
        depends = f"what it tells at {own[0].place} depends on {_names(added)}" if own else ""
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


def _names(added: Added) -> str:
    return " and ".join(added.members)


def _is_length(difference: Difference) -> bool:
    return difference.place.lower().endswith(_LENGTH)


def _finding(made: Made, wrong: Wrong) -> Finding:
    return Finding(
        wrong.result,
        wrong.error,
        made.visit.payload() if wrong.of_body else None,
        made.answer.where if made.answer else "",
        requests=tuple(made.visit.told()) or ("nothing of the base URL",),
        advice=wrong.advice,
    )
