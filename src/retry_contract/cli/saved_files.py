"""The files that `validate` is given: those of a folder by name, and their bodies."""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from retry_contract.outcome import UsageError

STANDARD_INPUT = "-"
_NO_FILES = "is a folder without *.json: give one with saved responses"
_LARGEST, _FIRST_READ = 50_000_000, 65_536
"""In bytes. Asking for more than most files hold costs more than reading them."""


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
            with nullcontext(sys.stdin.buffer) if given else Path(self.name).open("rb") as stream:
                body: bytes = stream.read(_FIRST_READ)
                if len(body) == _FIRST_READ:
                    body += stream.read(_LARGEST + 1 - _FIRST_READ)
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot be read: {_reason(error)}") from None
        if len(body) > _LARGEST:
            raise UsageError("is over 50 MB: give one saved response a file")
        return body


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
            elif not stat.S_ISDIR(mode):  # opening a pipe would wait for a writer
                yield SavedFile(entry.path, "cannot be read: it is no regular file")


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
