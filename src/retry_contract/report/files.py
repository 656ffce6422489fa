"""The files that `--report DIR` writes. junit.xml comes from pytest, by `plugin/junit.py`."""

from pathlib import Path

from retry_contract import new_file
from retry_contract.outcome import Outcome
from retry_contract.privacy.disarm import json_text
from retry_contract.report.json_document import outcome_document
from retry_contract.report.summary import summary


def write_reports(outcome: Outcome, folder: Path) -> None:
    """Write report.json and summary.md into a folder that exists."""
    document = json_text(outcome_document(outcome))
    new_file.replace(folder / "report.json", f"{document}\n".encode())
    new_file.replace(folder / "summary.md", summary(outcome).encode())
