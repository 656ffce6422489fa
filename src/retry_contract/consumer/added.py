"""The field that was added, the others, and what of two readings the added one explains."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retry_contract.consumer.readings import ABSENT, strings
from retry_contract.consumer.words import objects

_SHORTEST, _PART = 3, 8
"""How long a text must be to tell a field by it, and by a part of it."""
_MANY = 2
"""A text that names so many fields lists them, and is about none."""
_WORD, _LABEL_ENDS = re.compile(r"\w+"), re.compile(r"[=:>\n]")
_DIGEST = re.compile(r"-?\d{6,}|[0-9a-fA-F]{6,}|\S{16,}")


@dataclass(frozen=True)
class Added:
    """What the second of two payloads has more, `members`: names and values.

    `fields` are those that both have. `decoys` are texts that only look like an added value. If it
    is `exact`, nothing explains a difference.
    """

    members: Mapping[str, Any]
    fields: Mapping[str, Any] = field(default_factory=dict)
    decoys: frozenset[str] = frozenset()
    exact: bool = False

    @functools.cached_property
    def texts(self) -> dict[str, str]:
        """The texts of the fields that both have, each with the name of a field that holds it."""
        held = {text: name for name, value in self.fields.items() for text in strings(value)}
        return {text: name for text, name in held.items() if len(text) >= _SHORTEST}

    def explains(self, name: str, one: Any, other: Any) -> bool:
        """Say whether an added field may make this difference at a member of this name."""
        if other is ABSENT:
            return False
        if name in self.members and other == self.members[name]:
            return True
        if self._is_another(name, one, other):
            return True
        if one is ABSENT and isinstance(other, dict):
            return all(self.explains(k, ABSENT, v) for k, v in other.items())
        if self._is_decoy(one) or self._is_decoy(other):
            return False
        if any(_stem(added) in _folded(name) for added in self.members):
            return self._tells_it(other)
        if isinstance(one, str) and one in self.texts:
            return False  # another field was read here, and now it is not
        return self._holds_it(other) and not objects(strings(other))

    def _is_another(self, name: str, one: Any, other: Any) -> bool:
        """Say whether this is the added object in which there is a decoy, or is of that object."""
        folded = _folded(name)
        named = (
            value
            for added, value in self.members.items()
            if _stem(added) in folded or (one in (None, ABSENT) and _first_word(added) in folded)
        )
        return other is not ABSENT and any(self._is_decoy(value) for value in named)

    def _tells_it(self, value: Any) -> bool:
        """Say whether a value is the added one in some form, or a mark of it: no text about it."""
        return self._holds_it(value) or not any(" " in t or objects([t]) for t in strings(value))

    def _holds_it(self, value: Any) -> bool:
        texts = [text for text in strings([*self.members.values()]) if len(text) >= _SHORTEST]
        return any(_is_in(text, held) for text in texts for held in strings(value))

    def is_member(self, item: Any, *, beside: bool) -> bool:
        """Say whether a list's item is an added field: its value or, `beside` others, its name."""
        values = [value for value in self.members.values() if isinstance(value, str | dict | list)]
        if item in values or (beside and self._name_in(item) in self.members):
            return True
        return self.explains("", ABSENT, item) or self._is_about_it(item)

    def _is_about_it(self, item: Any) -> bool:
        """Say whether an item holds the added value, and no other field's, and does not object."""
        others = [t for t in strings(item) if not any(_is_in(a, t) for a in self._added_texts)]
        holds = self._holds_it(item) and not self.is_of_a_field(others)
        return holds and not objects(strings(item))

    def by_name(self, items: list[Any]) -> dict[str, Any] | None:
        """Return a list of fields, each item with its name, by name; None of any other list.

        The added fields are left out.
        """
        named = {name: item for item in items if (name := self._name_in(item)) is not None}
        if len(named) != len(items):
            return None
        return {n: item for n, item in named.items() if n not in self.members}

    def _name_in(self, item: Any) -> str | None:
        """Return the name of the field that an item tells: `Created at: …`, [name, …], an object's.

        However it is written; None if it tells no field, or does not name it.
        """
        if isinstance(item, dict):
            item = [value for value in item.values() if isinstance(value, str)]
        elif isinstance(item, list):
            item = item[:1]
        texts = item if isinstance(item, list) else [item]
        labels = (_label(text) for text in texts if isinstance(text, str))
        return next((self._by_label[label] for label in labels if label in self._by_label), None)

    @functools.cached_property
    def _by_label(self) -> dict[str, str]:
        return {_folded(name): name for name in (*self.fields, *self.members)}

    def is_of_a_field(self, value: Any) -> bool:
        """Say whether a value holds the text or the name of a field that both payloads have."""
        return any(self._is_text_of_a_field(text) for text in strings(value))

    def _is_text_of_a_field(self, text: str) -> bool:
        known = {*self.texts, *self.decoys}
        if len(text) >= _PART and any(text in whole for whole in known):
            return True
        parts = (part for part in known if len(part) >= _PART)
        return text in known or text in self.fields or any(part in text for part in parts)

    def is_named_in(self, both: tuple[Any, Any]) -> bool:
        """Say whether a text about an added field, which it names, is in the second value alone."""
        new = {*strings(both[1])} - {*strings(both[0])}
        about = [t for t in new if any(name in t and name != t for name in self.members)]
        return any(sum(name in text for name in self.fields) < _MANY for text in about)

    def alike(self, one: str, other: str) -> bool:
        """Say whether two texts tell the same of each field that both payloads have.

        That is the same values one after the other; or in any order, if each stands with its name.
        Their other words may differ by the added field, but not by an order alone.
        """
        told, more = self._told(one), self._told(other)
        if (self.members and not told) or not self._same(
            told, more, named=self._names(one) and self._names(other)
        ):
            return False
        words, others = Counter(_WORD.findall(one)), Counter(_WORD.findall(other))
        new = [*(others - words), *(words - others)]
        if not self.members:
            return all(_DIGEST.fullmatch(word) for word in new)
        return not objects([" ".join(others - words)])

    def _told(self, text: str) -> list[str]:
        """Return the values of fields in a text, the added ones too, one after the other."""
        return self._values.findall(text)

    @functools.cached_property
    def _values(self) -> re.Pattern[str]:
        known = {*self.texts, *self.decoys, *self._added_texts}
        longest_first = sorted(known, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    @functools.cached_property
    def _added_texts(self) -> frozenset[str]:
        held = [*self.members.values()]
        scalars = [form(value) for value in held for form in (str, json.dumps)]
        return frozenset(t for t in (*strings(held), *scalars) if len(t) >= _SHORTEST)

    def _same(self, one: list[str], other: list[str], *, named: bool) -> bool:
        if named:
            rest = Counter(other) - Counter(one)
            return not Counter(one) - Counter(other) and rest.keys() <= self._added_texts
        left = iter(one)
        expected = next(left, None)
        for text in other:
            if text == expected:
                expected = next(left, None)
            elif text not in self._added_texts:
                return False
        return expected is None

    def _names(self, text: str) -> bool:
        """Say whether a text names each field whose value it tells."""
        names = {self.texts[value] for value in self._told(text) if value in self.texts}
        folded = _folded(text)
        return all(re.search(rf"\b{re.escape(n)}\b", text) or _folded(n) in folded for n in names)

    def _is_decoy(self, value: Any) -> bool:
        return any(decoy in text for text in strings(value) for decoy in self.decoys)


def is_digest(value: Any) -> bool:
    """Say whether a value may be a digest: a long number, or a long word."""
    return _DIGEST.fullmatch(str(value)) is not None


def _is_in(text: str, held: str) -> bool:
    return text in held or (len(held) >= _PART and held in text)


def _label(text: str) -> str:
    """Return what a text begins with, as a name: `*Created at*`, `sms.createdAt`, `created_at=`."""
    return _folded(_LABEL_ENDS.split(text.strip("*_ "))[0].rpartition(".")[2])


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _stem(name: str) -> str:
    folded = _folded(name)
    return folded.removesuffix("id") if len(folded) > _SHORTEST + 2 else folded


def _first_word(name: str) -> str:
    """Return the first of the words in a name; all of it if that is a short one."""
    word = re.split(r"(?=[A-Z])|[^a-zA-Z]", name)[0]
    return _folded(word if len(word) > _SHORTEST else name)
