"""Reads the values of options. Each function raises UsageError, saying what to give instead."""

import json
import random
import re
from pathlib import Path
from typing import Any, overload

from retry_contract.outcome import UsageError

_MOST_DIGITS, _MOST_WHOLE_DIGITS = 9, 6
_LARGEST_SEED = 2**64


@overload
def number(name: str, text: str | None, *, default: int) -> int: ...
@overload
def number(name: str, text: str | None, *, default: None) -> int | None: ...
def number(name: str, text: str | None, *, default: int | None) -> int | None:
    """Read a whole number."""
    if text is None:
        return default
    if not re.fullmatch("[0-9]+", text):
        raise UsageError(f"--{name} {text}: give a whole number, such as 50")
    if len(text) > _MOST_DIGITS:
        raise UsageError(f"--{name} {text}: give at most {'9' * _MOST_DIGITS}")
    return int(text)


@overload
def positive(name: str, text: str | None, *, default: float) -> float: ...
@overload
def positive(name: str, text: str | None, *, default: None) -> float | None: ...
def positive(name: str, text: str | None, *, default: float | None) -> float | None:
    """Read a number above zero."""
    if text is None:
        return default
    match = re.fullmatch(r"([0-9]+)(\.[0-9]{1,6})?", text)
    if match is not None and len(match[1]) > _MOST_WHOLE_DIGITS:
        raise UsageError(f"--{name} {text}: give at most {'9' * _MOST_WHOLE_DIGITS}")
    if match is None or not float(text):
        raise UsageError(f"--{name} {text}: give a number above 0 in digits, such as 2 or 0.5")
    return float(text)


def read_seed(text: str | None, fuzz: int) -> int | None:
    """Read a seed, or draw one if cases are to be generated; None if none are."""
    if text is not None and not (re.fullmatch("[0-9]+", text) and int(text) < _LARGEST_SEED):
        raise UsageError(f"--seed {text}: give a whole number, such as 20250224")
    if not fuzz:
        return None
    return random.SystemRandom().randrange(2**32) if text is None else int(text)


def read_replay(text: str | None) -> dict[str, Any] | None:
    """Read a generated case, as a failure printed it."""
    if text is None:
        return None
    case = _json(text)
    if isinstance(case, dict) and list(case) in (["request"], ["sequence"]):
        return case
    raise UsageError("--replay: give a case as a failure printed it, in quotes")


def template_values(text: str | None) -> dict[str, str] | None:
    """Read the values that fill a template."""
    if text is None:
        return None
    values = _json(text)
    if isinstance(values, dict) and all(isinstance(value, str) for value in values.values()):
        return values
    raise UsageError("""--values: give a JSON object of strings, such as '{"name": "Test"}'""")


def usable_file(name: str, file: str | None) -> Path | None:
    """Return a file that can be written; it is emptied."""
    if file is None:
        return None
    try:
        Path(file).write_bytes(b"")
    except OSError as error:
        raise UsageError(f"--{name} {file}: {error.strerror or error}") from None
    return Path(file)


def usable_folder(name: str, folder: str | None) -> Path | None:
    """Return a folder, made if need be."""
    if folder is None:
        return None
    if not folder.strip():
        raise UsageError(f"--{name}: the folder's name is empty; leave the option out")
    if Path(folder).is_file():
        raise UsageError(f"--{name} {folder}: is a file; give a folder")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--{name} {folder}: {error.strerror or error}") from None
    return Path(folder)


def read_id(name: str, text: str) -> str:
    """Read an id that stands in a path as it is."""
    if not re.fullmatch(r"[A-Za-z0-9._~-]+", text) or text in (".", ".."):
        raise UsageError(f"--{name} {text}: is no id; copy it from a response of the service")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
