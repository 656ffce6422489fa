"""Reads the values of options. Each function raises UsageError, saying what to give instead."""

import json
import random
import re
from pathlib import Path
from typing import Any, overload

from retry_contract import new_file
from retry_contract.outcome import UsageError

_LARGEST, _LARGEST_DECIMAL, _LARGEST_SEED = 999_999_999, 999_999, 2**64 - 1


@overload
def number(
    name: str, text: str | None, *, default: int, least: int = ..., most: int = ...
) -> int: ...
@overload
def number(
    name: str, text: str | None, *, default: None, least: int = ..., most: int = ...
) -> int | None: ...
def number(
    name: str, text: str | None, *, default: int | None, least: int = 0, most: int = _LARGEST
) -> int | None:
    """Read a whole number in a range."""
    if text is None:
        return default
    short = re.fullmatch("[0-9]+", text) and len(text.lstrip("0")) <= len(str(most))
    if short and least <= int(text) <= most:
        return int(text)
    raise UsageError(f"--{name} {text}: give a whole number from {least} to {most}")


@overload
def positive(name: str, text: str | None, *, default: float, or_zero: bool = ...) -> float: ...
@overload
def positive(
    name: str, text: str | None, *, default: None, or_zero: bool = ...
) -> float | None: ...
def positive(
    name: str, text: str | None, *, default: float | None, or_zero: bool = False
) -> float | None:
    """Read a number above zero, or zero too, with up to six decimals."""
    if text is None:
        return default
    match = re.fullmatch(r"(?=[0-9])0*+([0-9]*)(\.[0-9]{1,6})?", text)
    if match and len(match[1]) <= len(str(_LARGEST_DECIMAL)) and (float(text) or or_zero):
        return float(text)
    least = "0 or more" if or_zero else "above 0"
    how = f"give a number {least} and below {_LARGEST_DECIMAL + 1}, such as 2 or 0.5"
    raise UsageError(f"--{name} {text}: {how}")


def read_seed(text: str | None, fuzz: int) -> int | None:
    """Read a seed, or draw one if cases are to be generated; None if none are."""
    seed = number("seed", text, default=None, most=_LARGEST_SEED)
    if not fuzz:
        return None
    return random.SystemRandom().randrange(2**32) if seed is None else seed


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
    """Return a file that can be written: a new one, in the place of an earlier one."""
    if file is None:
        return None
    path = Path(file)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        is_folder = path.is_dir() and not path.is_symlink()
        what = "is a folder" if is_folder else "is a link, a device or a pipe"
        raise UsageError(f"--{name} {file}: {what}; give the name of a file")
    try:
        new_file.replace(path, b"")
    except OSError as error:
        raise UsageError(f"--{name} {file}: {error.strerror or error}") from None
    return path.absolute()


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
    return Path(folder).absolute()


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
