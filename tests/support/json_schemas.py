"""Holds the JSON documents of commands to the schemas that the package has of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs

SCHEMAS = files("retry_contract.report") / "schemas"
_REFUSED = {"format", "outcome", "reason"}
_WITH_JSON = ("consumer", "explain", "rules", "sandbox", "timeline", "validate", "verify")


@functools.cache
def schema_of(name: str) -> dict[str, Any]:
    text = (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def _validator(name: str, part: str = "") -> Any:
    """Return the validator of a document, or of one of its forms, which says what is wrong."""
    schema = schema_of(name)
    if part in schema.get("$defs", {}):
        schema = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    return jsonschema_rs.validator_for(schema)


def problems(name: str, document: Any) -> list[str]:
    """Return how a document breaks its schema, a line each, and whether its format is not first."""
    found = []
    if not _validator(name).is_valid(document):
        part = "refused" if set(document) == _REFUSED else "found"
        errors = _validator(name, part).iter_errors(document)
        found = [f"{error.instance_path}: {str(error)[:500]}" for error in errors]
    first = next(iter(document.items()), None) if isinstance(document, dict) else None
    return found if first == ("format", 1) else [*found, f"begins with {first}"]


def hold(words: Sequence[str], printed: str, folder: Path) -> None:
    """Hold what a command printed and wrote to the schemas, if that is JSON.

    Relative names are of the folder. What `-- ARGS` made pytest do is held too.
    """
    own = list(words[: words.index("--")] if "--" in words else words)
    if not own or own[0] not in _WITH_JSON:
        return
    if "--json" in own and "--help" not in own and "--run" not in own and printed:
        name = "faults" if own[0] == "sandbox" and "list" in own else own[0]
        found = problems(name, json.loads(printed))
        assert found == [], f"{' '.join(own)}: {found}"
    report = _value(own, "--report")
    if report and _is_own(folder / report / "report.json"):
        file = folder / report / "report.json"  # a refused command leaves that of another
        document = json.loads(file.read_text(encoding="utf-8"))
        hold_file(document.get("command", own[0]), file)
    record = _value(own, "--record")
    if record and _is_own(folder / record):
        hold_record(folder / record)


def _is_own(file: Path) -> bool:
    """Return whether this is a file and no link, which no command writes."""
    return file.is_file() and not file.is_symlink()


def hold_file(name: str, file: Path) -> None:
    """Hold the document in a file to its schema."""
    found = problems(name, json.loads(file.read_text(encoding="utf-8")))
    assert found == [], f"{file.name} of {name}: {found}"


def hold_record(file: Path) -> None:
    """Hold each line of a record to its schema."""
    for line in file.read_text(encoding="utf-8").splitlines():
        found = problems("record", json.loads(line))
        assert found == [], f"{file.name}: {found}"


def _value(words: Sequence[str], option: str) -> str | None:
    return words[words.index(option) + 1] if option in words[:-1] else None
