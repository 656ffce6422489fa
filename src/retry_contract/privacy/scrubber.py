"""Takes secrets and personal content out of everything that is written.

The second net: violations describe and never quote, so there should be nothing to take out.
"""

import dataclasses
import enum
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from retry_contract.outcome import Drift, Violation
from retry_contract.privacy.descriptions import pointer, token
from retry_contract.privacy.names import (
    DOCUMENTED,
    MASK,
    PERSONAL,
    is_plain_name,
    mask_name,
    rename,
)
from retry_contract.privacy.published import MESSAGE_STATUSES
from retry_contract.privacy.views import SHORTEST, is_encoded, views
from retry_contract.privacy.words import SIMULATOR

TextChange = Callable[[str], str]
_SHORTEST_SECRET, _SHORT_SECRET = 3, 6
_MOST_TEXTS, _MOST_CHARACTERS = 5_000, 1_000_000
"""What is remembered of a run. A service that sends more has all texts masked whole."""

_PUBLIC = re.compile(
    "|".join(("[0-9]{3,4}", "True", "False", *MESSAGE_STATUSES, SIMULATOR.pattern))
)
KEY_VARIABLES = ("POSTMAN_API_KEY", "RETRY_CONTRACT_REVOKED_KEY")
_SHELL_QUOTE = "'\"'\"'"


def keys_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the API keys of an environment, in use and revoked."""
    return tuple(key for name in KEY_VARIABLES if (key := environment.get(name, "").strip()))


def holds(text: str, *secrets: str) -> bool:
    """Return whether a text holds a secret, in either case, backwards, or in an encoding."""
    wanted, plain = [secret.casefold() for secret in secrets if secret], text.casefold()
    if any(secret in plain or secret[::-1] in plain for secret in wanted):
        return True
    shortest = max(SHORTEST, min(map(len, wanted), default=0) * 4 // 3)  # in base64; hex is longer
    if not wanted or not is_encoded(text, shortest):
        return False
    found = (view.casefold() for view in views(text, shortest, any_bytes=True))
    return any(secret in view for view in found for secret in wanted)


class Scrubber:
    """Knows secrets, and masks them in texts, pointers, violations and payloads.

    Those that it is made with are found in an encoding too. Of what it learns it remembers a
    bounded part; where there was more, every text is masked whole.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets: set[str] = set()
        self._texts = self._characters = 0
        for secret in secrets:
            self._add(secret)
        self._given = tuple(s for s in secrets if len(s) >= _SHORT_SECRET and s in self._secrets)

    @property
    def _is_full(self) -> bool:
        return self._texts > _MOST_TEXTS or self._characters > _MOST_CHARACTERS

    def learn(self, payload: Any) -> None:
        """Remember what a response holds of people, and its trace id, at any depth."""
        for secret in _secrets(payload):
            if self._is_full:
                return
            self._add(secret)

    def _add(self, secret: str) -> None:
        if len(secret) < _SHORTEST_SECRET or secret in self._secrets or _PUBLIC.fullmatch(secret):
            return
        # As it is, in JSON, in Python, in a JSON Pointer, and each as the argument of a shell.
        forms = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        forms |= {token(secret), *(form.replace("'", _SHELL_QUOTE) for form in forms)}
        self._secrets |= forms
        self._texts += 1
        self._characters += sum(map(len, forms))

    def scrub(self, text: str) -> str:
        """Return a text with every secret masked."""
        if self._is_full and text:
            return MASK
        if found := [secret for secret in self._secrets if secret in text]:
            longest_first = sorted(found, key=len, reverse=True)
            text = re.sub("|".join(map(_as_pattern, longest_first)), MASK, text)
        if holds(text, *self._given):
            text = "".join(self._scrub_word(word) for word in re.split(r"(\s+)", text))
            text = MASK if holds(text, *self._given) else text
        return text

    def _scrub_word(self, word: str) -> str:
        return MASK if holds(word, *self._given) else word

    def scrub_pointer(self, pointer: str) -> str:
        """Return a JSON Pointer, or one name, with the names masked that may not be shown."""
        parts = pointer.split("/")
        return "/".join(p if p in DOCUMENTED or not p else self.scrub(mask_name(p)) for p in parts)

    def scrub_violation(self, violation: Violation) -> Violation:
        """Return a violation with every secret and every such name masked.

        A generated case holds none, and is shown as it is, so that it can be replayed.
        """
        names, shown = violation.pointer.split("/"), self.scrub_pointer(violation.pointer)
        odd = [n for n in names if len(n) >= _SHORTEST_SECRET and not is_plain_name(n)]
        # A message begins with the place. For a missing member, the validator also names the place
        # where it is instead.
        nested = re.compile(rf"(?<= nested at )/.*/{re.escape(names[-1])}", re.DOTALL)

        def scrub(text: str) -> str:
            if shown != violation.pointer:
                text = text.replace(violation.pointer[1:], shown[1:])
            for name in odd:
                text = text.replace(name, MASK)
            return self.scrub(nested.sub(lambda place: self.scrub_pointer(place[0]), text))

        return dataclasses.replace(
            violation,
            pointer=shown,
            message=scrub(violation.message),
            expected=scrub(violation.expected),
            actual=scrub(violation.actual),
        )

    def scrub_drift(self, drift: Drift) -> Drift:
        """Return a drift with every secret, and every name that may not be shown, masked."""
        return Drift(self.scrub_pointer(drift.pointer), self.scrub(drift.message))

    def scrub_payload(self, payload: Any) -> Any:
        """Return JSON values with every secret, and every name that may not be shown, masked."""
        return map_texts(payload, self.scrub, self.scrub_pointer)


def map_texts(value: Any, change: TextChange, change_name: TextChange | None = None) -> Any:
    """Return a value with each text in it changed: in lists, tuples, dicts and dataclasses.

    `change_name` is for the keys of a dict; without it they are changed as other texts are.
    """
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)(map_texts(item, change, change_name) for item in value)
    if isinstance(value, dict):
        members = {key: map_texts(item, change, change_name) for key, item in value.items()}
        return rename(members, change_name or change)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        fields = {name: map_texts(getattr(value, name), change, change_name) for name in names}
        return dataclasses.replace(value, **fields)
    return value


def _secrets(payload: Any, name: str = "") -> Iterator[str]:
    """Yield the texts below personal members, the id of an error, and names that are not plain."""
    match payload:
        case dict():
            for key, value in payload.items():
                if not is_plain_name(key):
                    yield from (key, pointer([key])[1:])
                below = "body" if name == "error" and key == "id" else key
                yield from _secrets(value, name if name in PERSONAL else below)
        case list():
            for item in payload:
                yield from _secrets(item, name)
        case str() | int() if name in PERSONAL:
            yield str(payload)


def _as_pattern(secret: str) -> str:
    """Return the pattern of a secret. A short one is masked only as a whole word."""
    text = re.escape(secret)
    return text if len(secret) >= _SHORT_SECRET else rf"(?<![^\W_]){text}(?![^\W_])"
