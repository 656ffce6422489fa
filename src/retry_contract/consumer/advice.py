"""What to change in code that breaks, by the library whose error it shows: `advice.toml`."""

import functools
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Advice:
    """One row: an error of a library or the language, as a regular expression, and what to change.

    `clue` is a module or a kind of class that must be among the error's clues too.
    """

    language: str
    says: str
    change: str
    library: str = ""
    clue: str = ""


@functools.cache
def table(name: str) -> tuple[Advice, ...]:
    """Return the rows of a table: `advice`, or `target` for a function that is named wrongly."""
    text = Path(__file__).with_name("advice.toml").read_text("utf-8")
    return tuple(Advice(**row) for row in tomllib.loads(text)[name])


def advise(error: str, clues: Collection[str] = (), of: str = "advice") -> str:
    """Return the library, or else the language, and what to change; empty if no row fits."""
    for row in table(of):
        if (not row.clue or row.clue in clues) and re.search(row.says, error):
            return f"{row.library or row.language}: {row.change}"
    return ""
