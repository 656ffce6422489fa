"""The payloads that a consumer is tried on: one message, as each situation shows it."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from retry_contract.consumer.values import DECOY, form_of, is_timestamp
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
    contract has, its value, and its place among the others.
    """

    pair: Pair
    payload: Payload
    order: tuple[str, ...]
    unknown: tuple[str, Any, int] = ("nextField", "next-value", -1)

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


def plainest(pair: Pair) -> Case:
    """Return the plainest message: the schemas' own examples, in the documented order."""
    fields = {**dict.fromkeys(pair.new_fields, pair.new), **dict.fromkeys(_gone(pair), pair.old)}
    payload = {name: contract.sample("retry", name) for name, contract in fields.items()}
    return Case(pair, payload, _added_first(pair))


def make_cases(pair: Pair, number: int, seed: int) -> list[Case]:
    """Return the plainest message and, in all, as many generated ones as asked for.

    First come those with one oddity each, then any mixture. The same seed gives the same ones.
    """
    rng = random.Random(seed)
    plain = plainest(pair)
    odd = enumerate(_oddities(pair, plain.payload))
    cases = itertools.chain(
        (dataclasses.replace(plain, payload=p, unknown=_unknown(i)) for i, p in odd),
        (_varied(plain, payload, rng) for payload in _mixtures(pair, plain.payload, rng)),
    )
    return [plain, *itertools.islice(cases, number)]


def example_cases(pair: Pair) -> tuple[list[Case], list[Case]]:
    """Return the contracts' valid examples: in forms that the pages show, and in other ones."""
    usual, unusual, seen = list[Case](), list[Case](), set[str]()
    plain = plainest(pair)
    for contract, path in _examples(pair):
        example = json.loads(path.read_text(encoding="utf-8"))
        merged = {k: example.get(k, plain.payload[k]) for k in plain.payload}
        text = json.dumps(merged)
        if text in seen or not example.keys() <= merged.keys():
            continue
        seen.add(text)
        case = dataclasses.replace(plain, payload=merged)
        (usual if _is_usual(contract, example) else unusual).append(case)
    return usual, unusual


def _examples(pair: Pair) -> Iterator[tuple[Contract, Any]]:
    for contract in (pair.new, pair.old):
        for path in contract.examples("valid").values():
            yield contract, path


def _is_usual(contract: Contract, example: Payload) -> bool:
    return all(form_of(contract, name).documented(value) for name, value in example.items())


def _gone(pair: Pair) -> tuple[str, ...]:
    return tuple(f for f in pair.old_fields if f not in pair.new_fields)


def _added_first(pair: Pair) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*pair.added, *reversed(pair.new_fields))))


def _contract_of(pair: Pair, field: str) -> Contract:
    return pair.new if field in pair.new_fields else pair.old


def _oddities(pair: Pair, plain: Payload) -> Iterator[Payload]:
    """Yield messages that differ from the plainest in one field, the likeliest to matter first."""
    stamps = [name for name in plain if is_timestamp(_contract_of(pair, name), name)]
    for one, other in itertools.pairwise(stamps):
        yield {**plain, other: plain[one]}
    odd = {name: form_of(_contract_of(pair, name), name).odd for name in plain}
    for rank in itertools.zip_longest(*odd.values()):
        for name, value in zip(odd, rank, strict=True):
            if value is not None:
                yield {**plain, name: value}


def _mixtures(pair: Pair, plain: Payload, rng: random.Random) -> Iterator[Payload]:
    forms = {name: form_of(_contract_of(pair, name), name) for name in plain}
    while True:
        yield {
            name: rng.choice(form.odd) if form.odd and rng.random() < 0.2 else form.draw(rng)
            for name, form in forms.items()
        }


def _unknown(number: int) -> tuple[str, Any, int]:
    return (*_UNKNOWN[number % len(_UNKNOWN)], _PLACES[number % len(_PLACES)])


def _varied(plain: Case, payload: Payload, rng: random.Random) -> Case:
    order = list(plain.order)
    rng.shuffle(order)
    name, value = rng.choice(_UNKNOWN)
    return Case(plain.pair, payload, tuple(order), (name, value, rng.choice(_PLACES)))


def decoys(payload: Payload, added: Iterable[str]) -> set[str]:
    """Return the texts that lie under the name of an added field, but not at the top."""
    names, found = set(added), set[str]()
    for value in payload.values():
        if isinstance(value, dict):
            found |= {v for k, v in value.items() if k in names and isinstance(v, str)}
    return found
