"""The files that `--report DIR` of `verify` writes."""

from pathlib import Path

from retry_contract.outcome import Outcome, unwritten
from retry_contract.privacy.disarm import json_text
from retry_contract.report.json_document import outcome_document
from retry_contract.report.junit import verify_junit
from retry_contract.report.page import verify_page
from retry_contract.report.summary import summary
from retry_contract.report.writing import Files, write_report


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
