"""jsonschema's validator of 2020-12, which makes the validator of a member once.

jsonschema makes one for each member of each payload, which takes half of a validation. It would
also find everything that is wrong with a member, which may hold a hundred thousand values.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry

from retry_contract.contract.subschemas import ANNOTATIONS

MOST_ERRORS = 1_000
"""The most errors that are looked for in one member."""

_library: Any = validators  # its types leave out those of `extend`
_by_library: Any = Draft202012Validator.VALIDATORS


def validator_of(schema: Any, registry: Registry[Any]) -> Draft202012Validator:
    """Return a validator of a schema. It finds what Draft202012Validator finds, in its order.

    Of one member it finds at most `MOST_ERRORS`.
    """
    made: dict[int, Any] = {}  # by identity: a schema is a dict, and lives as long as the validator

    def own(validator: Any, schema: Any) -> Any:
        if id(schema) not in made:
            made[id(schema)] = validator.evolve(schema=schema)
        return made[id(schema)]

    def properties(
        validator: Any, members: dict[str, Any], instance: Any, _: Any
    ) -> Iterator[ValidationError]:
        if not validator.is_type(instance, "object"):
            return
        for name, member in members.items():
            if name not in instance:
                continue
            if isinstance(member, bool):
                yield from validator.descend(instance[name], member, path=name, schema_path=name)
                continue
            for error in islice(own(validator, member).iter_errors(instance[name]), MOST_ERRORS):
                error.path.appendleft(name)
                error.schema_path.appendleft(name)
                yield error

    def additional(
        validator: Any, schema: Any, instance: Any, around: dict[str, Any]
    ) -> Iterator[ValidationError]:
        if not isinstance(schema, dict) or "patternProperties" in around:
            yield from _by_library["additionalProperties"](validator, schema, instance, around)
            return
        if not validator.is_type(instance, "object"):
            return
        only = schema["type"] if isinstance(schema.get("type"), str) else None
        if schema.keys() - ANNOTATIONS != {"type"}:
            only = None
        named = around.get("properties", ())
        for name, member in instance.items():
            # A hundred thousand values of one type are looked at by their type alone.
            if name in named or (only is not None and validator.is_type(member, only)):
                continue
            for error in own(validator, schema).iter_errors(member):
                error.path.appendleft(name)
                yield error

    def items(
        validator: Any, schema: Any, instance: Any, around: dict[str, Any]
    ) -> Iterator[ValidationError]:
        if not isinstance(schema, dict) or "prefixItems" in around:
            yield from _by_library["items"](validator, schema, instance, around)
            return
        if not validator.is_type(instance, "array"):
            return
        for index, item in enumerate(instance):
            for error in own(validator, schema).iter_errors(item):
                error.path.appendleft(index)
                yield error

    changed = {"properties": properties, "additionalProperties": additional, "items": items}
    dialect = _library.extend(Draft202012Validator, changed)
    found: Draft202012Validator = dialect(schema, registry=registry)
    return found
