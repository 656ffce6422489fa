"""Changes the schemas inside a JSON Schema, and leaves its data (`const`, `examples`) alone."""

from collections.abc import Callable
from typing import Any

from retry_contract.contract.catalogue import Schema

MAPS = {"properties", "patternProperties", "dependentSchemas", "$defs"}
"""Keywords that hold schemas by name."""

SCHEMAS = {
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "contentSchema"),
    *("items", "prefixItems", "contains", "unevaluatedItems"),
    *("additionalProperties", "propertyNames", "unevaluatedProperties"),
}
"""Keywords that hold a schema, or a list of schemas."""


ANNOTATIONS = {"title", "description", "examples"}
"""Keywords that say something of a schema, and ask nothing of a value."""


def rewrite(schema: Any, change: Callable[[Schema], Any]) -> Any:
    """Return a schema with each object that is a schema changed, the innermost first."""
    if isinstance(schema, list):
        return [rewrite(item, change) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return change({name: _rewrite_value(name, value, change) for name, value in schema.items()})


def _rewrite_value(keyword: str, value: Any, change: Callable[[Schema], Any]) -> Any:
    if keyword in MAPS and isinstance(value, dict):
        return {name: rewrite(member, change) for name, member in value.items()}
    return rewrite(value, change) if keyword in SCHEMAS else value


def replace_references(schema: Any, replace: Callable[[str, Schema], Any], *dropped: str) -> Any:
    """Return a schema with each reference replaced, given the keywords next to it.

    The keywords `dropped` are left out everywhere.
    """

    def change(node: Schema) -> Any:
        keywords = {name: value for name, value in node.items() if name not in dropped}
        reference = keywords.pop("$ref", None)
        return keywords if reference is None else replace(reference, keywords)

    return rewrite(schema, change)


def join_patterns(schema: Any) -> Any:
    """Return a schema in which a pattern, and the one of a `not` next to it, are one of Python's.

    It finds the same: a `not` of its own costs a tenth of a validation.
    """
    return rewrite(schema, _join)


def _join(schema: Schema) -> Schema:
    pattern, refused = schema.get("pattern"), refused_pattern(schema)
    if pattern is None or refused is None or "(" in refused:
        return schema  # groups of the one would count among those of the other
    joined = rf"\A(?![\s\S]*(?:{refused}))[\s\S]*?(?:{pattern})"
    return {name: value for name, value in schema.items() if name != "not"} | {"pattern": joined}


def refused_pattern(schema: Schema) -> str | None:
    """Return the pattern that a string must not match, if a `not` says this and no more."""
    match schema.get("not"):
        case {"type": "string", "pattern": str(pattern), **more} if not more:
            return pattern
    return None
