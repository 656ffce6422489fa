"""What was read differently, told without anything that is not of the payloads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from retry_contract.consumer.advice import BY_NAME, LOOK_AT_CATCHES
from retry_contract.consumer.compare import ABSENT, Difference, strings
from retry_contract.consumer.readiness import Misread
from retry_contract.redact import describe

_LONGEST = 60


def misread(places: Sequence[Difference], payloads: Iterable[Any]) -> tuple[Misread, ...]:
    """Return the places with what was read there; a text that no payload holds is described."""
    known = frozenset(text for payload in payloads for text in strings(payload))
    return tuple(Misread(p.place, _shown(p.one, known), _shown(p.other, known)) for p in places)


def advice_on(places: Sequence[Difference]) -> str:
    """Return what to change in code that reads something else."""
    lost = all(place.other is None for place in places)
    return LOOK_AT_CATCHES if lost else BY_NAME


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
