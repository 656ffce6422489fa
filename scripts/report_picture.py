"""Writes docs/report.png: the page of a run against a service that missed the cutover."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.contract.timeline import SINGAPORE
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import ContractResult, Outcome, Traffic, Verdict
from retry_contract.report.json_document import versions
from retry_contract.report.page import verify_page
from retry_contract.rules import GENERATED, RULES
from retry_contract.verification.run import Run

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
BEGAN = datetime(2026, 11, 28, 10, 30, tzinfo=SINGAPORE)
ENDPOINT = "http://127.0.0.1:8000/api/v2"
REPLAY = f"retry-contract verify --endpoint {ENDPOINT} --contract after --fuzz 0"
COLOURS = 128
WIDTH, HEIGHT = 1100, 1110


def outcome() -> Outcome:
    """Return the outcome of the rules after the cutover against a service from before it."""
    contracts = catalogue()
    endpoint = mock_of(contracts, contracts["before"])
    run = Run(endpoint, expect(contracts, "after"))
    results = tuple(run.check(rule) for rule in RULES.values() if rule.id not in GENERATED)
    endpoint.close()
    found = ContractResult(run.contract, results, *run.drift())
    responses = {"200": 31, "201": 14, "400": 22, "401": 5, "405": 5}
    traffic = Traffic(sum(responses.values()), responses, 27, 11, 3)
    return Outcome(
        Verdict.BROKEN,
        ENDPOINT,
        contracts=(found,),
        traffic=traffic,
        samples=3,
        seconds=0.9,
        versions=versions(),
        replay=REPLAY,
        began=BEGAN,
    )


def main() -> None:
    """Open the page in Chromium, and keep its first screen as a picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(verify_page(outcome()), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(file.as_uri())
        shown = page.screenshot()
        browser.close()
    Image.open(io.BytesIO(shown)).convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
