"""The one validator of a payload: jsonschema, and violations that describe and never quote."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from retry_contract.contract.catalogue import Catalogue, Contract, Kind, catalogue
from retry_contract.contract.dereference import without_references
from retry_contract.contract.expectation import Expectation
from retry_contract.outcome import Drift, Violation
from retry_contract.privacy.descriptions import describe, pointer

_OWNERS = {"creatorId": "creator-id-as-contracted", "latestStatus": "status-reset-to-created"}
_DEFAULT_OWNER = "response-matches-schema"
_DEEPEST_SEARCH = 4


@dataclass(frozen=True)
class Validation:
    """What the validator says of one payload."""

    contract: str
    violations: tuple[Violation, ...]
    drift: tuple[Drift, ...] = ()


def validate(payload: Any, contract: Contract, kind: Kind = "retry") -> Validation:
    """Check a payload against one contract. One defect gives one violation."""
    errors = _validator(contract, kind).iter_errors(payload)
    found = {v.pointer: v for error in errors for v in _violations(error, payload, contract, kind)}
    order = list(payload) if isinstance(payload, dict) else []
    ranked = sorted(found.values(), key=lambda v: _rank(v, order, contract.fields(kind)))
    return Validation(contract.name, tuple(ranked), _undocumented(payload, contract, kind))


def validate_expected(payload: Any, expectation: Expectation) -> Validation:
    """Check a payload as a run expects it.

    In a transition, a payload that shows another tolerated contract is checked by that one, and
    the difference is drift.
    """
    shown = expectation.catalogue.shown_by(payload)
    if shown is None or shown not in expectation.tolerated:
        return validate(payload, expectation.contract)
    other = validate(payload, shown)
    note = f"{shown.name} is served while {expectation.contract.name} is in force (transition)"
    return Validation(other.contract, other.violations, (Drift("", note), *other.drift))


def violations(payload: Any, contract: str | Contract) -> tuple[Violation, ...]:
    """Return what a retry's response breaks of a contract, by name or alias: empty when kept.

    Raises KeyError for a contract that is not known.
    """
    if isinstance(contract, str):
        contract = catalogue()[contract]
    return validate(payload, contract).violations


def identify(payload: Any, among: Catalogue | None = None) -> tuple[str, ...]:
    """Return the names of the contracts that a retry's response keeps, the oldest first."""
    contracts = (among or catalogue()).values()
    return tuple(c.name for c in contracts if not validate(payload, c).violations)


def error_response_problem(payload: Any, contract: Contract) -> str | None:
    """Return what an error response is instead of a documented envelope; None if it is one."""
    if _error_validator(contract).is_valid(payload):
        return None
    if not isinstance(payload, dict):
        return describe(payload)
    inner = payload.get("error")
    if "error" in payload and not isinstance(inner, dict):
        return f"an object whose error is {describe(inner)}"
    members = inner if isinstance(inner, dict) else payload
    wanted = ("code", "message", "type", "id") if isinstance(inner, dict) else _FLAT
    absent = [name for name in wanted if name not in members]
    if absent:
        return "an object without " + " and ".join(absent)
    return "an envelope with a member of the wrong type"


_FLAT = ("message", "statusCode")


@functools.cache
def _registry(contract: Contract) -> Registry[Any]:
    documents = Catalogue(contract.folder).documents()
    return Registry[Any]().with_resources(
        (uri, Resource.from_contents(document)) for uri, document in documents.items()
    )


@functools.cache
def _validator(contract: Contract, kind: Kind) -> Draft202012Validator:
    registry = _registry(contract)
    schema = without_references(contract.schema_of(kind), registry)
    return Draft202012Validator(schema, registry=registry)


@functools.cache
def _error_validator(contract: Contract) -> Draft202012Validator:
    registry = _registry(contract)
    schema = next(s for u, s in _contents(registry) if u.endswith("/error-response.schema.json"))
    return Draft202012Validator(without_references(schema, registry), registry=registry)


def _contents(registry: Registry[Any]) -> Iterator[tuple[str, Any]]:
    return ((uri, registry[uri].contents) for uri in registry)


def _violations(
    error: ValidationError, payload: Any, contract: Contract, kind: Kind
) -> Iterator[Violation]:
    path = list(error.absolute_path)
    if error.validator == "required":
        required: Any = error.validator_value
        present: Any = error.instance
        for name in required:
            if name not in present:
                yield _missing([*path, name], payload, contract, kind)
        return
    if error.schema is False:
        yield from _forbidden(payload, contract, kind)
        return
    expected, actual = _title(error), describe(error.instance)
    subject = pointer(path).removeprefix("/") or "the response"
    message = f"{subject} is {actual}; expected {expected}"
    yield Violation(_owner(path), pointer(path), message, expected, actual)


def _forbidden(payload: Any, contract: Contract, kind: Kind) -> Iterator[Violation]:
    # jsonschema gives no path for the schema `false`, so the members are looked up again.
    for name, schema in contract.schema_of(kind)["properties"].items():
        if schema is False and name in payload:
            message = f"{name} is present, but {contract.name} has no such member"
            expected, actual = f"absent in {contract.name}", describe(payload[name])
            yield Violation(_owner([name]), pointer([name]), message, expected, actual)


def _missing(path: list[str | int], payload: Any, contract: Contract, kind: Kind) -> Violation:
    name = str(path[-1])
    expected = contract.resolve(contract.schema_of(kind)["properties"].get(name) or {})
    title = expected.get("title", "a value")
    actual = "absent" + _seen_elsewhere(name, payload)
    return Violation(
        _owner(path), pointer(path), f"{name} is {actual}; expected {title}", title, actual
    )


def _seen_elsewhere(name: str, payload: Any) -> str:
    for other in payload:
        if other.casefold() == name.casefold():
            return f", but there is {other}: names are case-sensitive"
    for place in _search(name, payload, []):
        return f" at the top, but there is one nested at {place}"
    return ""


def _search(name: str, value: Any, path: list[str | int]) -> Iterator[str]:
    if len(path) > _DEEPEST_SEARCH:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in items:
        if key == name and path:
            yield pointer([*path, key])
        if isinstance(member, dict | list):
            yield from _search(name, member, [*path, key])


def _title(error: ValidationError) -> str:
    schema = error.schema if isinstance(error.schema, dict) else {}
    if not error.absolute_path and error.validator == "type":
        return "an object"
    return str(schema.get("title", error.validator_value))


def _owner(path: list[str | int]) -> str:
    return _OWNERS.get(str(path[0]), _DEFAULT_OWNER) if len(path) == 1 else _DEFAULT_OWNER


def _rank(violation: Violation, order: list[str], fields: tuple[str, ...]) -> tuple[int, str]:
    name = violation.pointer.split("/")[1] if violation.pointer else ""
    known = [*fields, *order]
    return (known.index(name) if name in known else -1, violation.pointer)


def _undocumented(payload: Any, contract: Contract, kind: Kind) -> tuple[Drift, ...]:
    if not isinstance(payload, dict):
        return ()
    known = contract.schema_of(kind)["properties"]
    return tuple(
        Drift(pointer([name]), "undocumented field" + _hint(name, payload, known))
        for name in payload
        if name not in known
    )


def _hint(name: str, payload: dict[str, Any], known: Any) -> str:
    """Say which documented field is meant by an undocumented one, if it looks like one."""
    absent = [field for field in known if field not in payload]
    for field in absent:
        if field.casefold() == name.casefold():
            return f"; is {field} meant? Names are case-sensitive"
        nested = payload[name] if isinstance(payload[name], dict | list) else []
        if any(_search(field, nested, [name])):
            return f", with a {field} nested in it, which is not the one at the top"
    return ""
