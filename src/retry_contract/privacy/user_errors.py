"""An error of the user's own code, in a line: what it says, and where it was raised."""

import os
import traceback
from pathlib import Path

_LIBRARY = (str(Path(os.__file__).parent), f"{Path(__file__).parents[1]}{os.sep}", "<frozen")
_LONGEST = 10_000
"""How much of an error's message is looked at, in characters."""
_INSTALLED = ("site-packages", "dist-packages", "<attrs generated", "<cattrs generated")


def last_line(error: BaseException) -> str:
    """Return the last line of a traceback; of a text of many lines, its first three."""
    if isinstance(error, SystemExit):
        return f"SystemExit: {_text(error.code)}: the code ends the program"
    if isinstance(error, KeyboardInterrupt):
        return "KeyboardInterrupt: raised by the code"
    try:
        lines = [line.strip() for line in _text(error).splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("For further information")]
    except BaseException:  # an exception that cannot even be shown
        lines = []
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return "\n".join([": ".join([f"{module}{kind.__qualname__}", *lines[:1]]), *lines[1:3]])


def _text(value: object) -> str:
    return str(value)[:_LONGEST]


def is_installed(file: str) -> bool:
    """Say whether a source file belongs to Python, to a package, or to this kit."""
    return file.startswith(_LIBRARY) or any(part in file for part in _INSTALLED)


def place_of(error: BaseException) -> str:
    """Return the last line of the user's own code in the traceback, as `file:line`."""
    # Not by traceback.extract_tb, which reads the sources: a closed model fails a thousand times.
    steps = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)]
    own = ((file, line) for file, line in reversed(steps) if not is_installed(file))
    return next((f"{Path(file).name}:{line}" for file, line in own), "")
