"""Messages by two contracts, for code that reads the responses of both."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from retry_contract.contract.catalogue import Contract, Pair
from retry_contract.fuzz.field_values import DOCUMENTED, DOCUMENTED_TEXTS
from retry_contract.fuzz.payloads import ORDERS, Payload, field_strategy

_NEXT_FIELDS: tuple[tuple[str, Any], ...] = (
    ("nextField", "next-value"),
    ("templateBody", {"id": "template_body_1", "language": "english", "creatorId": "user_next"}),
    *(("language", "english"), ("attempts", []), ("nextCount", 1), ("nextFlag", None)),
)
_OTHER_ORDERS = ORDERS[1:]


@dataclass(frozen=True)
class Case:
    """One message. `payload` holds the fields of both contracts, and nothing else.

    `order` are those of the newer contract in another order, `next_field` is one more that neither
    has, and `place` where it stands: -1 is the end.
    """

    pair: Pair
    payload: Payload
    order: tuple[str, ...]
    next_field: tuple[str, Any] = _NEXT_FIELDS[0]
    place: int = -1

    @functools.cached_property
    def before(self) -> Payload:
        """The response by the older contract."""
        return {k: v for k, v in self.payload.items() if k in self.pair.old.fields()}

    @functools.cached_property
    def after(self) -> Payload:
        """The response by the newer contract, its fields in the documented order."""
        return {k: v for k, v in self.payload.items() if k in self.pair.new.fields()}

    @functools.cached_property
    def reordered(self) -> Payload:
        """The response by the newer contract, its fields in another order."""
        return {name: self.after[name] for name in self.order}

    @functools.cached_property
    def extended(self) -> Payload:
        """The response by the newer contract, with one more field that it does not have."""
        members = list(self.after.items())
        members.insert(len(members) if self.place < 0 else self.place, self.next_field)
        return dict(members)

    def odd(self, plain: "Case") -> tuple[str, ...]:
        """Return the JSON Pointers of the fields that differ from those of the plainest case."""
        return tuple(f"/{k}" for k, v in self.payload.items() if v != plain.payload[k])


def plainest(pair: Pair, values: Mapping[str, str] | None = None) -> Case:
    """Return the samples of the schemas, in the documented order, with the template's `values`."""
    payload = {name: contract.sample("retry", name) for name, contract in pair.fields.items()}
    if values is not None and "values" in payload:
        payload["values"] = dict(values)
    return Case(pair, payload, tuple(_OTHER_ORDERS[0](list(pair.new.fields()))))


def cases(plain: Case, *, given: bool) -> st.SearchStrategy[Case]:
    """Return messages in documented forms, the plainest first; `given` values stay as they are."""
    pair = plain.pair
    fields = {name: _documented_field(contract, name) for name, contract in pair.fields.items()}
    if "values" in fields:
        values = plain.payload["values"].items()
        texts = {name: st.just(text) if given else DOCUMENTED_TEXTS for name, text in values}
        fields["values"] = st.fixed_dictionaries(texts)

    def case(payload: Payload, alike: bool, order: Any, field: tuple[str, Any], place: int) -> Case:
        if alike and {"createdAt", "updatedAt"} <= payload.keys():
            # As in the response of a Single Send: changed at the instant of its creation.
            payload = {**payload, "updatedAt": payload["createdAt"]}
        return Case(pair, payload, tuple(order(list(pair.new.fields()))), field, place)

    return st.builds(
        case,
        # Hypothesis draws the members in any order.
        st.fixed_dictionaries(fields).map(lambda drawn: {name: drawn[name] for name in fields}),
        st.sampled_from((False,) * 9 + (True,)),
        st.sampled_from(_OTHER_ORDERS),
        st.sampled_from(_NEXT_FIELDS),
        st.sampled_from((-1, 0, 4, 7)),
    )


def _documented_field(contract: Contract, field: str) -> st.SearchStrategy[Any]:
    schema = contract.schema_of("retry")["properties"][field]
    name = Path(schema.get("$ref", "")).name if isinstance(schema, dict) else ""
    form = DOCUMENTED[name] if name in DOCUMENTED else field_strategy(schema, contract)
    return st.one_of(st.just(contract.sample("retry", field)), form, form)


@dataclass(frozen=True)
class RareForm:
    """An example that code need not meet; a public `page` shows its form, or the schema alone."""

    name: str
    page: str
    case: Case


def rare_forms(plain: Case) -> list[RareForm]:
    """Return the valid examples of the newer contract, those of a public page first."""
    new = plain.pair.new
    pages = new.pages()
    sample, found = plainest(plain.pair).payload, list[RareForm]()
    for file, path in new.examples("valid").items():
        example: Payload = json.loads(path.read_text("utf-8"))
        if not example.keys() <= plain.payload.keys():
            continue  # one more field has its own scenario
        usual = [name for name in plain.payload if example.get(name) in (None, sample[name])]
        if plain.payload.get("values") != sample.get("values"):
            usual.append("values")  # the user's own template
        payload = {**plain.payload, **example, **{name: plain.payload[name] for name in usual}}
        page = pages.get(file, {}).get("page", "")
        found.append(RareForm(file, page, replace(plain, payload=payload)))
    return sorted(found, key=lambda form: not form.page)
