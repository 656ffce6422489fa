"""Writes files: each is a new file that is moved to its name, so no symbolic link is followed.

A folder may be a link: that one the user named. What fails leaves nothing, and an earlier file of
the name as it was.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | _BINARY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY


def replace(file: Path, content: bytes) -> None:
    """Write a file; one of that name, or a link, is replaced. Raises OSError."""
    with _named(file), _new(file.parent, content, 0o666) as new:
        new.replace(file)


def create(file: Path, content: bytes) -> None:
    """Write a file that nobody else may read, if its name is free. Raises OSError."""
    with _new(file.parent, content, 0o600) as new:
        try:
            os.link(new, file)  # fails where another has the name by now, as a move does not
        except FileExistsError:
            raise
        except OSError as error:  # there are no links here
            if os.path.lexists(file):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            new.replace(file)


def probe(folder: Path) -> None:
    """Write a file into a folder, and remove it. Raises OSError."""
    with _new(folder, b"", 0o600):
        pass


def append(file: Path, content: bytes) -> None:
    """Write to the end of a file that is no link. Raises OSError."""
    with os.fdopen(os.open(file, _APPEND, 0o666), "wb") as stream:
        stream.write(content)


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """Let an error name the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(file)) from error


@contextlib.contextmanager
def _new(folder: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write a file of a name that is new; removed in the end, if it was not moved."""
    new = folder / f".retry-contract-{os.urandom(8).hex()}"
    opened = os.open(new, _NEW, mode)
    try:
        with os.fdopen(opened, "wb") as stream:
            stream.write(content)
        yield new
    finally:
        new.unlink(missing_ok=True)
