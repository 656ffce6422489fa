"""The files that `--report DIR` of `consumer` writes."""

import dataclasses
from pathlib import Path

from retry_contract.consumer.readiness import Readiness
from retry_contract.privacy.disarm import json_text
from retry_contract.report.junit import readiness_junit
from retry_contract.report.page import readiness_page
from retry_contract.report.readiness_report import readiness_document, readiness_summary
from retry_contract.report.writing import Files, write_report


def written_readiness(found: Readiness, folder: Path) -> Readiness:
    """Write it into a folder that exists; return it, which says so if a file is missing."""

    def after(missing: str | None) -> Readiness:
        return dataclasses.replace(found, unwritten=missing)

    return after(write_report(folder, lambda missing: _files(after(missing))))


def _files(found: Readiness) -> Files:
    return {
        "report.json": lambda: f"{json_text(readiness_document(found))}\n",
        "report.html": lambda: readiness_page(found),
        "summary.md": lambda: readiness_summary(found),
        "junit.xml": lambda: readiness_junit(found),
    }
