"""The files that `validate` is given: those of a folder by name, and their bodies."""

import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from retry_contract.cli.output import complain
from retry_contract.outcome import UsageError

STANDARD_INPUT = "-"
_NO_FILES = "is a folder without *.json: give one with saved responses"
_NO_FILE = "cannot be read: it is no regular file"
_PIPE = f"{_NO_FILE}; give what it holds on standard input, as -"
_WAITS = "retry-contract validate: reading standard input …"
_LARGEST, _FIRST_READ = 50_000_000, 65_536
"""In bytes. Asking for more than most files hold costs more than reading them."""

_SOON = 1.0
"""After how many seconds of silence it is said that standard input is read."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a pipe without O_NONBLOCK waits for a writer."""


@dataclass(frozen=True)
class SavedFile:
    """One file to validate, or the reason why there is none."""

    name: str
    reason: str = ""

    def read(self) -> bytes:
        """Return the content. Raises UsageError, which says why it cannot be read."""
        if self.reason or not self.name:
            raise UsageError(self.reason or "cannot be read: the name of the file is empty")
        given = self.name == STANDARD_INPUT
        if given and sys.stdin is None:
            raise UsageError("cannot be read: it is closed")
        try:
            body = _standard_input() if given else _content_of(self.name)
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot be read: {_reason(error)}") from None
        if len(body) > _LARGEST:
            raise UsageError("is over 50 MB: give one saved response a file")
        return body


def _standard_input() -> bytes:
    """Return what comes on standard input, and say that it is waited for if nothing comes soon."""
    if sys.stdin.isatty():
        complain(_WAITS)
        return _bounded(sys.stdin.buffer)
    # No poll, which Windows has for sockets alone.
    late = threading.Timer(_SOON, complain, [_WAITS])
    late.daemon = True
    late.start()
    try:
        return _bounded(sys.stdin.buffer)
    finally:
        late.cancel()


def _content_of(name: str) -> bytes:
    """Return the content of a regular file: what was opened is looked at, and not its name."""
    if Path(name).is_socket():  # which cannot be opened
        raise UsageError(_NO_FILE)
    with os.fdopen(os.open(name, _FLAGS), "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise UsageError(_PIPE if stat.S_ISFIFO(mode) else _NO_FILE)
        return _bounded(stream)


def _bounded(stream: BinaryIO) -> bytes:
    """Return what a stream holds, or so much that it is too large."""
    body = stream.read(_FIRST_READ)
    return body + stream.read(_LARGEST + 1 - _FIRST_READ) if len(body) == _FIRST_READ else body


def is_folder(name: str) -> bool:
    """Return whether a name that is given is that of a folder."""
    try:
        return name not in ("", STANDARD_INPUT) and Path(name).is_dir()
    except OSError:  # which reading it shows too
        return False


def saved_files(names: Sequence[str]) -> Iterator[SavedFile]:
    """Yield the files that are given, and of each folder its *.json by name, no subfolder's."""
    for name in names:
        if not is_folder(name):
            yield SavedFile(name)
            continue
        try:
            found = sorted(_folder_files(name), key=lambda file: file.name)
        except OSError as error:
            found = [SavedFile(name, f"cannot be read: {_reason(error)}")]
        yield from found or [SavedFile(name, _NO_FILES)]


def _folder_files(folder: str) -> Iterator[SavedFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.endswith(".json"):
                continue
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                yield SavedFile(entry.path, f"cannot be read: {_reason(error)}")
                continue
            if stat.S_ISREG(mode):
                yield SavedFile(entry.path)
            elif not stat.S_ISDIR(mode):
                yield SavedFile(entry.path, _NO_FILE)


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
