"""What an error of the user's code says: its last line, its place, and who had a part in it."""

from __future__ import annotations

import re
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retry_contract.consumer.hosted.installed import is_installed

_BUILT = re.compile(r"([\w.<>]+)\.__(?:init|new)__\(\)")


def detail_of(error: BaseException) -> dict[str, Any]:
    """Describe an error, of a group the first that it holds: `text`, `where` and `clues`.

    `exits_well` says that the program would end with the exit status 0.
    """
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    text = last_line(leaf)
    return {
        "text": text,
        "where": place_of(error),
        "clues": sorted(_clues(error, leaf, text)),
        "exits_well": isinstance(error, SystemExit) and _is_well(error.code),
    }


def _is_well(code: Any) -> bool:
    return code is None or (isinstance(code, int) and code == 0)


def last_line(error: BaseException) -> str:
    """Return what a traceback ends with, for a text of many lines its first three."""
    if isinstance(error, SystemExit):
        return f"SystemExit: {error.code}: the code ends the program"
    if isinstance(error, KeyboardInterrupt):
        return "KeyboardInterrupt: raised by the code"
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("For further information")]
    except BaseException:  # an exception that cannot even be shown
        lines = []
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return "\n".join([": ".join([f"{module}{kind.__qualname__}", *lines[:1]]), *lines[1:3]])


def _frames(error: BaseException) -> Iterator[types.FrameType]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield frame


def place_of(error: BaseException) -> str:
    """Return the last line of the user's own code in the traceback, as `file:line`."""
    # Not by traceback.extract_tb, which reads the sources: a closed model fails a thousand times.
    found = (
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    )
    places = [f"{Path(file).name}:{line}" for file, line in found if not is_installed(file)]
    return places[-1] if places else ""


def _clues(error: BaseException, leaf: BaseException, text: str) -> set[str]:
    """Return the top-level modules that had a part in an error, and what kind of class it names."""
    modules = {str(frame.f_globals.get("__name__", "")) for frame in _frames(error)}
    modules |= {kind.__module__ for e in (error, leaf) for kind in type(e).__mro__}
    clues = {name.partition(".")[0] for name in modules if name}
    built = _BUILT.search(text)
    if built:
        clues |= {_kind_of(frame, built.group(1)) for frame in _frames(leaf)}
    return clues - {"", "builtins", "retry_contract"}


def _kind_of(frame: types.FrameType, name: str) -> str:
    known = {**frame.f_globals, **frame.f_locals}
    short = name.rpartition(".")[2]
    found = [v for v in known.values() if isinstance(v, type) and v.__name__ == short]
    for kind in found:
        if hasattr(kind, "__attrs_attrs__"):
            return "attrs"
        if hasattr(kind, "__dataclass_fields__"):
            return "dataclass"
        if hasattr(kind, "_fields"):
            return "namedtuple"
    return ""
