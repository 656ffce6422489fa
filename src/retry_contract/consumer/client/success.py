"""Whether what a client returned can be told from what it returns after an accepted retry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retry_contract.consumer.client.varying import TOKEN, form_of

_FEW = 2


def resembles(value: Any, known: Sequence[Any]) -> bool:
    """Say whether a reading is like those known: where they are all equal, equal to them too.

    Where they vary, of the same form: another number, a text but for its numbers and ids that vary.
    """
    if not known:
        return False
    if all(isinstance(k, dict) for k in known):
        return isinstance(value, dict) and _like_members(value, known)
    if all(isinstance(k, list) for k in known):
        return isinstance(value, list) and _like_items(value, known)
    if isinstance(value, str):
        return _like_texts(value, [k for k in known if isinstance(k, str)])
    if all(type(k) is type(known[0]) and k == known[0] for k in known):
        return type(value) is type(known[0]) and bool(value == known[0])
    return any(type(k) is type(value) and _like_number(value, k) for k in known)


def _like_number(value: Any, known: Any) -> bool:
    """Say whether a number has the sign of one that is known, as one below zero may tell."""
    return not isinstance(value, int) or (value < 0) is (known < 0)


def _like_members(value: dict[str, Any], known: Sequence[dict[str, Any]]) -> bool:
    some = {name for members in known for name in members}
    always = {name for name in some if all(name in members for members in known)}
    if not always <= value.keys() <= some:
        return False
    columns = {name: [members[name] for members in known if name in members] for name in value}
    telling = [name for name in value if not _is_chance(columns[name])] or [*value]
    return all(resembles(value[name], columns[name]) for name in telling)


def _is_chance(known: Sequence[Any]) -> bool:
    """Say whether a text has another form each time, as a random one has: then it tells nothing."""
    forms = {tuple(form_of(text)) for text in known if isinstance(text, str)}
    return len(forms) == len(known) > _FEW


def _like_items(value: list[Any], known: Sequence[list[Any]]) -> bool:
    alike = [items for items in known if len(items) == len(value)]
    columns = zip(value, zip(*alike, strict=True), strict=False)
    return bool(alike) and all(resembles(item, column) for item, column in columns)


def _like_texts(value: str, known: Sequence[str]) -> bool:
    """Say whether a text differs from those of its form only in what varies among them.

    A status in it is the same after each accepted retry, so another one tells a refusal.
    """
    alike = [TOKEN.findall(k) for k in known if form_of(k) == form_of(value)]
    columns = zip(TOKEN.findall(value), zip(*alike, strict=True), strict=False)
    return bool(alike) and all(token in seen or len({*seen}) > 1 for token, seen in columns)
