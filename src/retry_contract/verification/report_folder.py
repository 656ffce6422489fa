"""The folder of --report: whether it can be written, and whose report is in it."""

import json
from pathlib import Path

from retry_contract import new_file
from retry_contract.outcome import UsageError

FILES = ("report.json", "report.html", "summary.md", "junit.xml")
"""What --report writes; report.json first, since it says whose they are."""

COMMANDS = ("verify", "consumer")
_MARKS = {
    "report.html": b'<meta name="generator" content="retry-contract">',
    "summary.md": b"## retry-contract: ",
    "junit.xml": b'<testsuites name="retry-contract"',
}
_LARGEST, _BEGINNING = 50_000_000, 2_000


def claim(command: str, folder: str | None) -> Path | None:
    """Return the folder of a command's report, made if need be, without an earlier report of it.

    Raises UsageError if it cannot be written, or holds what is not of this command: the report of
    another command, or of another tool, would be lost.
    """
    if folder is None:
        return None
    if not folder.strip():
        raise UsageError("--report: the folder's name is empty; leave the option out")
    path = Path(folder)
    if path.is_file():
        raise UsageError(f"--report {folder}: is a file; give a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        if taken := [name for name in FILES if _is_folder(path / name)]:
            raise UsageError(f"--report {folder}: {taken[0]} is a folder there; give another one")
        # A link is no file of anybody: it is replaced, and what it names stays.
        earlier = [path / name for name in FILES if _is_file(path / name)]
        others = [file.name for file in earlier if not _is_of_the_kit(file)]
        by = _command_of(path / FILES[0]) if earlier else command
        if others or by != command:
            whose = f"{others[0]} of another tool" if others else _whose(by, earlier[0].name)
            own = path / command
            raise UsageError(f"--report {folder}: holds {whose}; give {own} for instance")
        new_file.probe(path)
        for file in earlier:
            file.unlink()  # a run that is killed leaves no report, and not yesterday's
    except OSError as error:
        raise UsageError(f"--report {folder}: {error.strerror or error}") from None
    return path.absolute()


def _whose(command: str | None, name: str) -> str:
    return f"the report of {command}" if command else f"{name} without its report.json"


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _command_of(file: Path) -> str | None:
    """Return the command that wrote a report.json; None if none of this kit did."""
    if not _is_file(file) or file.stat().st_size > _LARGEST:
        return None
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return None
    command = document.get("command") if isinstance(document, dict) else None
    return command if command in COMMANDS else None


def _is_of_the_kit(file: Path) -> bool:
    """Return whether a file begins as the kit begins it."""
    if file.name == FILES[0]:
        return _command_of(file) is not None
    with file.open("rb") as stream:
        return _MARKS[file.name] in stream.read(_BEGINNING)
