"""What was read differently, told without anything that is not of the payloads."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence, Set
from typing import Any

from retry_contract.consumer.advice import BY_NAME, LOOK_AT_CATCHES, PASS_OVER, SHOW_MORE
from retry_contract.consumer.cases import Payload
from retry_contract.consumer.compare import Difference, is_bad, is_lost
from retry_contract.consumer.readiness import Misread
from retry_contract.consumer.readings import ABSENT, strings
from retry_contract.redact import describe

_LONGEST, _SHORT = 60, 64


def misread(places: Sequence[Difference], payloads: Sequence[Payload]) -> tuple[Misread, ...]:
    """Return the places with what was read there, of the first payload and of the last.

    A text that neither holds is described, unless it differs by them alone, or names what one has
    more: then it is no setting of the user's.
    """
    known = _known(payloads)
    more = payloads[-1].keys() - payloads[0].keys()
    return tuple(_misread(place, known, more) for place in places)


def _misread(place: Difference, known: frozenset[str], more: Set[str]) -> Misread:
    both = (place.one, place.other)
    if all(isinstance(value, str) and len(value) <= _SHORT for value in both):
        known = known.union(both)
    about = [t for t in strings([*both]) if any(n in t or n in place.place for n in more)]
    known = known.union(text for text in about if len(text) <= _SHORT)
    if all(isinstance(value, str) for value in both):
        both = _where_they_differ(*both, known)
        known = known.union(both)
    return Misread(place.place, *(_shown(value, known) for value in both))


def _where_they_differ(one: str, other: str, known: frozenset[str]) -> tuple[str, str]:
    """Return two texts, or of long ones what begins where they differ: the payloads make it."""
    if one in known and other in known:
        return one, other
    pairs = zip(one, other, strict=False)
    same = len([*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
    return f"…{one[same:]}", f"…{other[same:]}"


def _known(payloads: Sequence[Payload]) -> frozenset[str]:
    texts = (text for payload in payloads for text in strings(payload))
    return frozenset(texts).union(*payloads)


def advice_on(places: Sequence[Difference], payloads: Sequence[Payload]) -> str:
    """Return what to change in code that reads something else."""
    if any(is_lost(place) for place in places):
        return LOOK_AT_CATCHES
    if any(is_bad(place) for place in places):
        return PASS_OVER
    known = _known(payloads)
    return SHOW_MORE if all(_is_result_of_its_own(p, known) for p in places) else BY_NAME


def _is_result_of_its_own(place: Difference, known: frozenset[str]) -> bool:
    """Say whether nothing of a reply is in all that was returned."""
    return not (place.place or known.intersection(strings([place.one, place.other])))


def _shown(value: Any, known: frozenset[str]) -> str:
    if value is ABSENT:
        return "nothing"
    safe = _safe(value, known)
    text = (
        safe if isinstance(value, str) and safe != value else json.dumps(safe, ensure_ascii=False)
    )
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _safe(value: Any, known: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _safe(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [_safe(item, known) for item in value]
    if isinstance(value, str) and not any(value in text for text in known):
        return describe(value)
    return value
