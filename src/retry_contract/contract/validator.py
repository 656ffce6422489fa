"""The one validator of a payload: jsonschema, and violations that describe and never quote."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from retry_contract.contract.bundle import dereference
from retry_contract.contract.catalogue import Catalogue, Contract, Kind, catalogue
from retry_contract.contract.dialect import validator_of
from retry_contract.contract.expectation import Expectation
from retry_contract.outcome import Drift, Violation
from retry_contract.privacy.descriptions import describe, pointer

RULE_OF = {"/creatorId": "creator-id-as-contracted", "/latestStatus": "status-reset-to-created"}
"""The rule that a violation of the schema breaks, by its place; else response-matches-schema."""
_FLAT, _NESTED = ("message", "statusCode"), ("code", "message", "type", "id")
_DEEPEST_SEARCH = 4

_Path = list[str | int]


@dataclass(frozen=True)
class Validation:
    """What a payload breaks of one contract, and its drift."""

    contract: str
    violations: tuple[Violation, ...]
    drift: tuple[Drift, ...] = ()


def validate(payload: Any, contract: Contract, kind: Kind = "retry") -> Validation:
    """Validate a payload by one contract. One defect gives one violation."""
    errors = _validator(contract, kind).iter_errors(payload)
    found = {v.pointer: v for error in errors for v in _violations(error, payload, contract, kind)}
    order = [*contract.fields(kind), *(payload if isinstance(payload, dict) else ())]

    def rank(violation: Violation) -> tuple[int, str]:
        name = violation.pointer.split("/")[1] if violation.pointer else ""
        return (order.index(name) if name in order else -1, violation.pointer)

    ranked = tuple(sorted(found.values(), key=rank))
    return Validation(contract.name, ranked, _undocumented_fields(payload, contract, kind))


def validate_expected(payload: Any, expectation: Expectation, kind: Kind = "retry") -> Validation:
    """Validate by the contract that a run expects, or by a tolerated one, shown as drift."""
    tolerated = expectation.tolerated
    shown = expectation.catalogue.contract_of(payload, kind) if tolerated else None
    if shown is None or shown not in tolerated:
        return validate(payload, expectation.contract, kind)
    other = validate(payload, shown, kind)
    note = f"{shown.name} is served while {expectation.contract.name} is in force (transition)"
    return replace(other, drift=(Drift("", note), *other.drift))


def violations(payload: Any, contract: str | Contract) -> tuple[Violation, ...]:
    """Return what a retry's response breaks of a contract, or of its name. Raises KeyError."""
    known = catalogue()[contract] if isinstance(contract, str) else contract
    return validate(payload, known).violations


def identify(payload: Any, among: Catalogue | None = None) -> tuple[str, ...]:
    """Return the names of the contracts that a retry's response keeps, the oldest first."""
    contracts = (among or catalogue()).values()
    return tuple(contract.name for contract in contracts if keeps(payload, contract))


def keeps(payload: Any, contract: Contract, kind: Kind = "retry") -> bool:
    """Return whether a payload keeps a contract; quicker than `validate`."""
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
def _registry(folder: Path) -> Registry[Any]:
    resources = {i: Resource.from_contents(s) for i, s in Catalogue(folder).documents().items()}
    return Registry[Any]().with_resources(resources.items())


@functools.cache
def _validator(contract: Contract, kind: Kind | Literal["error"]) -> Draft202012Validator:
    registry = _registry(contract.folder)
    schema = dereference(contract.schema_of(kind), registry)
    return validator_of(schema, registry)


def _violations(error: Any, payload: Any, contract: Contract, kind: Kind) -> Iterator[Violation]:
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
            actual = "absent" + _place_instead(name, payload)
            yield _violation([*path, name], field.get("title", "a value"), actual)
    else:
        whole = error.validator == "type" and not path
        expected = "an object" if whole else error.schema.get("title", error.validator_value)
        yield _violation(path, str(expected), describe(error.instance))


def _violation(path: _Path, expected: str, actual: str, message: str = "") -> Violation:
    place = pointer(path)
    text = message or f"{place[1:] or 'the response'} is {actual}; expected {expected}"
    rule = RULE_OF.get(place, "response-matches-schema")
    return Violation(rule, place, text, expected, actual)


def _place_instead(name: str, payload: Any) -> str:
    """Return a clause that says where an absent member is instead, if it is anywhere."""
    for other in payload:
        if other.casefold() == name.casefold():
            return f", but there is {other}: names are case-sensitive"
    place = next(_search(name, payload, []), None)
    return f" at the top, but there is one nested at {place}" if place else ""


def _search(name: str, value: Any, path: _Path) -> Iterator[str]:
    if len(path) > _DEEPEST_SEARCH:
        return
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        if key == name and path:
            yield pointer([*path, key])
        if isinstance(member, dict | list):
            yield from _search(name, member, [*path, key])


def _undocumented_fields(payload: Any, contract: Contract, kind: Kind) -> tuple[Drift, ...]:
    if not isinstance(payload, dict):
        return ()
    fields = contract.schema_of(kind)["properties"]
    absent = [field for field in fields if field not in payload]
    return tuple(
        Drift(pointer([name]), "undocumented field" + _field_instead(name, value, absent))
        for name, value in payload.items()
        if name not in fields
    )


def _field_instead(name: str, value: Any, absent: list[str]) -> str:
    """Return a clause that says which absent field an undocumented one looks like, if any."""
    for field in absent:
        if field.casefold() == name.casefold():
            return f"; is {field} meant? Names are case-sensitive"
        if isinstance(value, dict | list) and any(_search(field, value, [name])):
            return f", with a {field} nested in it, which is not the one at the top"
    return ""
