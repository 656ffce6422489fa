"""The file of a baseline: read, checked, and replaced by a new one."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from retry_contract import new_file
from retry_contract.choices import unknown_name
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import ContractResult, Entry, UsageError
from retry_contract.privacy.descriptions import cut
from retry_contract.privacy.disarm import json_text
from retry_contract.rules import rule_named
from retry_contract.verification.baseline import (
    CAME,
    DRIFT,
    LONGEST,
    Baseline,
    Key,
    general_pointer,
    is_general,
    key_of,
    today_in_singapore,
)

_FORMAT, _LARGEST = 1, 50_000_000
_TOP = ("format", "entries")
_KEY = ("rule", "contract", "pointer")
_DAYS = ("first_seen", "last_seen")
_OPTIONAL = ("reason", "ticket", "came", "scenario")
_MEMBERS = (*_KEY, *_DAYS, "expires", *_OPTIONAL)
_ANOTHER = "give another name, and --write-baseline makes one"
_RESTORE = "restore it, or take out what a merge or an editor has left there"


class _NoBaseline(Exception):
    """A file that is no baseline; the message says why, and what to do."""


def read_baseline(option: str, name: str | None) -> Baseline | None:
    """Read the baseline that an option names; None without a name. Raises UsageError."""
    if name is None:
        return None
    if not name.strip():
        raise UsageError(f"--{option}: the file's name is empty; leave the option out")
    file = Path(name)
    if file.exists() and not file.is_file():
        raise UsageError(f"--{option} {name}: is no file, but a folder, a pipe or a device")
    if not file.exists():
        how = "--write-baseline, without --baseline the first time, makes one"
        raise UsageError(f"--{option} {name}: there is no such file; {how}")
    try:
        return Baseline(
            _entries(json.loads(_text_of(file), object_pairs_hook=_members)), today_in_singapore()
        )
    except OSError as error:
        raise UsageError(f"--{option} {name}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        line = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"--{option} {name}: is no JSON, or cut off{line}; {_RESTORE}") from None
    except _NoBaseline as error:
        raise UsageError(f"--{option} {name}: {error}") from None


def baseline_to_update(name: str | None, judged_by: Baseline | None) -> Baseline | None:
    """Return what --write-baseline updates: its file if there is one. Raises UsageError."""
    if name is None or Path(name).exists():
        return read_baseline("write-baseline", name)
    return judged_by or Baseline({}, today_in_singapore())


def writable_file(name: str | None) -> Path | None:
    """Return the file of --write-baseline. Raises UsageError if it cannot be written."""
    if name is None:
        return None
    file = Path(name)
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise UsageError(f"--write-baseline {name}: is a link or no file; give the name of a file")
    try:
        new_file.probe(file.parent)
    except OSError as error:
        raise UsageError(f"--write-baseline {name}: {error.strerror or error}") from None
    return file.absolute()


def write_baseline(file: Path, baseline: Baseline) -> None:
    """Write a baseline: a new file that is moved into place. Raises OSError."""
    entries = [entry_document(entry) for entry in baseline.entries.values()]
    text = json_text({"format": _FORMAT, "entries": entries})
    new_file.replace(file, f"{text}\n".encode("ascii"))


def update_baseline(
    file: Path, old: Baseline, contracts: Sequence[ContractResult], *, strict: bool, whole: bool
) -> str:
    """Bring the file of a baseline up to date; return in a line what has changed.

    What people have written into it during the run stays; what has gone is dropped after a `whole`
    run alone. Raises OSError, and UsageError.
    """
    old = (read_baseline("write-baseline", str(file)) if file.exists() else None) or old
    new = old.updated(contracts, strict=strict, whole=whole)
    write_baseline(file, new)
    return written_line(old, new)


def written_line(old: Baseline, new: Baseline) -> str:
    """Return in a line what writing a baseline changed."""
    added, dropped = len(new.entries.keys() - old.entries), len(old.entries.keys() - new.entries)
    entries = f"{len(new.entries):,} {'entry' if len(new.entries) == 1 else 'entries'}"
    line = f"baseline: {entries} written, {added:,} new and {dropped:,} dropped"
    why = "whose place is masked, or too long"
    return f"{line}; {new.left_out:,} left out, {why}" if new.left_out else line


def entry_document(entry: Entry) -> dict[str, str | None]:
    """Return an entry as JSON values; a day that is not given is null."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in dataclasses.asdict(entry).items()
    }


def _text_of(file: Path) -> str:
    if file.stat().st_size > _LARGEST:
        raise _NoBaseline("is over 50 MB, and so no baseline")
    return file.read_text(encoding="utf-8-sig")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, of which a reader sees what counts: each member is there once."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NoBaseline(f"{cut(twice)} is there twice in one object; delete one of the two")
    return members


def _entries(document: Any) -> dict[Key, Entry]:
    format_ = document.get("format") if isinstance(document, dict) else None
    if type(format_) is not int or format_ != _FORMAT:
        newer = type(format_) is int and format_ > _FORMAT
        how = "a newer retry-contract reads it" if newer else _ANOTHER
        raise _NoBaseline(f"is no baseline of format {_FORMAT}; {how}")
    if not isinstance(document.get("entries"), list):
        raise _NoBaseline(f"is no baseline; {_ANOTHER}")
    for name in document:
        if name not in _TOP:
            raise _NoBaseline(unknown_name("member", name, _TOP))
    entries: dict[Key, Entry] = {}
    for number, values in enumerate(document["entries"], 1):
        try:
            entry = _entry(values)
        except _NoBaseline as error:
            raise _NoBaseline(f"entry {number}{_rule_in(values)}: {error}") from None
        if entries.setdefault(key_of(entry), entry) is not entry:
            twin = [*entries].index(key_of(entry)) + 1
            raise _NoBaseline(
                f"entry {number} ({entry.rule}): is that of entry {twin} again; delete one of them"
            )
    return entries


def _rule_in(values: Any) -> str:
    """Return in brackets which rule an entry is of, if it says so."""
    rule = values.get("rule") if isinstance(values, dict) else None
    return f" ({cut(rule)})" if isinstance(rule, str) else ""


def _entry(values: Any) -> Entry:
    if not isinstance(values, dict):
        raise _NoBaseline(f"is no JSON object with {', '.join(_KEY)}")
    for name in values:
        if name not in _MEMBERS:
            raise _NoBaseline(unknown_name("member", name, _MEMBERS))
    missing = {name: "" for name in _OPTIONAL if values.get(name) is None}
    values = {**values, **missing}
    for name in (*_KEY, *_OPTIONAL):
        if not isinstance(values.get(name), str):
            raise _NoBaseline(f"{name} is no string: put it in quotes")
        if len(values[name]) > LONGEST:
            raise _NoBaseline(f"{name} is longer than {LONGEST:,} characters")
    rule, contract = _rule_named(values["rule"]), _contract_named(values["contract"])
    if values["pointer"] and not values["pointer"].startswith("/"):
        raise _NoBaseline("pointer is no JSON Pointer, such as /creatorId, or empty")
    pointer = general_pointer(values["pointer"])
    if not is_general((rule, contract, pointer, "")):
        raise _NoBaseline("pointer has a masked name, which may be any; delete the entry")
    if values["came"] and not CAME.fullmatch(values["came"]):
        raise _NoBaseline("came is neither a status, such as status 403, nor a secret, nor empty")
    first, last = (_day(values, name) for name in _DAYS)
    if first is None or last is None:
        raise _NoBaseline("first_seen or last_seen is missing")
    expires = None if values.get("expires") == "" else _day(values, "expires")
    given = {name: values[name] for name in _OPTIONAL}
    return Entry(rule, contract, pointer, first, last, expires, **given)


def _rule_named(name: str) -> str:
    try:
        return name if name == DRIFT else rule_named(name).id
    except LookupError as error:
        raise _NoBaseline(str(error)) from None


def _contract_named(name: str) -> str:
    known = catalogue()
    if name not in known:
        aliases = [contract.period.alias for contract in known.values()]
        raise _NoBaseline(unknown_name("contract", name, aliases, also=known))
    return known[name].name


def _day(values: Mapping[str, Any], name: str) -> date | None:
    value = values.get(name)
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()
    except (TypeError, ValueError):
        raise _NoBaseline(f"{name} is no date, such as 2026-12-31") from None
