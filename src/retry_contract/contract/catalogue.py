"""The contracts, read from a folder of schemas."""

import functools
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from retry_contract.choices import UnknownName, unknown_name
from retry_contract.contract.timeline import Period, Timeline, read_timeline

Schema = dict[str, Any]
Kind = Literal["retry", "single-send", "retrieve"]
"""The responses that hold a message. The schema of each is `<kind>-response.schema.json`."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Contract:
    """One version of what the endpoint promises."""

    period: Period
    folder: Path

    def __hash__(self) -> int:
        # Needed for every validation: without it, the whole period would be hashed.
        return hash((self.period.name, self.folder))

    @property
    def name(self) -> str:
        """The full name, such as `after-2025-02-24`."""
        return self.period.name

    @property
    def schema(self) -> Schema:
        """The JSON Schema of the retry's response. Its references lead into `common/`."""
        return self.schema_of("retry")

    def schema_of(self, kind: Kind | Literal["error"]) -> Schema:
        """Return the JSON Schema of one kind of response, or of an error. Raises KeyError."""
        if kind not in (*KINDS, "error"):
            raise UnknownName(unknown_name("response", str(kind), KINDS))
        folder = self.folder / ("common" if kind == "error" else self.name)
        return _read(folder / f"{kind}-response.schema.json")

    def fields(self, kind: Kind = "retry") -> tuple[str, ...]:
        """Return the names of the members that a response may have, in the schema's order."""
        return _fields(self, kind)

    def sample(self, kind: Kind, field: str) -> Any:
        """Return the first example that a field's schema gives."""
        return self.resolve(self.schema_of(kind)["properties"][field])["examples"][0]

    def resolve(self, schema: Schema | bool) -> Schema:
        """Return a schema with its reference replaced by the target, its other keywords on top."""
        if isinstance(schema, bool):
            return {}
        while "$ref" in schema:
            target = self.definition(schema["$ref"])
            schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema

    def definition(self, reference: str) -> Any:
        """Return the definition in `common/` that a reference names."""
        file, _, place = reference.partition("#/$defs/")
        source = Path(file).name if file else "fields.schema.json"
        return _read(self.folder / "common" / source)["$defs"][place]

    def examples(self, verdict: Literal["valid", "invalid"]) -> dict[str, Path]:
        """Return the example files of this contract, by name."""
        folder = self.folder / self.name / "examples" / verdict
        return {path.name: path for path in sorted(folder.glob("*.json"))}

    def pages(self) -> dict[str, dict[str, str]]:
        """Return the public page that shows the form of a valid example, by the example's file."""
        sources = self.folder / "common" / "forms.json"
        return _read(sources) if sources.is_file() else {}


class Catalogue(Mapping[str, Contract]):
    """The contracts of one folder, by name or alias, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.timeline: Timeline = read_timeline(_read(folder / "timeline.json"))
        self._contracts = {p.name: Contract(p, folder) for p in self.timeline}

    def __getitem__(self, name: str) -> Contract:
        return self._contracts[self.timeline.period(name).name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)

    def of(self, period: Period) -> Contract:
        """Return the contract of a period."""
        return self._contracts[period.name]

    def contract_of(self, payload: object, kind: Kind = "retry") -> Contract | None:
        """Return the newest contract whose change of members shows; None for what is no object."""
        if not isinstance(payload, dict):
            return None
        contracts = list(self.values())
        for older, newer in reversed(list(pairwise(contracts))):
            old, new = set(older.fields(kind)), set(newer.fields(kind))
            if old != new and new - old <= payload.keys() and (old - new).isdisjoint(payload):
                return newer
        return contracts[0]

    def changed_fields(self, kind: Kind = "retry") -> frozenset[str]:
        """Return the fields of a response that some contracts have and others have not."""
        each = [frozenset(contract.fields(kind)) for contract in self.values()]
        return frozenset.union(*each) - frozenset.intersection(*each)

    def documents(self) -> dict[str, Schema]:
        """Return every schema file of the folder by its `$id`."""
        schemas = map(_read, sorted(self.folder.glob("*/*.schema.json")))
        return {schema["$id"]: schema for schema in schemas}


@dataclass(frozen=True)
class Pair:
    """Two contracts with no other between them."""

    old: Contract
    new: Contract

    @functools.cached_property
    def new_fields(self) -> tuple[str, ...]:
        """The names of the fields that only the newer contract has."""
        return tuple(f for f in self.new.fields() if f not in self.old.fields())

    @functools.cached_property
    def fields(self) -> dict[str, Contract]:
        """The fields of both, each with the newest contract that has it."""
        newer, older = dict.fromkeys(self.new.fields(), self.new), self.old.fields()
        return {**newer, **{name: self.old for name in older if name not in newer}}

    def current_contracts(self, timeline: Timeline, now: datetime) -> frozenset[str]:
        """Return the names of the contracts that code must read: those of now, and the newest."""
        tolerated = (period.name for period in timeline.others_at(now))
        return frozenset({self.new.name, timeline.at(now).name, *tolerated})


def newest_pair(contracts: Catalogue) -> Pair:
    """Return the newest contract and the one before it."""
    return Pair(*list(contracts.values())[-2:])


def shipped_folder(file: str) -> Path:
    """Return the folder of a file that ships: in the package, or next to it in a checkout."""
    for parent in sys.modules["retry_contract"].__path__:
        if (Path(parent) / file).is_file():
            return (Path(parent) / file).parent
    raise FileNotFoundError(f"{file} is missing: reinstall retry-contract")


def schemas_folder() -> Path:
    """Return the folder of the schemas."""
    return shipped_folder("schemas/timeline.json")


@functools.cache
def catalogue() -> Catalogue:
    """Return the contracts that ship with the package, read once."""
    return Catalogue(schemas_folder())


def known_contract(contract: str | Contract) -> Contract:
    """Return a contract, looked up if it is a name or an alias. Raises KeyError."""
    return contract if isinstance(contract, Contract) else catalogue()[contract]


@functools.cache
def _fields(contract: Contract, kind: Kind) -> tuple[str, ...]:
    properties = contract.schema_of(kind)["properties"]
    return tuple(name for name, schema in properties.items() if schema is not False)


@functools.cache
def _read(path: Path) -> Schema:
    document: Schema = json.loads(path.read_text(encoding="utf-8"))
    return document
