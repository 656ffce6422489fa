"""The file of `sandbox --env-file`: there while the sandbox serves, and at no other time."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from retry_contract.outcome import UsageError

FIRST = "RETRY_CONTRACT_ENDPOINT"
"""The variable of the first line."""

_WRITTEN = f"{FIRST}=http://".encode()
"""How a sandbox's file begins. A user's own names a service by https, and must not be lost."""


def prepare(name: str | None) -> Path | None:
    """Return the file to write, once its name is free and its folder takes one.

    A file that an earlier sandbox wrote is removed. Raises UsageError for any other, and where
    none can be written.
    """
    if name is None:
        return None
    if not name.strip():
        raise UsageError("--env-file: the name of the file is empty")
    file = Path(name).absolute()
    try:
        if _is_of_a_sandbox(file):
            file.unlink()
        elif os.path.lexists(file):
            what = "is a folder" if file.is_dir() else "is there, and no sandbox wrote it"
            raise UsageError(f"--env-file {name}: {what}; give the name of a new file")
        _beside(file).touch(exist_ok=False)
        _beside(file).unlink()
    except OSError as error:
        raise UsageError(f"--env-file {name}: {error.strerror or error}") from None
    return file


@contextlib.contextmanager
def published(file: Path | None, variables: Mapping[str, str]) -> Iterator[None]:
    """Keep the variables in a file, a line each, until the block is left. Raises UsageError."""
    if file is None:
        yield
        return
    text = "".join(f"{name}={value}\n" for name, value in variables.items()).encode("ascii")
    new = _beside(file)
    try:
        with new.open("xb") as stream:
            stream.write(text)
        new.replace(file)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise UsageError(f"--env-file {file}: {error.strerror or error}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if file.read_bytes() == text:  # else another sandbox has it by now
                file.unlink()


def _is_of_a_sandbox(file: Path) -> bool:
    if not file.is_file():  # to open a pipe would wait for its writer
        return False
    with file.open("rb") as stream:
        return stream.read(len(_WRITTEN)) == _WRITTEN


def _beside(file: Path) -> Path:
    """Return the name of a new file in the same folder, which no other process takes."""
    return file.with_name(f".{file.name}.{os.getpid()}")
