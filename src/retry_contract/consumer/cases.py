"""The payloads that a consumer is tried on: one message, as each situation shows it."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retry_contract.consumer.values import DECOY, Form, form_of, is_timestamp
from retry_contract.contract.catalogue import Catalogue, Contract

Payload = dict[str, Any]

_UNKNOWN: tuple[tuple[str, Any], ...] = (
    ("nextField", "next-value"),
    ("templateBody", {"id": "template_body_1", "language": "english", "creatorId": DECOY}),
    ("language", "english"),
    ("attempts", []),
    ("nextCount", 1),
    ("next_flag", None),
)
_PLACES = (0, -1, 4, 0, 7)
_EQUAL_TIMES = 0.1


@dataclass(frozen=True)
class Pair:
    """Two contracts with nothing between them: the newest, and the one before it."""

    old: Contract
    new: Contract

    @functools.cached_property
    def old_fields(self) -> tuple[str, ...]:
        """The names of the older one's fields."""
        return self.old.fields()

    @functools.cached_property
    def new_fields(self) -> tuple[str, ...]:
        """The names of the newer one's fields."""
        return self.new.fields()

    @functools.cached_property
    def added(self) -> tuple[str, ...]:
        """The names of the fields that the newer one added."""
        return tuple(f for f in self.new_fields if f not in self.old_fields)


@dataclass(frozen=True)
class Case:
    """One message. `payload` holds the fields of both contracts, and nothing else.

    `order` is the order of the fields where it is another one, `unknown` a field that neither
    contract has, its value, and its place among the others. A `rare` one is in a form that the
    user need not meet: of another's template, say. `given` says that the template's values are the
    user's, and stay as they are.
    """

    pair: Pair
    payload: Payload
    order: tuple[str, ...]
    unknown: tuple[str, Any, int] = ("nextField", "next-value", -1)
    rare: bool = False
    given: bool = False

    @functools.cached_property
    def before(self) -> Payload:
        """The reply by the older contract."""
        return {k: v for k, v in self.payload.items() if k in self.pair.old_fields}

    @functools.cached_property
    def after(self) -> Payload:
        """The reply by the newer contract, its fields in the documented order."""
        return {k: v for k, v in self.payload.items() if k in self.pair.new_fields}

    @functools.cached_property
    def reordered(self) -> Payload:
        """The reply by the newer contract, its fields in another order."""
        after = self.after
        return {name: after[name] for name in self.order}

    @functools.cached_property
    def extended(self) -> Payload:
        """The reply by the newer contract, with one more field that it does not have."""
        name, value, place = self.unknown
        members = list(self.after.items())
        members.insert(len(members) if place < 0 else place, (name, value))
        return dict(members)


def newest_pair(contracts: Catalogue) -> Pair:
    """Return the newest contract and the one before it."""
    old, new = list(contracts.values())[-2:]
    return Pair(old, new)


def plainest(pair: Pair, values: Mapping[str, str] | None = None) -> Case:
    """Return the plainest message: the schemas' own examples, in the documented order.

    `values` are those of the user's template.
    """
    fields = {**dict.fromkeys(pair.new_fields, pair.new), **dict.fromkeys(_gone(pair), pair.old)}
    payload = {name: contract.sample("retry", name) for name, contract in fields.items()}
    if values is not None:
        payload |= {name: dict(values) for name in payload if _form(pair, name).filled}
    return Case(pair, payload, _added_first(pair), given=values is not None)


def another(plain: Case) -> Case:
    """Return the plainest message once more, as another one, with an id of its own."""
    own = {"id": _form(plain.pair, "id").draw(random.Random(0))} if "id" in plain.payload else {}
    return dataclasses.replace(plain, payload={**plain.payload, **own})


def make_cases(plain: Case, number: int, seed: int) -> list[Case]:
    """Return the plainest message and, in all, as many generated ones as asked for.

    First come those with one oddity each, then any mixture. The same seed gives the same ones.
    """
    rng = random.Random(seed)
    odd = enumerate(_oddities(plain))
    cases = itertools.chain(
        (dataclasses.replace(plain, payload=p, unknown=_unknown(i)) for i, p in odd),
        (_varied(plain, payload, rng) for payload in _mixtures(plain, rng)),
    )
    return [plain, *itertools.islice(cases, number)]


def example_cases(plain: Case) -> tuple[list[Case], list[Case]]:
    """Return the contracts' valid examples, in forms that the user will meet, and in rare ones."""
    usual, rare, seen = list[Case](), list[Case](), set[str]()
    own = plainest(plain.pair).payload
    for example in _examples(plain.pair):
        merged = {k: example.get(k, v) for k, v in plain.payload.items()}
        merged |= {k: plain.payload[k] for k, v in merged.items() if v == own[k]}
        text = json.dumps(merged)
        if text in seen or not example.keys() <= merged.keys():
            continue
        seen.add(text)
        odd = any(is_rare(plain, name, value) for name, value in merged.items())
        (rare if odd else usual).append(dataclasses.replace(plain, payload=merged, rare=odd))
    return usual, rare


def rare_cases(plain: Case) -> list[Case]:
    """Return messages with one field in a rare form each."""
    return [
        dataclasses.replace(plain, payload={**plain.payload, name: value}, rare=True)
        for name in plain.payload
        for value in _form(plain.pair, name).rare
    ]


def _examples(pair: Pair) -> Iterator[Payload]:
    for contract in (pair.new, pair.old):
        for path in contract.examples("valid").values():
            yield json.loads(path.read_text(encoding="utf-8"))


def is_rare(plain: Case, name: str, value: Any) -> bool:
    """Say whether a field's value is in a form that the user need not meet."""
    form, usual = _form(plain.pair, name), plain.payload[name]
    if value == usual:
        return False
    others = form.filled and value.keys() != usual.keys()
    return others or not form.documented(value)


def _gone(pair: Pair) -> tuple[str, ...]:
    return tuple(f for f in pair.old_fields if f not in pair.new_fields)


def _added_first(pair: Pair) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*pair.added, *reversed(pair.new_fields))))


def _form(pair: Pair, field: str) -> Form:
    return form_of(pair.new if field in pair.new_fields else pair.old, field)


def _oddities(plain: Case) -> Iterator[Payload]:
    """Yield messages that differ from the plainest in one field, the likeliest to matter first."""
    payload = plain.payload
    for one, other in itertools.pairwise(_stamps(plain)):
        yield {**payload, other: payload[one]}
    odd = {name: _odd_values(plain, name) for name in payload}
    for rank in itertools.zip_longest(*odd.values()):
        for name, value in zip(odd, rank, strict=True):
            if value is not None:
                yield {**payload, name: value}


def _odd_values(plain: Case, field: str) -> Iterator[Any]:
    form, value = _form(plain.pair, field), plain.payload[field]
    if not form.filled:
        yield from form.odd
    elif not plain.given:
        yield from ({**value, name: text} for text in form.odd for name in value)


def _stamps(plain: Case) -> list[str]:
    return [name for name in plain.payload if is_timestamp(_form(plain.pair, name))]


def _mixtures(plain: Case, rng: random.Random) -> Iterator[Payload]:
    forms = {name: _form(plain.pair, name) for name in plain.payload}
    stamps = _stamps(plain)
    while True:
        payload = {name: _drawn(form, plain, name, rng) for name, form in forms.items()}
        if rng.random() < _EQUAL_TIMES:
            payload |= dict.fromkeys(stamps, payload[stamps[0]])
        yield payload


def _drawn(form: Form, plain: Case, field: str, rng: random.Random) -> Any:
    value = plain.payload[field]
    if not form.filled:
        return _one(form, rng)
    return value if plain.given else {name: _one(form, rng) for name in value}


def _one(form: Form, rng: random.Random) -> Any:
    return rng.choice(form.odd) if form.odd and rng.random() < 0.2 else form.draw(rng)


def _unknown(number: int) -> tuple[str, Any, int]:
    return (*_UNKNOWN[number % len(_UNKNOWN)], _PLACES[number % len(_PLACES)])


def _varied(plain: Case, payload: Payload, rng: random.Random) -> Case:
    order = list(plain.order)
    rng.shuffle(order)
    name, value = rng.choice(_UNKNOWN)
    unknown = name, value, rng.choice(_PLACES)
    return dataclasses.replace(plain, payload=payload, order=tuple(order), unknown=unknown)


def decoys(payload: Payload, added: Iterable[str]) -> set[str]:
    """Return the texts that lie under the name of an added field, but not at the top."""
    names, found = set(added), set[str]()
    for value in payload.values():
        if isinstance(value, dict):
            found |= {v for k, v in value.items() if k in names and isinstance(v, str)}
    return found
