"""jsonschema's validator of 2020-12, which makes the validator of a member once.

jsonschema makes one for each member of each payload, which takes half of a validation. It would
also find everything that is wrong with a member, which may hold a hundred thousand values.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry

MOST_ERRORS = 1_000
"""The most errors that are looked for in one member."""

_library: Any = validators  # its types leave out those of `extend`


def validator_of(schema: Any, registry: Registry[Any]) -> Draft202012Validator:
    """Return a validator of a schema. It finds what Draft202012Validator finds, in its order.

    Of one member it finds at most `MOST_ERRORS`.
    """
    made: dict[int, Any] = {}  # by identity: a schema is a dict, and lives as long as the validator

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
            if id(member) not in made:
                made[id(member)] = validator.evolve(schema=member)
            for error in islice(made[id(member)].iter_errors(instance[name]), MOST_ERRORS):
                error.path.appendleft(name)
                error.schema_path.appendleft(name)
                yield error

    dialect = _library.extend(Draft202012Validator, {"properties": properties})
    found: Draft202012Validator = dialect(schema, registry=registry)
    return found
