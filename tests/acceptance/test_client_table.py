"""What `consumer` finds of the clients that integrators write: the table in the docs."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue, newest_pair
from retry_contract.service.staged_calls import calls_by_scenario

Done = CompletedProcess[str]
slow = pytest.mark.slow
TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "consumer.md"
NAMES = [*calls_by_scenario(newest_pair(catalogue()), catalogue().timeline)]

ROWS: dict[str, tuple[str, ...]] = {
    "requests, `raise_for_status()`": ("raises",),
    "urllib": ("standard_library",),
    "httpx2, `raise_for_status()`": ("httpx2_client:retry",),
    "asynchronous, one shared aiohttp session": ("aiohttp_client:retry",),
    "returns `True` or `False`": ("returns_a_bool",),
    "returns `None`, raises otherwise": ("returns_none",),
    "returns the response of requests": ("returns_the_response",),
    "returns the status": ("returns_the_status",),
    "returns the status, with `--accepted-when`": ("returns_the_status", "is_created"),
    "returns the body, whatever the status": ("returns_the_body",),
    "returns the body, with `--accepted-when`": ("returns_the_body", "has_a_status"),
    "catches every error, returns `None`": ("swallows_everything",),
    "tries again by urllib3's `Retry`": ("retries_by_urllib3",),
    "tries again by tenacity": ("retries_by_tenacity",),
    "tries again for ever": ("loops_for_ever",),
    "requests without a timeout": ("without_timeout",),
    "sends again by Single Send": ("sends_again",),
    "prints the API key": ("prints_the_key",),
    "posts to `/campaign/…`": ("wrong_path",),
    "a command that looks at the status": ("checks_the_status.py",),
    "a command without a timeout": ("without_timeout.py",),
    "a command that ends with 0, whatever came": ("exits_with_0.py",),
}
"""What a client is called in the table: its name, and that of its predicate if it has one."""


def options_of(name: str, predicate: str = "") -> list[str]:
    """Return the options by which a client is tried, from the folder of the tests."""
    if name.endswith(".py"):
        return ["--client-exec", f"{shlex.quote(sys.executable)} support/commands/{name}"]
    target = name if ":" in name else f"clients:{name}"
    options = ["--accepted-when", f"support.clients:{predicate}"] if predicate else []
    return ["--client", f"support.{target}", *options]


def in_short(names: Sequence[str]) -> str:
    """Return the names of scenarios, a status for all that it has if it refuses for good."""
    if {*NAMES[1:-1]} - {"paired", "through the cutover"} <= {*names}:
        return "in every scenario"
    shown = list(names)
    for status in ("400", "401", "403"):
        of_status = [name for name in NAMES if name.startswith(status)]
        if {*of_status} <= {*shown}:
            first = shown.index(of_status[0])
            shown = [name for name in shown if name not in of_status]
            shown.insert(first, status)
    return ", ".join(shown)


def wrongs(document: dict[str, Any]) -> str:
    """Return what goes wrong in the scenarios that count, and in which of them."""
    found: dict[str, list[str]] = {}
    for scenario in document["scenarios"]:
        if scenario["counts"] and scenario["verdict"] in ("breaks", "differs"):
            error = re.sub(r"(?:: (?!it asked)|; ).*", "", scenario["error"] or "it differs")
            found.setdefault(error, []).append(scenario["scenario"])
    return "; ".join(f"{error}: {in_short(names)}" for error, names in found.items())


@pytest.fixture
def check(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Try a client; return the exit code and the document."""
    monkeypatch.chdir(TESTS)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = here("consumer", *words, "--timeout", "2", "--json")
        return done.returncode, json.loads(done.stdout)

    return run


def documented_rows() -> list[str]:
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("<!-- clients -->\n")
    return rest.partition("<!-- end of clients -->")[0].splitlines()


@slow
@pytest.mark.parametrize("client", ROWS)
def test_each_client_gets_its_row(client: str, check: Any) -> None:
    _, document = check(*options_of(*ROWS[client]))
    cells = client, wrongs(document) or "nothing", document["outcome"].upper()
    assert f"| {' | '.join(cells)} |" in documented_rows()


@slow
def test_the_table_has_a_row_for_each_client() -> None:
    head, _, *rows = documented_rows()
    assert head == "| client | what goes wrong, and in which scenarios | outcome |"
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [*ROWS]


@slow
@pytest.mark.parametrize("client", ["returns_the_body", "returns_the_status"])
def test_a_client_is_ready_with_the_predicate_that_its_finding_prints(
    client: str, check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = tmp_path / "app.py"
    app.write_text(f"import sys\nsys.path.append({str(TESTS)!r})\n", encoding="utf-8")
    with app.open("a", encoding="utf-8") as file:
        file.write(f"from support.clients import {client}\n")
    monkeypatch.chdir(tmp_path)
    code, document = check("--client", f"app:{client}")
    assert code == 1
    advice = next(s["advice"] for s in document["scenarios"] if s["scenario"] == "401 wrong key")
    _, _, rest = advice.partition("--accepted-when app:accepted, with\n")
    with app.open("a", encoding="utf-8") as file:
        file.write(rest)
    code, _ = check("--client", f"app:{client}", "--accepted-when", "app:accepted")
    assert code == 0
