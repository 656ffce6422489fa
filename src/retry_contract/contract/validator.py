"""The one validator of a payload: jsonschema, and violations that describe and never quote."""

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from jsonschema import Draft202012Validator

from retry_contract.contract.bundle import dereference, registry
from retry_contract.contract.catalogue import Catalogue, Contract, Kind, catalogue, known_contract
from retry_contract.contract.dialect import validator_of
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.json_value import json_value
from retry_contract.contract.phrase import expected_by, expected_value
from retry_contract.contract.subschemas import join_patterns
from retry_contract.outcome import NO_MORE, SHOWN, Drift, More, Violation
from retry_contract.privacy.descriptions import describe, pointer

_FLAT, _NESTED = ("message", "statusCode"), ("code", "message", "type", "id")
_SENT = "what json.loads reads from the body that is sent"
_DEEPEST_SEARCH, _LONGEST_SEARCH = 4, 10_000
"""In levels, and in members, of the place where an absent member is instead."""

_OFFSET = re.compile("([Zz]|[+-][0-9]{2}:[0-9]{2})$")

_Path = list[str | int]


@dataclass(frozen=True)
class Validation:
    """What a payload breaks of one contract, and its drift; `more` is what is left out."""

    contract: str
    violations: tuple[Violation, ...]
    drift: tuple[Drift, ...] = ()
    more: More = NO_MORE


def validate(payload: Any, contract: Contract, kind: Kind = "retry") -> Validation:
    """Validate a payload, read from JSON, by one contract. One defect gives one violation.

    Of each member the first violations are returned, and of the drift the first.
    """
    found, left_out = _described(payload, contract, kind)
    order = [*contract.fields(kind), *(payload if isinstance(payload, dict) else ())]
    places = {name: place for place, name in reversed([*enumerate(order)])} if found else {}

    def rank(violation: Violation) -> tuple[int, str]:
        name = violation.pointer.split("/")[1] if violation.pointer else ""
        return (places.get(name, -1), violation.pointer)

    ranked = tuple(sorted(found, key=rank))
    drift, more = _undocumented_fields(payload, contract, kind)
    drift += _other_offsets(payload, contract, kind)
    return Validation(contract.name, ranked, drift, More(left_out, more))


def _described(payload: Any, contract: Contract, kind: Kind) -> tuple[list[Violation], int]:
    """Return the first violations of each member, and how many more the validator found."""
    found, counts, left_out = dict[str, Violation](), Counter[Any](), 0
    instead = functools.cache(lambda name: _place_instead(name, payload))
    for error in _validator(contract, kind).iter_errors(payload):
        member = error.absolute_path[0] if error.absolute_path else None
        counts[member] += 1
        if counts[member] > SHOWN:
            left_out += 1
            continue
        for v in _violations(error, payload, contract, kind, instead):
            found[v.pointer] = replace(v, rule=rule_of(v.pointer, kind))
    return [*found.values()], left_out


def rule_of(place: str, kind: Kind) -> str:
    """Return the rule that a response of a kind breaks where it breaks its schema at a place."""
    if kind == "retry" and place == "/latestStatus":
        return "status-reset-to-created"
    return "creator-id-as-contracted" if place == "/creatorId" else "response-matches-schema"


def validate_expected(payload: Any, expectation: Expectation, kind: Kind = "retry") -> Validation:
    """Validate by the contract that a run expects, or by a tolerated one, shown as drift."""
    tolerated = expectation.tolerated
    shown = expectation.catalogue.contract_of(payload, kind) if tolerated else None
    if shown is None or shown not in tolerated:
        return validate(payload, expectation.contract, kind)
    other = validate(payload, shown, kind)
    note = f"{shown.name} is served while {expectation.contract.name} is in force (transition)"
    return replace(other, drift=(Drift("", note), *other.drift))


def violations(
    payload: Any, contract: str | Contract, *, response: Kind = "retry", strict: bool = False
) -> tuple[Violation, ...]:
    """Return what a response breaks of a contract, or of its name. Raises KeyError.

    A Python value that JSON does not have, such as a datetime or a tuple, breaks `body-is-json`.
    `strict` adds the drift, as violations of `drift`. `response` is the kind of the response.
    Of each member the first 100 are returned, and of the drift the first 100.
    """
    value, others = json_value(payload)
    no_json = tuple(
        _violation([*path], _SENT, actual, rule="body-is-json") for path, actual in others.items()
    )
    places = [violation.pointer for violation in no_json]
    found = validate(value, known_contract(contract), response)
    kept = tuple(v for v in found.violations if not any(_is_at(v.pointer, at) for at in places))
    return no_json + kept + (tuple(map(_drift_violation, found.drift)) if strict else ())


def identify(
    payload: Any, among: Catalogue | None = None, *, response: Kind = "retry"
) -> tuple[str, ...]:
    """Return the names of the contracts that a response keeps, the oldest first. Raises KeyError.

    With a Python value that JSON does not have, it keeps none. `response` is its kind.
    """
    value, others = json_value(payload)
    contracts = () if others else (among or catalogue()).values()
    return tuple(contract.name for contract in contracts if keeps(value, contract, response))


def keeps(payload: Any, contract: Contract, kind: Kind = "retry") -> bool:
    """Return whether a payload, read from JSON, keeps a contract; quicker than `validate`."""
    return _validator(contract, kind).is_valid(payload)


def error_response_problem(payload: Any, contract: Contract) -> str | None:
    """Describe an error response that is no documented envelope; None for one that is."""
    if _validator(contract, "error").is_valid(payload):
        return None
    if not isinstance(payload, dict):
        return describe(payload)
    inner = payload.get("error")
    if "error" in payload and not isinstance(inner, dict):
        return f"an object whose error is {describe(inner)}"
    names, members = (_FLAT, payload) if inner is None else (_NESTED, inner)
    absent = " and ".join(name for name in names if name not in members)
    wrong = "an envelope with a member of the wrong type"
    return f"an object without {absent}" if absent else wrong


@functools.cache
def _validator(contract: Contract, kind: Kind | Literal["error"]) -> Draft202012Validator:
    schemas = registry(contract.folder)
    written = join_patterns(dereference(contract.schema_of(kind), schemas))
    return validator_of(written, schemas)


def _violations(
    error: Any, payload: Any, contract: Contract, kind: Kind, instead: Callable[[str], str]
) -> Iterator[Violation]:
    path: _Path = list(error.absolute_path)
    if error.schema is False:
        # jsonschema gives only the path of the object that holds the forbidden member.
        if path:
            yield _violation(path, "no forbidden member", f"with one, {describe(error.instance)}")
        properties = contract.schema_of(kind)["properties"]
        for name in (name for name in properties if properties[name] is False and name in payload):
            text = f"{name} is present, but {contract.name} has no such member"
            actual = describe(payload[name])
            yield _violation([name], f"absent in {contract.name}", actual, text)
    elif error.validator == "required":
        for name in (name for name in error.validator_value if name not in error.instance):
            field = contract.resolve(error.schema.get("properties", {}).get(name, {}))
            actual = "absent" + instead(name)
            yield _violation([*path, name], expected_value(field), actual)
    else:
        expected = expected_by(error.schema, error.validator)
        yield _violation(path, expected, describe(error.instance))


def _violation(
    path: _Path, expected: str, actual: str, message: str = "", rule: str = ""
) -> Violation:
    place = pointer(path)
    text = message or f"{place[1:] or 'the response'} is {actual}; expected {expected}"
    return Violation(rule, place, text, expected, actual)


def _drift_violation(drift: Drift) -> Violation:
    text = f"{drift.pointer[1:] or 'the response'}: {drift.message}"
    return Violation("drift", drift.pointer, text, "no drift", drift.message)


def _is_at(place: str, other: str) -> bool:
    """Return whether a place is another, or a member of the response that holds it."""
    return place == other or (place != "" and other.startswith(f"{place}/"))


def _place_instead(name: str, payload: Any) -> str:
    """Return a clause that says where an absent member is instead, if it is anywhere."""
    for other in islice(payload if isinstance(payload, dict) else (), _LONGEST_SEARCH):
        if other.casefold() == name.casefold():
            return f", but there is {other}: names are case-sensitive"
    members = islice(_members(payload, []), _LONGEST_SEARCH)
    place = next((pointer(path) for path in members if path[1:] and path[-1] == name), None)
    return f" at the top, but there is one nested at {place}" if place else ""


def _members(value: Any, path: _Path) -> Iterator[_Path]:
    """Yield the path of each member and item inside a value, as deep as is looked."""
    if len(path) > _DEEPEST_SEARCH or not isinstance(value, dict | list):
        return
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        yield (place := [*path, key])
        yield from _members(member, place)


def _undocumented_fields(
    payload: Any, contract: Contract, kind: Kind
) -> tuple[tuple[Drift, ...], int]:
    """Return the first undocumented fields, and how many more there are."""
    if not isinstance(payload, dict):
        return (), 0
    fields = contract.schema_of(kind)["properties"]
    absent = [field for field in fields if field not in payload]
    undocumented = (name for name in payload if name not in fields)
    first = tuple(
        Drift(pointer([name]), "undocumented field" + _field_instead(name, payload[name], absent))
        for name in islice(undocumented, SHOWN)
    )
    return first, sum(1 for _ in undocumented)


def _other_offsets(payload: Any, contract: Contract, kind: Kind) -> tuple[Drift, ...]:
    """Return the timestamps whose offset is not that of the examples in their schema."""
    members = payload if isinstance(payload, dict) else {}
    found = []
    for name, usual in _usual_offsets(contract, kind):
        value = members.get(name)
        offset = _OFFSET.search(value) if isinstance(value, str) else None
        if offset is not None and offset[0] not in usual:
            found.append(Drift(pointer([name]), f"the offset is not {' or '.join(usual)}"))
    return tuple(found)


@functools.cache
def _usual_offsets(contract: Contract, kind: Kind) -> tuple[tuple[str, tuple[str, ...]], ...]:
    schemas = {n: s for n, s in contract.schema_of(kind)["properties"].items() if s is not False}
    resolved = {name: contract.resolve(schema) for name, schema in schemas.items()}
    return tuple(
        (name, tuple(dict.fromkeys(o[0] for e in schema["examples"] if (o := _OFFSET.search(e)))))
        for name, schema in resolved.items()
        if schema.get("format") == "date-time" and schema.get("examples")
    )


def _field_instead(name: str, value: Any, absent: list[str]) -> str:
    """Return a clause that says which absent field an undocumented one looks like, if any."""
    inside = {path[-1] for path in islice(_members(value, [name]), _LONGEST_SEARCH // SHOWN)}
    for field in absent:
        if field.casefold() == name.casefold():
            return f"; is {field} meant? Names are case-sensitive"
        if field in inside:
            return f", with a {field} nested in it, which is not the one at the top"
    return ""
