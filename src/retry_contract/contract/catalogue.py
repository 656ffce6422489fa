"""The contracts, read from a folder of schemas."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retry_contract.contract.timeline import Period, Timeline, read_timeline

Schema = dict[str, Any]
Kind = Literal["retry", "single-send", "retrieve"]
"""The responses that hold a message; the schema of each is `<kind>-response.schema.json`."""


@dataclass(frozen=True)
class Contract:
    """One version of what the endpoint promises."""

    period: Period
    folder: Path

    def __hash__(self) -> int:
        # Asked for with every validation and every response: all of the period would be hashed.
        return hash((self.period.name, self.folder))

    @property
    def name(self) -> str:
        """The full name, such as `after-2025-02-24`."""
        return self.period.name

    @property
    def schema(self) -> Schema:
        """The JSON Schema of the retry's response; its references lead into `schemas/`."""
        return self.schema_of("retry")

    def schema_of(self, kind: Kind) -> Schema:
        """Return the JSON Schema of one kind of response."""
        return _read(self.folder / self.name / f"{kind}-response.schema.json")

    def fields(self, kind: Kind = "retry") -> tuple[str, ...]:
        """Return the names of the members that a response of this kind may have, in their order."""
        return _fields(self, kind)

    def sample(self, kind: Kind, field: str) -> Any:
        """Return an example value of a field, as its schema gives it."""
        return self.resolve(self.schema_of(kind)["properties"][field])["examples"][0]

    def resolve(self, schema: Schema | bool) -> Schema:
        """Follow a schema's reference into `schemas/common/`, and lay the rest over its target.

        A schema that is true or false says nothing of a field but whether it may be there.
        """
        if isinstance(schema, bool):
            return {}
        while "$ref" in schema:
            target = self.definition(schema["$ref"])
            schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema

    def definition(self, reference: str) -> Schema:
        """Return what a reference of these schemas names: a definition in `schemas/common/`."""
        file, _, place = reference.partition("#/$defs/")
        source = Path(file).name if file else "fields.schema.json"
        found: Schema = _read(self.folder / "common" / source)["$defs"][place]
        return found

    def examples(self, verdict: Literal["valid", "invalid"]) -> dict[str, Path]:
        """Return the example files of this contract, by name."""
        folder = self.folder / self.name / "examples" / verdict
        return {path.name: path for path in sorted(folder.glob("*.json"))}


class Catalogue(Mapping[str, Contract]):
    """The contracts of one folder, by name or alias, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.timeline: Timeline = read_timeline(_read(folder / "timeline.json"))
        self._contracts = {p.name: Contract(p, folder) for p in self.timeline}

    def __getitem__(self, name: str) -> Contract:
        return self._contracts[self.timeline.named(name).name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)

    def of(self, period: Period) -> Contract:
        """Return the contract of a period."""
        return self._contracts[period.name]

    def shown_by(self, payload: object, kind: Kind = "retry") -> Contract | None:
        """Return the contract that a response shows, by the members that each contract added.

        A member counts whatever its value, so a response that is faulty elsewhere still tells.
        None if the payload is not an object.
        """
        if not isinstance(payload, dict):
            return None
        shown, known = None, set[str]()
        for contract in self.values():
            fields = set(contract.fields(kind))
            added, gone = fields - known, known - fields
            changed = added or gone
            if shown is None or (changed and added <= payload.keys() and gone.isdisjoint(payload)):
                shown = contract
            known = fields
        return shown

    def documents(self) -> dict[str, Schema]:
        """Return every schema file of the folder by the absolute URI of its `$id`."""
        documents = (_read(path) for path in sorted(self.folder.glob("*/*.schema.json")))
        return {document["$id"]: document for document in documents}


def schemas_folder() -> Path:
    """Return the folder of the schemas: inside the package, or beside it in a checkout."""
    import retry_contract

    for parent in retry_contract.__path__:
        folder = Path(parent) / "schemas"
        if (folder / "timeline.json").is_file():
            return folder
    raise FileNotFoundError("the schemas are missing: reinstall retry-contract")


@functools.cache
def catalogue() -> Catalogue:
    """Return the contracts that ship with the package, read once."""
    return Catalogue(schemas_folder())


@functools.cache
def _fields(contract: Contract, kind: Kind) -> tuple[str, ...]:
    properties = contract.schema_of(kind)["properties"]
    return tuple(name for name, schema in properties.items() if schema is not False)


@functools.cache
def _read(path: Path) -> Schema:
    document: Schema = json.loads(path.read_text(encoding="utf-8"))
    return document
