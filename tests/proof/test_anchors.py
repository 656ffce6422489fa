"""Checks that are not of our making find nothing wrong with the documented service."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.node import ajv
from support.runs import check_all

from retry_contract.contract.bundle import bundle
from retry_contract.contract.catalogue import Kind, catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.endpoint.server import serve
from retry_contract.exchange import Exchange
from retry_contract.outcome import RuleState
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.model import PREFIX, Settings
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.run import Run

pytestmark = pytest.mark.slow

CONTRACTS = catalogue()
EXCLUDED = {
    # The page: a retry of a message that has not failed is refused, whatever the schema says.
    "positive_data_acceptance",
}
ERRORS = "common/error-response.schema.json"
each_contract = pytest.mark.parametrize("contract", CONTRACTS)


def _sandbox(contract: str) -> Sandbox:
    settings = Settings(delivery=timedelta(milliseconds=60))
    return Sandbox(CONTRACTS, Start(contract, settings=settings), lambda: datetime.now(UTC))


def _made(sandbox: Sandbox, state: str) -> str | None:
    return None if state == "foreign" else sandbox.make(state)[0]


@each_contract
def test_schemathesis_finds_no_failure(contract: str, tmp_path: Path) -> None:
    sandbox = _sandbox(contract)
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"path.campaignId" = "{sandbox.own.id}"\n', encoding="utf-8"
    )
    document = CONTRACTS[contract].folder / contract / "openapi.json"
    with serve(sandbox.handle) as (url,):
        words = ["run", str(document), "--url", url + PREFIX, "--seed", "1", "--no-color"]
        words += ["-H", f"Authorization: Bearer {sandbox.own.key}", "--max-examples", "30"]
        words += ["--exclude-checks", ",".join(EXCLUDED)]
        done = subprocess.run(
            [str(Path(sys.executable).with_name("st")), *words],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    counts = re.search(r"([0-9]+) generated, ([0-9]+) passed", done.stdout)
    assert counts is not None
    assert int(counts[2]) > 100
    assert {201, 200, 400} <= {status for *_, status in sandbox.requests}


@each_contract
def test_ajv_accepts_every_response_of_a_run(contract: str, tmp_path: Path) -> None:
    sandbox, heard = _sandbox(contract), list[Exchange]()
    with serve(sandbox.handle) as (url,):
        settings = LiveSettings(url + PREFIX, sandbox.own.key, sandbox.own.id, simulate=True)
        with closing(LiveEndpoint(settings, lambda state: _made(sandbox, state))) as endpoint:
            run = Run(
                endpoint, expect(CONTRACTS, contract), callbacks=Callbacks(listen=heard.append)
            )
            assert not any(rule.state is RuleState.BROKEN for rule in check_all(run).rules)
    expected: dict[Kind, tuple[int, int]] = {
        "retry": (201, 3),
        "retrieve": (200, 10),
        "single-send": (201, 1),
    }
    for kind, (status, least) in expected.items():
        responses = [e.payload for e in heard if (e.kind, e.status) == (kind, status)]
        assert len(responses) >= least
        verdicts = ajv({kind: bundle(CONTRACTS[contract], kind)}, responses, tmp_path / "ajv")
        assert verdicts[kind] == [True] * len(responses), kind
    refusals = [e.payload for e in heard if e.status in (400, 401, 403, 404)]
    # What is at another method is answered by no documented status.
    assert {e.status for e in heard} <= {200, 201, 400, 401, 403, 404, 405}
    envelope = json.loads((CONTRACTS[contract].folder / ERRORS).read_text("utf-8"))
    assert len(refusals) >= 8
    assert ajv({"errors": envelope}, refusals, tmp_path / "ajv")["errors"] == [True] * len(refusals)
