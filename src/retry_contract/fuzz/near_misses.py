"""Valid payloads with exactly one edit, the rule that it breaks, and where."""

import copy
import functools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from retry_contract.contract.catalogue import Contract, Kind, Schema, known_contract
from retry_contract.contract.validator import rule_of
from retry_contract.fuzz.field_values import SIMULATORS
from retry_contract.fuzz.payloads import Payload, payloads
from retry_contract.privacy.descriptions import pointer
from retry_contract.privacy.published import MESSAGE_STATUSES

Change = Callable[[Any], Any]

_OF_TYPE: dict[str, Any] = {
    **{"null": None, "boolean": True, "number": 7, "string": "text", "array": [], "object": {}}
}


@dataclass(frozen=True)
class NearMiss:
    """A payload with one `edit`, which breaks `rule` at a JSON Pointer."""

    payload: Any
    rule: str
    pointer: str
    edit: str


@dataclass(frozen=True)
class Edit:
    """One way to make a payload invalid: what it does, and the JSON Pointer of the place."""

    text: str
    pointer: str
    change: Change = field(repr=False)
    kind: Kind = "retry"

    def __call__(self, payload: Payload) -> NearMiss:
        """Return the near miss that the change makes of a payload."""
        rule = rule_of(self.pointer, self.kind)
        return NearMiss(self.change(payload), rule, self.pointer, self.text)


def near_misses(contract: str | Contract, kind: Kind = "retry") -> st.SearchStrategy[NearMiss]:
    """Return responses with exactly one defect. Raises KeyError if the contract is unknown."""
    known = known_contract(contract)
    chosen, valid = st.sampled_from(edits(known, kind)), payloads(known, kind)
    return st.builds(lambda edit, payload: edit(payload), chosen, valid)


@functools.cache
def edits(contract: Contract, kind: Kind = "retry") -> tuple[Edit, ...]:
    """Return every edit of a response of one kind, the plainest first."""
    schema = contract.schema_of(kind)
    found: list[Edit] = []
    for name in schema.get("required", ()):
        found += _removals(name, closed=schema.get("additionalProperties", True) is not True)
    for name, member in schema.get("properties", {}).items():
        if member is False:
            for text, value in (("a string", "user_1"), ("null", None), ("an empty string", "")):
                found.append(_value_edit(f"{name} added as {text}", [name], _constant(value)))
        elif member is not True:
            sample = (contract.resolve(member).get("examples") or [None])[0]
            for text, change, *below in _changes(member, contract):
                found.append(_value_edit(f"{name}: {text}", [name, *below], change, sample))
    return tuple(replace(edit, kind=kind) for edit in (*found, *_WHOLE_BODIES))


def _removals(name: str, *, closed: bool) -> Iterator[Edit]:
    """Yield edits that take a member away; none that adds another, if the object is closed."""

    def without(payload: Payload) -> Payload:
        return {k: v for k, v in payload.items() if k != name}

    def rename(other: str, payload: Payload) -> Payload:
        return {(other if k == name else k): v for k, v in payload.items()}

    at = pointer([name])
    yield Edit(f"{name} dropped", at, without)
    if closed:
        return
    snake = re.sub("[A-Z]", lambda upper: "_" + upper[0].lower(), name)
    for other in (name[:-1] + name[-1].swapcase(), snake if snake != name else name.upper()):
        yield Edit(f"{name} renamed to {other}", at, functools.partial(rename, other))
    yield Edit(f"{name} moved into an object", at, lambda p: {**without(p), "x": {name: p[name]}})


def _value_edit(text: str, path: list[Any], change: Change, sample: Any = None) -> Edit:
    name = path[0]
    return Edit(text, pointer(path), lambda p: {**p, name: change(p.get(name, sample))})


def _changes(member: Schema, contract: Contract) -> Iterator[tuple[Any, ...]]:
    """Yield changes of a member's value: what each does, the change, and where below it."""
    schema = contract.resolve(member)
    for name, value in _values_of_other_types(schema, contract):
        yield f"{name} instead", _constant(value)
    if "array" not in _types(schema, contract):
        yield "wrapped in an array", lambda old: [old]
    items, more = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        for name, value in _values_of_other_types(items, contract):
            yield f"an item that is {name}", lambda old, new=value: [copy.deepcopy(new), *old], 0
    if isinstance(more, dict):
        for name, value in _values_of_other_types(more, contract):
            for key in ("name", "a/b"):
                yield f"a member that is {name}", functools.partial(_put, key, value), key
    for word in _other_words(schema):
        yield f"another string, {json.dumps(word)}", _constant(word)
    if schema.get("minLength", 0) > 0:
        yield "an empty string", _constant("")
    while "$ref" in member:
        yield from _BY_DEFINITION.get(Path(member["$ref"]).name, {}).items()
        member = contract.definition(member["$ref"])


def _values_of_other_types(schema: Schema, contract: Contract) -> list[tuple[str, Any]]:
    allowed = _types(schema, contract)
    return [(name, value) for name, value in _OF_TYPE.items() if name not in allowed]


def _types(schema: Any, contract: Contract) -> set[str]:
    """Return the JSON types that a schema permits; all if it does not say."""
    schema = contract.resolve(schema)
    if "anyOf" in schema:
        return set().union(*(_types(choice, contract) for choice in schema["anyOf"]))
    if "type" in schema:
        named = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
        return named | {"number"} if "integer" in named else named
    if "const" in schema or "enum" in schema:
        names = {type(value): name for name, value in _OF_TYPE.items()}
        return {names.get(type(w), "number") for w in schema.get("enum", [schema.get("const")])}
    return set(_OF_TYPE)


def _other_words(schema: Schema) -> list[str]:
    allowed = schema.get("enum", [schema.get("const")])
    word = allowed[0]
    if not isinstance(word, str):
        return []
    statuses = MESSAGE_STATUSES if word in MESSAGE_STATUSES else ()
    variants = (word.upper(), word.capitalize(), word + " ", word + "\n", word[:-1], "")
    return [other for other in dict.fromkeys((*statuses, *variants)) if other not in allowed]


def _constant(value: Any) -> Change:
    return lambda _: copy.deepcopy(value)


def _put(key: str, value: Any, old: Payload) -> Payload:
    return {**old, key: copy.deepcopy(value)}


_WHOLE_BODIES = (
    Edit("null instead of the object", "", _constant(None)),
    Edit("an array instead of the object", "", _constant([])),
    Edit("the object in an array", "", lambda payload: [payload]),
    Edit("the object as a string of JSON", "", json.dumps),
    Edit("a number instead of the object", "", _constant(7)),
    Edit("a boolean instead of the object", "", _constant(True)),
)

_FULL_WIDTH = {ord("0") + n: 0xFF10 + n for n in range(10)}
_OFFSET = re.compile(r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$")


def _slice(start: int, text: str) -> Change:
    return lambda old: old[:start] + text + old[start + len(text) :]


def _offset(text: str) -> Change:
    return lambda old: _OFFSET.sub(text, old)


def _fraction(text: str) -> Change:
    return lambda old: old[:19] + text + "".join(_OFFSET.findall(old))


def _number(change: Callable[[str], str]) -> Change:
    return lambda old: change(old if isinstance(old, str) and old.isdigit() else SIMULATORS[0])


_PHONE_NUMBER: dict[str, Change] = {
    "a plus sign": _number(lambda old: "+" + old),
    "a letter": _number(lambda old: old[:-1] + "x"),
    "six digits": _number(lambda old: old[:6]),
    "sixteen digits": _number(lambda old: (old * 3)[:16]),
    "a leading zero": _number(lambda old: "0" + old[:14]),
    "a space": _number(lambda old: old[:2] + " " + old[2:]),
    "a hyphen": _number(lambda old: old[:2] + "-" + old[2:]),
    "full-width digits": _number(lambda old: old.translate(_FULL_WIDTH)),
    "a newline at the end": _number(lambda old: old + "\n"),
    "an empty string": lambda _: "",
}
_NRIC: dict[str, Change] = {
    "an NRIC of another letter": lambda _: "A0000000X",
    "an NRIC of six digits": lambda _: "S000000X",
    "an NRIC without its last letter": lambda _: "S0000000",
    "an NRIC and a newline": lambda _: "S0000000X\n",
}
_BY_DEFINITION: dict[str, dict[str, Change]] = {
    "timestamp": {
        "no offset": _offset(""),
        "a space instead of T": _slice(10, " "),
        "the date alone": lambda old: old[:10],
        "30 February": _slice(0, "2024-02-30"),
        "29 February of no leap year": _slice(0, "2023-02-29"),
        "31 April": _slice(0, "2024-04-31"),
        "the month 13": _slice(0, "2024-13-01"),
        "the day 0": _slice(0, "2024-05-00"),
        "the hour 24": _slice(11, "24"),
        "the minute 60": _slice(14, "60"),
        "a leap second": _slice(17, "60"),
        "an offset without its colon": _offset("+0800"),
        "an offset of 24 hours": _offset("+24:00"),
        "an offset with seconds": _offset("+08:00:00"),
        "a year of five digits": lambda old: "1" + old,
        "a fraction without digits": _fraction("."),
        "a comma before the fraction": _fraction(",5"),
        "full-width digits": lambda old: old.translate(_FULL_WIDTH),
        "a space before": lambda old: " " + old,
        "a newline at the end": lambda old: old + "\n",
        "an empty string": lambda _: "",
        "milliseconds since 1970": lambda _: "1715849322247",
    },
    "phoneNumber": _PHONE_NUMBER,
    "nric": _NRIC,
    "recipient": {
        **_PHONE_NUMBER,
        **_NRIC,
        "an object without value": lambda _: {"nric": "S0000000X"},
        "an object with a phone number": lambda _: {"value": SIMULATORS[0]},
        "an object with null": lambda _: {"value": None},
    },
}
"""What to do to a value that is valid, by the name of its definition."""
