"""What the kit takes from the environment: the variables named here, and no other.

Libraries run modules, write files and load certificates by variables of their own, and each release
may read another one. So `isolate` takes out all but these before a library is imported.

What the interpreter and the loader have read by then cannot be undone. Their variables stay, so
that a process that is started meanwhile finds the same Python.
"""

import contextlib
import os
from collections.abc import Iterator

KIT = frozenset({"POSTMAN_API_KEY", "SSL_CERT_FILE", "XDG_CACHE_HOME", "LOCALAPPDATA"})
"""What the kit reads itself, next to RETRY_CONTRACT_."""

TERMINAL = frozenset({"TERM", "NO_COLOR", "COLUMNS", "LINES"})

SYSTEM = frozenset(
    {"PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LANG", "LANGUAGE", "TZ", "TZDIR"}
    | {"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT"}
    | {"USERPROFILE", "HOMEDRIVE", "HOMEPATH"}
)
"""What Python's own library and a new process need, here and on Windows."""

PREFIXES = ("RETRY_CONTRACT_", "PYTHON", "LC_", "LD_", "DYLD_")
"""What the names of the others that stay begin with."""

_removed: dict[str, str] = {}


def is_kept(name: str) -> bool:
    """Return whether a variable stays."""
    return name in KIT | TERMINAL | SYSTEM or name.startswith(PREFIXES)


def isolate() -> None:
    """Take every other variable out of this process's environment."""
    _removed.update(_take_out())


def original() -> dict[str, str]:
    """Return the environment that the process was given: for the user's own commands."""
    return {**os.environ, **_removed}


def is_github() -> bool:
    """Return whether the process was started by a job of GitHub Actions."""
    return original().get("GITHUB_ACTIONS") == "true"


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Take the other variables out for as long as a block runs."""
    taken = _take_out()
    _removed.update(taken)
    try:
        yield
    finally:
        for name, value in taken.items():
            _removed.pop(name, None)
            os.environ.setdefault(name, value)


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Put the variables back for as long as a block runs: for the user's code in this process.

    What it changes is kept for the next block.
    """
    put = dict(_removed)
    os.environ.update(put)
    try:
        yield
    finally:
        left = {name: os.environ.pop(name, None) for name in put}
        _removed.update({name: value for name, value in left.items() if value is not None})
        for name in [name for name, value in left.items() if value is None]:
            _removed.pop(name, None)


def _take_out() -> dict[str, str]:
    # A name may be empty, or begin with "=" on Windows; the system does not take such a one back.
    others = [name for name in os.environ if name[:1] not in ("", "=") and not is_kept(name)]
    return {name: os.environ.pop(name) for name in others}
