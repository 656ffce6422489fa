"""The files that `--report DIR` writes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from retry_contract import new_file
from retry_contract.outcome import Outcome, unwritten
from retry_contract.privacy.disarm import json_text
from retry_contract.report.json_document import outcome_document
from retry_contract.report.junit import verify_junit
from retry_contract.report.page import verify_page
from retry_contract.report.summary import summary

Files = Mapping[str, Callable[[], str | bytes]]
"""The files of a report by name, each with what returns its content."""


def written(outcome: Outcome, folder: Path) -> Outcome:
    """Write an outcome into a folder that exists; return it, which says so if a file is missing."""

    def after(missing: str | None) -> Outcome:
        return outcome if missing is None else unwritten(outcome, missing)

    return after(write_report(folder, lambda missing: _files(after(missing))))


def _files(outcome: Outcome) -> Files:
    return {
        "report.json": lambda: f"{json_text(outcome_document(outcome))}\n",
        "report.html": lambda: verify_page(outcome),
        "summary.md": lambda: summary(outcome),
        "junit.xml": lambda: verify_junit(outcome),
    }


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
        _write(folder, files(missing))  # what can be written says so too
    return missing


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
