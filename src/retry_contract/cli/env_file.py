"""The file of `sandbox --env-file`: there while the sandbox serves, and at no other time."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from retry_contract import new_file
from retry_contract.outcome import UsageError

FIRST = "RETRY_CONTRACT_ENDPOINT"
"""The variable of the first line."""

CONTROLS = "RETRY_CONTRACT_SANDBOX"
_LINES = re.compile(rb"((POSTMAN_API_KEY|RETRY_CONTRACT_[A-Z_]+)=[^\r\n]*\r?\n)+")
_LARGEST = 64 * 1024


def prepare(name: str | None) -> Path | None:
    """Return the file to write, once its name is free and its folder takes one.

    One that is empty, or that an earlier sandbox wrote, is removed. Raises UsageError for any
    other, and where none can be written.
    """
    if name is None:
        return None
    if not name.strip():
        raise UsageError("--env-file: the name of the file is empty")
    try:
        file = Path(name).absolute()
        if _is_empty(file) or _is_of_a_sandbox(file):
            file.unlink()
        elif os.path.lexists(file):
            what = "is a folder" if file.is_dir() else "is there, and no sandbox wrote it"
            raise UsageError(f"--env-file {name}: {what}; give the name of a new file")
        with tempfile.TemporaryFile(dir=file.parent):
            return file
    except OSError as error:
        raise UsageError(f"--env-file {name}: {error.strerror or error}") from None


@contextlib.contextmanager
def published(file: Path | None, variables: Mapping[str, str]) -> Iterator[None]:
    """Keep the variables in a file, a line each, until the block is left. Raises UsageError.

    Nobody else may read it: it holds a key.
    """
    if file is None:
        yield
        return
    text = "".join(f"{name}={value}\n" for name, value in variables.items()).encode("ascii")
    try:
        new_file.create(file, text)
    except OSError as error:
        raise UsageError(f"--env-file {file}: {error.strerror or error}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if file.is_file() and file.read_bytes() == text:  # else another sandbox has it by now
                file.unlink()


def _is_empty(file: Path) -> bool:
    return file.is_file() and file.stat().st_size == 0


def _is_of_a_sandbox(file: Path) -> bool:
    """Return whether all lines are of a sandbox, its controls among them: nobody's own is lost."""
    if not file.is_file() or file.stat().st_size > _LARGEST:  # a pipe would wait for its writer
        return False
    content = file.read_bytes()
    has_controls = f"\n{CONTROLS}=http://".encode() in content
    return has_controls and _LINES.fullmatch(content) is not None
