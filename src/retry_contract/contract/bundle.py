"""Schemas in one piece: with their definitions, or without any reference."""

import functools
import re
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from retry_contract.contract.catalogue import Catalogue, Contract, Kind, Schema
from retry_contract.contract.subschemas import ANNOTATIONS, replace_references, rewrite

if TYPE_CHECKING:
    from referencing import Registry

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASE = "https://retry-contract.invalid/bundles/"
_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Definitions:
    """Gathers what schemas refer to, by names that code generators make names of types of."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.schemas: dict[str, Any] = {}
        self._names: dict[int, str] = {}

    def gather(self, schema: Any, resolver: Any) -> Any:
        """Return a schema whose references lead into the definitions, and put the targets there."""

        def redirect(reference: str, keywords: Schema) -> Schema:
            return {**keywords, "$ref": self.reference(reference, resolver)}

        return replace_references(schema, redirect, "$defs", "$id", "$schema")

    def reference(self, reference: str, resolver: Any) -> str:
        """Return a reference to the definition of a target, which is gathered if it is new."""
        found = resolver.lookup(reference)
        name = self._names.get(id(found.contents))
        if name is None:
            name = next(n for n in _names(reference, found.contents) if n not in self.schemas)
            self._names[id(found.contents)], self.schemas[name] = name, {}
            self.schemas[name] = self.gather(found.contents, found.resolver)
        return f"{self.place}{name}"


def _names(reference: str, target: Any) -> Iterator[str]:
    key = PurePosixPath(reference.partition("#")[2] or reference).name.partition(".")[0]
    name = _type_name(target, key or "Root")
    return chain([name], (f"{name}{number}" for number in count(2)))


def _type_name(schema: Any, otherwise: str) -> str:
    """Return the title of a schema, if it can name a type."""
    title = schema.get("title", "") if isinstance(schema, dict) else ""
    return title if _TYPE_NAME.fullmatch(title) else otherwise


def bundle(contract: Contract, kind: Kind = "retry") -> Schema:
    """Return the schema of one kind of response, with every definition that it refers to."""
    definitions = Definitions("#/$defs/")
    schema = definitions.gather(contract.schema_of(kind), resolver(contract, kind))
    return {**_head(contract.name, kind), **schema, "$defs": definitions.schemas}


def bundle_either(catalogue: Catalogue, kind: Kind = "retry") -> Schema:
    """Return a schema that accepts one kind of response of any of the contracts."""
    definitions, choices = Definitions("#/$defs/"), []
    for contract in catalogue.values():
        schema = definitions.gather(contract.schema_of(kind), resolver(contract, kind))
        name = _choice_name(contract, kind)
        definitions.schemas[name] = {**schema, "title": name}
        choices.append({"$ref": f"{definitions.place}{name}"})
    whole = _union(catalogue, kind, choices)
    return {**_head("either", kind), **whole, "$defs": definitions.schemas}


def flatten(contract: Contract, kind: Kind = "retry") -> Schema:
    """Return the schema of one kind of response without references.

    Only the whole has a title, because generators number types of one name. Raises RecursionError
    if the schema refers to itself.
    """
    title = _type_name(contract.schema_of(kind), kind)
    return {**_head(contract.name, kind, "flat"), "title": title, **_without_titles(contract, kind)}


def flatten_either(catalogue: Catalogue, kind: Kind = "retry") -> Schema:
    """Return what `bundle_either` does, without references. Raises RecursionError."""
    choices = [
        {"title": _choice_name(contract, kind), **_without_titles(contract, kind)}
        for contract in catalogue.values()
    ]
    return {**_head("either", kind, "flat"), **_union(catalogue, kind, choices)}


def _without_titles(contract: Contract, kind: Kind) -> Any:
    own = ("title", "$schema")
    written = _write_out(contract.schema_of(kind), resolver(contract, kind), ())
    return rewrite(written, lambda schema: {k: v for k, v in schema.items() if k not in own})


def _union(catalogue: Catalogue, kind: Kind, choices: list[Schema]) -> Schema:
    title = [_type_name(contract.schema_of(kind), kind) for contract in catalogue.values()][-1]
    description = "The response of any of the contracts."
    return {"title": title, "description": description, "anyOf": choices}


def _choice_name(contract: Contract, kind: Kind) -> str:
    """Return a type's name for one kind of response of a contract: RetryResponseAfter."""
    alias = contract.period.alias.title().replace("-", "")
    return _type_name(contract.schema_of(kind), kind) + alias


def _head(name: str, kind: Kind, *form: str) -> Schema:
    file = ".".join([name, *([] if kind == "retry" else [kind]), *form, "schema.json"])
    return {"$schema": _DIALECT, "$id": f"{_BASE}{file}"}


@functools.cache
def registry(folder: Path) -> "Registry[Any]":
    """Return the schema files of a folder, for references."""
    from referencing import Registry, Resource

    schemas = Catalogue(folder).documents().items()
    resources = [(name, Resource.from_contents(schema)) for name, schema in schemas]
    return Registry[Any]().with_resources(resources)


def resolver(contract: Contract, kind: Kind = "retry") -> Any:
    """Return what follows the references of the schema of a response."""
    return registry(contract.folder).resolver(contract.schema_of(kind)["$id"])


def dereference(schema: Any, registry: "Registry[Any]") -> Any:
    """Return a schema with each reference replaced by its target: it validates five times faster.

    A schema that refers to itself cannot be written out, and is returned as it is.
    """
    try:
        return _write_out(schema, registry.resolver(schema["$id"]), ())
    except RecursionError:
        return schema


def _write_out(schema: Any, resolver: Any, within: tuple[int, ...]) -> Any:
    def replace(reference: str, keywords: Schema) -> Schema:
        found = resolver.lookup(reference)
        if id(found.contents) in within:
            raise RecursionError
        target = _write_out(found.contents, found.resolver, (*within, id(found.contents)))
        if isinstance(target, dict) and (target.keys() & keywords.keys()) <= ANNOTATIONS:
            texts = [s["description"] for s in (keywords, target) if "description" in s]
            said = {"description": "\n".join(texts)} if texts else {}
            return {**target, **keywords, **said}
        return {"allOf": [target], **keywords}

    return replace_references(schema, replace, "$defs", "$id")
