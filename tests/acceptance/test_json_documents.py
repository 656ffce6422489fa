"""What a script does with the JSON of commands: the page about it, the replay, and the schemas."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.json_schemas import problems
from support.tools import needs

Done = subprocess.CompletedProcess[str]
Here = Callable[..., Done]

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
READER = """
class Sms:
    def __init__(self, id):
        self.id = id

def read(response):
    if "creatorId" in response:
        raise ValueError("no field creatorId")
    return response["id"]
"""
PLAIN = {
    "timeline": ["timeline"],
    "rules": ["rules"],
    "explain": ["explain", "message-id-kept"],
    "faults": ["sandbox", "--fault", "list"],
}
REFUSED = {
    "verify": ["verify", "--fuzz", "none"],
    "consumer": ["consumer", "no_such_module:read"],
    "validate": ["validate"],
    "explain": ["explain", "no-such-rule"],
    "sandbox": ["sandbox", "--port", "x"],
}


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "reader_here.py").write_text(READER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PLAIN)
def test_document_keeps_its_schema(name: str, here: Here) -> None:
    done = here(*PLAIN[name], "--json")
    assert (done.returncode, problems(name, json.loads(done.stdout))) == (0, [])


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_keeps_the_schema_of_its_command(name: str, here: Here) -> None:
    done = here(*REFUSED[name], "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["outcome"]) == (2, "usage error")
    assert problems(name, document) == []


def _check(here: Here, *words: str) -> dict[str, Any]:
    done = here("consumer", *words)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.usefixtures("reader")
def test_replay_of_a_consumer_finds_the_same_again(here: Here) -> None:
    words = ("reader_here:read", "--payloads", "5", "--accept", "/x", "--accept", "")
    found = _check(here, *words, "--report", "out", "--json")
    program, command, *replay = shlex.split(found["replay"])
    assert (program, command) == ("retry-contract", "consumer")
    assert [word for word in replay if word not in words] == ["--seed", str(found["seed"])]
    again = _check(here, *replay, "--json")
    assert again | {"seconds": 0} == found | {"seconds": 0}
    assert json.loads(Path("out", "report.json").read_text("utf-8")) == found
    assert found["next"].startswith("In the scenario after: ")
    assert found["next"].endswith(". Then try it again.")


@pytest.mark.usefixtures("reader")
def test_replay_holds_no_key_no_value_and_no_phone_number(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTMAN_API_KEY", "key_test_Q7xk3fJ0pLm9ZtW2")
    command = "sh -c 'exit 3' key_test_Q7xk3fJ0pLm9ZtW2 6590001234"
    values = json.dumps({"name": "Zebediah O'Quimby"})
    words = ("--exec", command, "--per-payload", "--payloads", "1", "--values", values)
    found = _check(here, *words, "--json")
    replay = found["replay"]
    assert [s for s in ("Q7xk3f", "65900") if s in json.dumps(found)] == []
    assert "Quimby" not in replay
    given = shlex.split(replay)
    assert "--per-payload" in given
    assert json.loads(given[given.index("--values") + 1]) == {"name": "[masked]"}


@pytest.mark.usefixtures("reader")
def test_consumer_that_is_ready_has_nothing_to_do(here: Here) -> None:
    found = _check(here, "json:dumps", "--payloads", "5", "--json")
    assert (found["outcome"], found["replay"], found["next"]) == ("ready", None, None)


def test_documented_line_of_jq_prints_the_causes(command: Any, tmp_path: Path) -> None:
    jq = needs("jq")
    (line,) = re.findall(r"`jq -r '(.*)' reports/report\.json`", PAGE.read_text("utf-8"))
    words = ["verify", "--contract", "after", "--fuzz", "0", "--report", "reports"]
    command(
        *(*words, "--", "-p", "faulty"),
        cwd=tmp_path,
        env={"RETRY_CONTRACT_FAULT": "creator-id-missing"},
    )
    report = tmp_path / "reports" / "report.json"
    done = subprocess.run(
        [jq, "-r", line, report], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[0] == "/creatorId absent, not a non-empty string"


def test_page_names_every_schema() -> None:
    from support.json_schemas import SCHEMAS

    page = PAGE.read_text("utf-8")
    names = [path.name.partition(".")[0] for path in SCHEMAS.iterdir()]
    assert [name for name in names if f"`{name}`" not in page] == []
