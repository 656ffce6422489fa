"""Which code is the user's own, and which was installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LIBRARY = (str(Path(os.__file__).parent), f"{Path(__file__).parents[2]}{os.sep}", "<frozen")
_INSTALLED = ("site-packages", "dist-packages", "<attrs generated", "<cattrs generated")


def is_installed(file: str) -> bool:
    """Say whether a source file belongs to Python, to a package, or to this kit."""
    return file.startswith(_LIBRARY) or any(part in file for part in _INSTALLED)


def is_own_class(kind: type) -> bool:
    """Say whether a class is defined in a file of the user's."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return isinstance(file, str) and not is_installed(file)
