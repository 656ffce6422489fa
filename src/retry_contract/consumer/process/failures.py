"""What an error of the user's code says: its last line, its place, and who had a part in it."""

from __future__ import annotations

import contextlib
import os
import traceback
import types
from pathlib import Path
from typing import Any

_BUILT = (".__init__()", ".__new__()")
_KINDS = (
    ("__attrs_attrs__", "attrs"),
    ("__dataclass_fields__", "dataclass"),
    ("_fields", "namedtuple"),
)
_LONGEST_TEXT, _LONGEST_TRACE = 10_000, 50_000
_LIBRARY = (str(Path(os.__file__).parent), f"{Path(__file__).parents[2]}{os.sep}", "<frozen")
_INSTALLED = ("site-packages", "dist-packages", "<attrs generated", "<cattrs generated")


def detail_of(error: BaseException) -> dict[str, Any]:
    """Return an error as the members of an `Attempt`, of a group the first that it holds."""
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    text, trace = last_line(leaf)[:_LONGEST_TEXT], ""
    with contextlib.suppress(BaseException):  # to show an exception may run the user's code
        trace = "".join(traceback.format_exception(error))[-_LONGEST_TRACE:]
    return {
        "error": text,
        "where": place_of(error),
        "clues": sorted(_clues(error, leaf, text)),
        "trace": trace,
    }


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


def is_installed(file: str) -> bool:
    """Say whether a source file belongs to Python, to a package, or to this kit."""
    return file.startswith(_LIBRARY) or any(part in file for part in _INSTALLED)


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
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    inner = [frame for frame, _ in traceback.walk_tb(leaf.__traceback__)]
    modules = {str(frame.f_globals.get("__name__", "")) for frame in frames}
    modules |= {kind.__module__ for e in (error, leaf) for kind in type(e).__mro__}
    clues = {name.partition(".")[0] for name in modules if name}
    built = next((text.partition(mark)[0] for mark in _BUILT if mark in text), "")
    if built:
        clues |= {_kind_of(frame, built.split()[-1]) for frame in inner}
    return clues - {"", "builtins", "retry_contract"}


def _kind_of(frame: types.FrameType, name: str) -> str:
    known = {**frame.f_globals, **frame.f_locals}
    short = name.rpartition(".")[2]
    # By the real type of each: `isinstance` asks `__class__`, which a proxy computes.
    found = [v for v in known.values() if issubclass(type(v), type) and v.__name__ == short]
    return next((name for mark, name in _KINDS for kind in found if hasattr(kind, mark)), "")
