"""What a call of a client says about it: what it may do, and what it must not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retry_contract.consumer.advice import BY_NAME, advise, general_advice
from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.calls import Scenario
from retry_contract.consumer.cases import Pair
from retry_contract.consumer.compare import Added, differences, strings
from retry_contract.consumer.readiness import Finding, Result, Tried
from retry_contract.consumer.stage import MOST_RETRIES, Call, Visit
from retry_contract.consumer.success import resembles

_MAY_PASS = frozenset({429, 500})
_BOUND_IT = "bound the attempts, and wait longer before each; a 400, 401 or 403 does not pass"
_PATH = "POST to /campaigns/:campaignId/messages/:messageId/retry below the base URL given"
_TOLD = "returned another value: its caller must look"
_LENGTH = "content-length"
_TIMEOUT = (
    "give the request a timeout (requests and urllib have none of their own); if it has a longer "
    "one, give --timeout"
)


@dataclass(frozen=True)
class Made:
    """One call that was made: the client's answer to it, None if it was not tried any more."""

    call: Call
    visit: Visit
    answer: Answer | None
    leaked: bool

    @property
    def returned(self) -> bool:
        """Whether the client returned something, and did not raise."""
        return self.answer is not None and self.answer.kind is Kind.READ

    @property
    def succeeded(self) -> bool:
        """Whether the client returned from a retry that was accepted, and had to be."""
        return self.call.must_succeed and self.returned and self.visit.accepted()

    @property
    def reading(self) -> Any:
        """What was returned, as JSON values without the message's id."""
        return self.without_id(self.answer.read if self.answer else None)

    def without_id(self, value: Any) -> Any:
        """Return JSON values with a name in place of the message's id, which no other call has."""
        return json.loads(json.dumps(value).replace(self.visit.message, ":messageId"))


@dataclass(frozen=True)
class _Wrong:
    error: str
    advice: str = ""
    result: Result = Result.BREAKS


def tried(
    scenario: Scenario, calls: Sequence[Made], accepted: Sequence[Any], *, counts: bool
) -> Tried:
    """Judge the calls of one situation. `accepted` is what was returned where all went well."""
    found = [(made, _wrong(made, accepted)) for made in calls if made.answer is not None]
    failed = [_finding(made, wrong) for made, wrong in found if wrong is not None]
    worst = sorted(failed, key=lambda finding: finding.result is Result.NOT_TESTED)
    remarks = dict.fromkeys(_remark(made) for made, _ in found if not made.call.must_succeed)
    return Tried(
        scenario.name,
        scenario.of,
        counts,
        len(found),
        len(failed),
        worst[0] if worst else None,
        " or ".join(remarks),
    )


def paired(pair: Pair, before: Made, after: Sequence[Made]) -> Tried:
    """Judge whether the same is returned without and with the added field, but for that field."""
    if not (before.succeeded and all(made.succeeded for made in after)):
        return Tried("paired", pair.old.name, counts=False, tried=0)
    new = after[0].without_id(after[0].visit.payload() or {})
    added = {name: new[name] for name in pair.added if name in new}
    others = frozenset(strings({k: v for k, v in new.items() if k not in added}))
    unsteady = differences(after[0].reading, after[-1].reading, Added({}))
    places = differences(before.reading, after[0].reading, Added(added, others=others))
    # A client may return a whole response, in which the length grows with the field.
    places = tuple(p for p in places if p not in unsteady and not p.lower().endswith(_LENGTH))
    if not places:
        return Tried("paired", pair.old.name, counts=True, tried=1)
    told = tuple(after[0].visit.told())
    finding = Finding(Result.DIFFERS, "", new, differs=places, requests=told, advice=BY_NAME)
    return Tried("paired", pair.old.name, counts=True, tried=1, failed=1, finding=finding)


def _finding(made: Made, wrong: _Wrong) -> Finding:
    return Finding(
        wrong.result,
        wrong.error,
        made.visit.payload(),
        made.answer.where if made.answer else "",
        requests=tuple(made.visit.told()) or ("nothing of the base URL",),
        advice=wrong.advice,
    )


def _wrong(made: Made, accepted: Sequence[Any]) -> _Wrong | None:
    """Return what is wrong with a call, the worst first; None if nothing is."""
    return _harm(made) or _stuck(made) or _misled(made, accepted)


def _harm(made: Made) -> _Wrong | None:
    """Return what is wrong whatever the service answered."""
    if any(seen.is_send for seen in made.visit.seen):
        return _Wrong(
            "it made a Single Send: the person would get the text once more",
            "retry by the retry endpoint alone; it keeps the message and its id",
        )
    if made.leaked:
        return _Wrong(
            "it printed the API key, or raised an error that holds it",
            "write no header and no setting into a log or an error",
        )
    if len(made.visit.retries()) >= MOST_RETRIES:
        return _Wrong(f"it asked for the retry {MOST_RETRIES} times, and went on", _BOUND_IT)
    return None


def _stuck(made: Made) -> _Wrong | None:
    """Return how a call came to no end, if it did."""
    answer, statuses = made.answer, made.visit.statuses()
    if answer is None or answer.kind is Kind.READ or answer.kind is Kind.REFUSED:
        return None
    if answer.kind is not Kind.HUNG:
        return _Wrong(answer.error)
    if len(statuses) > 1 and not made.visit.accepted():
        error = f"{answer.error}; it had asked {len(statuses)} times"
        if set(statuses) <= _MAY_PASS:
            longer = "give --timeout longer than all attempts take"
            return _Wrong(f"{error}, and may be about to stop", longer, Result.NOT_TESTED)
        return _Wrong(error, _BOUND_IT)
    return _Wrong(answer.error, _TIMEOUT)


def _misled(made: Made, accepted: Sequence[Any]) -> _Wrong | None:
    """Return what is wrong with what a call returned or raised."""
    answer, took = made.answer, made.visit.accepted()
    if answer is None:
        return None
    if made.call.must_succeed and not made.returned:
        although = "the retry was accepted, but " if took else ""
        return _Wrong(f"{although}it raised {answer.error}", _advice(answer) if took else _PATH)
    if took or not made.returned:
        return None
    if made.call.must_succeed:
        return _Wrong("it returned, but no retry of the message was accepted", _PATH)
    if not accepted:
        return _Wrong("there is no accepted retry to compare it with", result=Result.NOT_TESTED)
    if resembles(made.reading, accepted):
        return _Wrong(
            "it returned the same as after a retry that was accepted",
            "raise on any status but 201 (raise_for_status), or return what tells it",
        )
    return None


def _advice(answer: Answer) -> str:
    return advise(answer) or general_advice()


def _remark(made: Made) -> str:
    if made.returned:
        return "returned" if made.visit.accepted() else _TOLD
    error = made.answer.error if made.answer else ""
    return f"raised {error.partition(':')[0]}"
