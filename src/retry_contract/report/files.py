"""The files that `--report DIR` writes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from retry_contract import new_file
from retry_contract.outcome import Outcome
from retry_contract.privacy.disarm import json_text
from retry_contract.report.json_document import outcome_document
from retry_contract.report.junit import verify_junit
from retry_contract.report.page import verify_page
from retry_contract.report.summary import summary


def write_reports(outcome: Outcome, folder: Path) -> str | None:
    """Write an outcome into a folder that exists; return why a file is missing, if one is."""
    return write_files(
        folder,
        {
            "report.json": lambda: f"{json_text(outcome_document(outcome))}\n",
            "report.html": lambda: verify_page(outcome),
            "summary.md": lambda: summary(outcome),
            "junit.xml": lambda: verify_junit(outcome),
        },
    )


def write_files(folder: Path, files: Mapping[str, Callable[[], str | bytes]]) -> str | None:
    """Write files by name; return why the first that is missing is, in a line.

    The first says whose the others are: without it there are none.
    """
    missing = None
    for number, (name, content_of) in enumerate(files.items()):
        try:
            content = content_of()
            text = content if isinstance(content, bytes) else _encoded(content)
            new_file.replace(folder / name, text)
        except OSError as error:
            missing = missing or f"{name} could not be written: {error.strerror or error}"
        except Exception as error:  # what was found must not be lost by it
            missing = missing or f"{name} could not be written: {type(error).__name__} in the kit"
        if missing and not number:
            break
    return missing


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
