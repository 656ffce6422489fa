"""Writing the files of a report, whatever is in them."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from retry_contract import new_file

Files = Mapping[str, Callable[[], str | bytes]]
"""The files of a report by name, each with what returns its content."""


def write_report(folder: Path, files: Callable[[str | None], Files]) -> str | None:
    """Write the files of a report; return why the first that is missing is, in a line.

    `files` returns them, as they are where one is missing. One that is there by now is of a run at
    the same time, and stays.
    """
    first = folder / next(iter(files(None)))
    if first.is_file() and not first.is_symlink():  # a link is of nobody, and is replaced
        return f"{first.name} of another run is there by now: give each run a folder of its own"
    missing = _write(folder, files(None))
    if missing is not None and first.is_file():
        _remove(folder, files(None))  # what was kept must not be left to say so alone
        _write(folder, files(missing))  # what can be written says so too
    return missing


def _remove(folder: Path, files: Files) -> None:
    for name in files:
        with contextlib.suppress(OSError):
            if not (folder / name).is_symlink():
                (folder / name).unlink(missing_ok=True)


def _write(folder: Path, files: Files) -> str | None:
    """Write files by name. The first says whose the others are: without it there are none."""
    missing = None
    for number, (name, content_of) in enumerate(files.items()):
        try:
            content = content_of()
            if isinstance(content, str):
                content = content.encode(errors="backslashreplace")
            new_file.replace(folder / name, content)
        except OSError as error:
            missing = missing or f"{name} could not be written: {error.strerror or error}"
        except Exception as error:  # what was found must not be lost by it
            missing = missing or f"{name} could not be written: {type(error).__name__} in the kit"
        if missing and not number:
            break
    return missing
