"""Masks what may be personal or secret in a response, and scrubs it from everything written."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from retry_contract.outcome import Violation
from retry_contract.privacy.descriptions import KNOWN_STATUSES, pointer, token

_OPEN = frozenset(
    {
        *("createdAt", "updatedAt", "sentAt", "deliveredAt", "id", "latestStatus", "status"),
        *("templateBodyId", "templateId", "campaignId", "creatorId", "language", "code", "type"),
    }
)
"""Members whose strings hold nothing of a person: shown as they are."""

_OPEN_WITHIN = {"values": frozenset[str](), "error": frozenset({"code", "type"})}
"""The same, within these members: the names of values are anything, and an error's id is secret."""

_PERSONAL = frozenset({"recipient", "values", "fullMessage", "creatorEmail", "body"})
_NAMES = _OPEN | _PERSONAL | {"error", "message", "statusCode", "batches", "attempts"}
"""Documented names, which stay as they are even if a secret is the same word."""

_NUMBERS = re.compile(r"65(11111111|11112222|11113333|11114444|11115555|11119999|22222222)")
"""The documented simulator numbers, which are nobody's."""

_DIGITS, _NRIC = re.compile(r"\+?[0-9]{5,}"), re.compile(r"[A-Za-z][0-9]{7}[A-Za-z]")
_NAME, _INDEX = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*"), re.compile(r"[0-9]{1,4}")
_MANY_DIGITS = re.compile(r"[0-9]{5}")
_LARGEST_OPEN_NUMBER = 9999
_SHORTEST_SECRET, _SHORT_SECRET = 3, 6
_SHELL_QUOTE = "'\"'\"'"
MASK = "[masked]"


def is_plain_name(name: str) -> bool:
    """Whether a member's name may be shown, though a service may have put a person into it.

    A documented name may be, and one of ASCII letters, digits, `_` and `-` that begins with a
    letter or `_` and holds no 5 digits in a row, as an NRIC and a phone number do: `creatorID`,
    `creator_id`, `templateBody2`. An index, of at most 4 digits, may be too.
    """
    if name in _NAMES or _INDEX.fullmatch(name):
        return True
    return _NAME.fullmatch(name) is not None and not _MANY_DIGITS.search(name)


def mask_name(name: str) -> str:
    """Return a member's name if it may be shown."""
    return name if is_plain_name(name) else MASK


def _renamed(members: dict[str, Any], rename: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    """Yield members under other names, as many as there were."""
    taken: dict[str, int] = {}
    for name, value in members.items():
        new = rename(name)
        taken[new] = taken.get(new, 0) + 1
        yield new if taken[new] == 1 else f"{new} {taken[new]}", value


def mask(payload: Any, name: str = "", shown: frozenset[str] = _OPEN) -> Any:
    """Return a payload with every string and number masked that may be of a person.

    The form is kept, so that a masked response keeps or breaks the same schema.
    """
    match payload:
        case dict():
            within = _OPEN_WITHIN.get(name, shown)
            named = {k: mask(v, k, within) for k, v in payload.items()}
            return dict(_renamed(named, mask_name))
        case list():
            return [mask(item, name, shown) for item in payload]
        case str() if name in shown or payload in KNOWN_STATUSES:
            return payload
        case str():
            return _mask_text(payload)
        case int() | float() if abs(payload) > _LARGEST_OPEN_NUMBER:
            return type(payload)(_LARGEST_OPEN_NUMBER + 1)
    return payload


def _mask_text(text: str) -> str:
    if _NUMBERS.fullmatch(text):
        return text
    if _DIGITS.fullmatch(text):
        begin = re.match(r"\+?0?", text)
        start = begin.group() if begin else ""
        return start + "65" + "0" * (len(text) - len(start) - 2)
    if _NRIC.fullmatch(text):
        return (text[0] if text[0] not in "STFGMstfgm" else "S") + "0000000A"
    return "*" * len(text)


class Scrubber:
    """Knows what must not be written, and takes it out of a text.

    The second net: violations describe and do not quote, so there should be nothing to take out.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self._add(secret)

    def learn(self, payload: Any) -> None:
        """Remember what a response holds of people, and its trace id, however deep."""
        for text in _personal(payload):
            self._add(text)
        for name in _names(payload):
            if not is_plain_name(name):
                self._add(name)
                self._add(pointer([name])[1:])

    def scrub(self, text: str) -> str:
        """Return a text without anything that must not be written."""
        if self._pattern is None:
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_as_pattern, longest_first)) or "(?!)")
        return self._pattern.sub(MASK, text)

    def scrub_pointer(self, pointer: str) -> str:
        """Return a JSON Pointer without such a name of a member, unless it is a documented one."""
        parts = pointer.split("/")
        return "/".join(p if p in _NAMES or not p else self.scrub(mask_name(p)) for p in parts)

    def scrub_violation(self, violation: Violation) -> Violation:
        """Return a violation that names and says nothing that must not be written."""
        scrub, names = self.scrub, violation.pointer.split("/")
        odd = [n for n in names if len(n) >= _SHORTEST_SECRET and not is_plain_name(n)]
        # Of a missing member the validator names the place, too, where it is instead.
        nested = re.compile(rf"(?<= nested at )/.*/{re.escape(names[-1])}", re.DOTALL)

        def without(text: str) -> str:
            for name in odd:
                text = text.replace(name, MASK)
            return scrub(nested.sub(lambda found: self.scrub_pointer(found[0]), text))

        return dataclasses.replace(
            violation,
            pointer=self.scrub_pointer(violation.pointer),
            message=without(violation.message),
            expected=without(violation.expected),
            actual=without(violation.actual),
            case=violation.case and scrub(violation.case),
            replay=violation.replay and scrub(violation.replay),
        )

    def scrub_payload(self, payload: Any) -> Any:
        """Return JSON values whose strings hold nothing that must not be written."""
        match payload:
            case dict():
                scrubbed = {k: self.scrub_payload(v) for k, v in payload.items()}
                return dict(_renamed(scrubbed, self.scrub_pointer))
            case list():
                return [self.scrub_payload(item) for item in payload]
            case str():
                return self.scrub(payload)
        return payload

    def _add(self, secret: str) -> None:
        open_ = secret in KNOWN_STATUSES or _NUMBERS.fullmatch(secret)
        if len(secret) < _SHORTEST_SECRET or open_ or re.fullmatch("[0-9]{3,4}|True|False", secret):
            return
        # As it stands, in JSON, in Python, and as the argument of a shell.
        forms = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        forms |= {token(secret), *(form.replace("'", _SHELL_QUOTE) for form in forms)}
        if not forms <= self._secrets:
            self._secrets |= forms
            self._pattern = None


def scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    """Return values, and all that they hold, with each text scrubbed."""
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return scrub(value)
    if isinstance(value, tuple | list):
        return type(value)(scrubbed(item, scrub) for item in value)
    if isinstance(value, dict):
        return {scrub(name): scrubbed(item, scrub) for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(
            value, **{name: scrubbed(item, scrub) for name, item in held.items()}
        )
    return value


def _personal(payload: Any, name: str = "") -> Iterator[str]:
    """Yield the strings below the members that are of a person, and the id below an error."""
    match payload:
        case dict():
            for key, value in payload.items():
                trace = name == "error" and key == "id"
                below = name if name in _PERSONAL else "values" if trace else key
                yield from _personal(value, below)
        case list():
            for item in payload:
                yield from _personal(item, name)
        case str() | int() if name in _PERSONAL:
            yield str(payload)


def _names(payload: Any) -> Iterator[str]:
    """Yield the names of all members, however deep."""
    inner: Iterable[Any] = ()
    if isinstance(payload, dict):
        yield from payload
        inner = payload.values()
    elif isinstance(payload, list):
        inner = payload
    for value in inner:
        yield from _names(value)


def _as_pattern(secret: str) -> str:
    """Return the pattern of a secret; a short one is found as a word only."""
    text = re.escape(secret)
    return text if len(secret) >= _SHORT_SECRET else rf"(?<![^\W_]){text}(?![^\W_])"
