"""The files that `--report DIR` writes. pytest itself writes junit.xml."""

from pathlib import Path

from retry_contract.outcome import Outcome
from retry_contract.privacy.disarm import json_text
from retry_contract.report.json_document import outcome_document
from retry_contract.report.summary import summary


def write_reports(outcome: Outcome, folder: Path) -> None:
    """Write report.json and summary.md into a folder that exists."""
    document = json_text(outcome_document(outcome))
    (folder / "report.json").write_text(document + "\n", encoding="utf-8")
    (folder / "summary.md").write_text(summary(outcome), encoding="utf-8")
