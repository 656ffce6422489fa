"""`retry-contract consumer`, as a user runs it on code of their own."""

from __future__ import annotations

import json
import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support.tools import needs

from retry_contract import violations

Done = CompletedProcess[str]
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "consumers"
READY = "READY for after-2025-02-24 (in force since 24 Feb 2025)"
FEW = ("--payloads", "40", "--seed", "1")
ONE = ("--payloads", "1")

APP = """
import datetime, os, sys, threading
from dataclasses import dataclass

@dataclass
class Known:
    id: str
    latestStatus: str

def tolerant(response): return Known(response["id"], response["latestStatus"])
def closed(response): return Known(**response)
def later(response: dict): return response["creatorId"]
def due(response): return datetime.datetime.strptime(response["values"]["due"], "%d %b %Y")
def nothing(response): raise TypeError("always")
def apostrophe(response):
    if "'" in "".join(response["values"].values()): raise ValueError("an apostrophe")
def instant(response):
    if response["createdAt"] == response["updatedAt"]: raise ZeroDivisionError("no time passed")

def prints(response):
    print("x" * 100_000); print("ok", flush=True); os.write(1, b"error of mine\\n")
    return sys.stdin.read(), response["id"]
def exits(response): sys.exit(response["id"])
def interrupts(response): raise KeyboardInterrupt
def changes(response):
    found = dict(response)
    response.clear()
    return found
def threads(response):
    if threading.active_count() < 3: threading.Thread(target=threading.Event().wait).start()
    return response["id"]
def moves(response):
    assert os.path.exists("app.py")
    os.chdir("/")
    return response["id"]
def quits(response):
    if response["recipient"] != "6522222222": os._exit(7)
def hangs(response):
    if "creatorId" in response: threading.Event().wait()
def quotes(response): raise ValueError(os.environ["AGENCY_KEY"])
def quotes_late(response): raise ValueError("x" * 275 + os.environ["AGENCY_KEY"])
def leaks_the_key(response):
    key = os.environ["AGENCY_KEY"]
    text = "nothing " * 5 + (key if "creatorId" in response else "key_test_none")
    return {"id": response["id"], "key": text, key: len(response)}
def counts(response, calls=[]):
    calls.append(1)
    return {"call": len(calls), "id": response["id"]}
async def awaits(response): return response["id"]
def yields(response):
    yield response["unknown"]
header = []
def learns(response):
    if not header: header.extend(response)
    if set(header) != set(response): raise ValueError("another header than that of the file")
    return response["id"]
known = {}
def inserts(response):
    if response["id"] in known: raise ValueError("a row of that id is there already")
    known[response["id"]] = response["latestStatus"]
    return response["id"]
def caches(response):
    if response["id"] not in known: known[response["id"]] = unknowing(**response)
    return known[response["id"]]
def unknowing(creatorId=None, **others):
    assert creatorId is None
    return others
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    (tmp_path / "leaves.py").write_text("raise SystemExit(4)\n", encoding="utf-8")
    (tmp_path / "serves.py").write_text(
        "import os, socket\nSERVER = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "def consume(response): return response['id']\n"
    )
    (tmp_path / "dies.py").write_text("import os\nos._exit(5)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(app: Path, here: Callable[..., Done]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Try a consumer; return the exit code, and what is printed as JSON."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = here("consumer", *words, *FEW, "--json")
        return done.returncode, json.loads(done.stdout)

    return run


def scenario(document: dict[str, Any], name: str = "after") -> dict[str, Any]:
    return next(s for s in document["scenarios"] if s["scenario"] == name)


@pytest.mark.usefixtures("app")
def test_code_that_reads_by_name_is_ready(here: Callable[..., Done]) -> None:
    done = here("consumer", "app:tolerant", *FEW)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == READY
    assert "BREAKS" not in done.stdout


@pytest.mark.slow
def test_a_closed_model_is_not_ready(app: Path, here: Callable[..., Done]) -> None:
    text = APP.replace("    latestStatus: str", "    latestStatus: str = ''", 1)
    names = ("createdAt", "updatedAt", "recipient", "values", "fullMessage", "templateBodyId")
    fields = "".join(f"    {name}: object = None\n" for name in (*names, "campaignId"))
    (app / "app.py").write_text(text.replace("\ndef tolerant", fields + "\ndef tolerant", 1))
    done = here("consumer", "app:closed", *FEW, "--report", "reports")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, lines[0]) == (1, "", f"NOT {READY}")
    assert "It fails on every payload of after-2025-02-24, and reads before-2025-02-24." in lines
    assert any("unexpected keyword argument 'creatorId'" in line for line in lines)
    assert any(line.strip().startswith("to do     dataclass: ") for line in lines)
    report = json.loads((app / "reports" / "report.json").read_text("utf-8"))
    assert report["outcome"] == "not ready"
    assert scenario(report)["payload"]["creatorId"]
    summary = (app / "reports" / "summary.md").read_text("utf-8")
    assert f"NOT {READY}: `app:closed`" in summary
    assert "| paired | breaks on " in summary


@pytest.mark.slow
def test_the_values_of_a_template_may_be_given(check: Any) -> None:
    code, found = check("app:due")
    assert (code, found["outcome"]) == (1, "not ready")
    assert found["reason"].endswith("If it reads what fills your template, give --values.")
    assert check("app:due", "--values", '{"due": "24 Feb 2025"}')[0] == 0


@pytest.mark.slow
def test_code_that_fails_on_the_old_contract_only_is_told_apart(check: Any) -> None:
    code, found = check("app:later")
    assert (code, found["outcome"], found["reason"]) == (0, "ready", None)
    assert [s["verdict"] for s in found["scenarios"]][:2] == ["breaks", "ok"]
    code, found = check("app:nothing")
    assert (code, found["outcome"]) == (1, "not ready")
    assert found["reason"].startswith("It fails on every payload of both contracts")


@pytest.mark.parametrize(
    ("target", "field", "error"),
    [("apostrophe", "/values", "ValueError: "), ("instant", "/", "ZeroDivisionError: ")],
)
def test_an_oddity_is_found_and_shrunk_to_itself(
    target: str, field: str, error: str, check: Any
) -> None:
    code, found = check(f"app:{target}")
    shown = scenario(found)
    assert code == 1
    assert shown["error"].startswith(error)
    (oddity,) = shown["oddity"]
    assert oddity.startswith(field)
    payload = shown["payload"]
    assert violations(payload, "after") == ()
    assert payload["values"] == (
        {"name": "'"} if field == "/values" else {"name": "Test Recipient"}
    )
    assert (payload["createdAt"] == payload["updatedAt"]) is (target == "instant")


@pytest.mark.parametrize(
    ("target", "verdict", "error"),
    [
        ("prints", "ok", None),
        ("changes", "ok", None),
        pytest.param("threads", "ok", None, marks=pytest.mark.slow),
        ("moves", "ok", None),
        pytest.param("counts", "ok", None, marks=pytest.mark.slow),
        pytest.param("awaits", "ok", None, marks=pytest.mark.slow),
        ("exits", "breaks", "SystemExit: message_"),
        pytest.param(
            "interrupts", "breaks", "KeyboardInterrupt: raised by the code", marks=pytest.mark.slow
        ),
        pytest.param("quits", "breaks", "ended with exit status 7", marks=pytest.mark.slow),
        pytest.param("yields", "breaks", "KeyError: 'unknown'", marks=pytest.mark.slow),
    ],
)
def test_whatever_the_code_does_it_gets_a_verdict(
    target: str, verdict: str, error: str | None, check: Any
) -> None:
    folder = Path.cwd()
    code, found = check(f"app:{target}")
    shown = scenario(found)
    assert (code, shown["verdict"]) == (0 if error is None else 1, verdict)
    assert error is None or shown["error"].startswith(error)
    assert Path.cwd() == folder


def test_a_cache_hides_no_failure(check: Any) -> None:
    code, found = check("app:caches")
    shown = scenario(found)
    assert (code, shown["verdict"], shown["failed"]) == (1, "breaks", 1)
    assert shown["error"].startswith("AssertionError")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "error"), [("inserts", "a row of that id is there"), ("learns", "another header")]
)
def test_what_depends_on_what_was_read_before_is_not_tested(
    target: str, error: str, check: Any
) -> None:
    code, found = check(f"app:{target}")
    shown = scenario(found)
    assert (code, found["outcome"], shown["verdict"]) == (3, "not tested", "not tested")
    assert shown["error"].startswith(f"it depends on what was read before: ValueError: {error}")
    assert shown["advice"].startswith("let it forget between two payloads")


@pytest.mark.slow
def test_a_module_that_only_one_process_can_import_is_tried(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PORT", str(server.getsockname()[1]))
    assert check("serves:consume")[0] == 0


@pytest.mark.slow
def test_a_hang_ends_with_the_timeout(check: Any) -> None:
    code, found = check("app:hangs", "--timeout", "0.3")
    assert code == 1
    assert scenario(found, "before")["verdict"] == "ok"
    assert scenario(found)["error"] == "no line within 0.3 s"


@pytest.mark.slow
def test_the_api_key_is_in_no_output(
    here: Callable[..., Done], app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POSTMAN_API_KEY", "AGENCY_KEY"):  # of which only the former is taken out
        monkeypatch.setenv(name, "key_test_0123456789abcdef")
    done = here("consumer", "app:quotes", *FEW, "--report", "r")
    assert "ValueError: [masked]" in done.stdout
    late = here("consumer", "app:quotes_late", *FEW).stdout
    assert "xxx[masked" in late
    shown = here("consumer", "app:leaks_the_key", *FEW, "--report", "s")
    assert "/key is " in shown.stdout
    assert "[masked]" in shown.stdout
    written = [path.read_text("utf-8") for r in "rs" for path in (app / r).iterdir()]
    texts = (done.stdout, shown.stdout, late, *written)
    assert not any("key_test_01" in text for text in texts)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ["nowhere:parse", *ONE],
            "No module named 'nowhere'; it is looked for in this folder and in PYTHONPATH",
            marks=pytest.mark.slow,
        ),
        (["broken:parse", *ONE], "No module named 'nowhere_to_be_found' (at broken.py:1)"),
        pytest.param(
            ["leaves:parse", *ONE], "cannot be imported: SystemExit: 4", marks=pytest.mark.slow
        ),
        (["dies:parse", *ONE], "cannot be imported: the process ended with exit status 5"),
        pytest.param(
            ["app:parse", *ONE], "app was imported, but it has no parse", marks=pytest.mark.slow
        ),
        pytest.param(["app:sys.path", *ONE], "sys.path is no callable", marks=pytest.mark.slow),
        (["types:parse", *ONE], "types was imported, but it has no parse, for it is none of y"),
        (["app:Known", *ONE], "cannot be called with one argument, the response: missing a requ"),
        (["app"], "write package.module:callable"),
        ([], "give one of package.module:callable, --exec COMMAND"),
        (["app:tolerant", "--exec", "cat"], "give one of package.module:callable"),
        (["app:tolerant", "--per-payload"], "--per-payload goes with --exec"),
        (["app:tolerant", "--payloads", "many"], "--payloads many: give a whole number"),
        (["app:tolerant", "--payloads", "0"], "--payloads 0: give a whole number from 1 to 100000"),
        (["app:tolerant", "--payloads", "100001"], "100001: give a whole number from 1 to 100000"),
        (["app:tolerant", "--values", "{"], "--values: give a JSON object of strings, such as"),
        (["--client", "app:f", "--values", "{}"], "--values are for code that reads, not for a cl"),
        (["app:tolerant", "--accept", "n"], "--accept n: write a JSON Pointer, such as /count"),
        (["app:tolerant", "--accepted-when", "a:b"], "--accepted-when goes with --client TARGET"),
        (["--client-exec", "true", "--payloads", "5"], "--values are for code that reads, not for"),
        (
            ["--client-exec", "no-such-program"],
            "'no-such-program' is no program in the PATH; it is star",
        ),
        (["app:tolerant", "--timeout", "0"], "--timeout 0: give a number above 0"),
        (
            ["--exec", "no-such-program -v"],
            "'no-such-program' is no program in the PATH; it is started without a shell",
        ),
        (["--exec", "'"], "quote it as for a shell"),
        (["--exec", " "], "the target is empty: give package.module:callable, or a command"),
        (
            ["--exec", "cat", *ONE],
            'it wrote the line: {"createdAt"',
        ),
        pytest.param(
            ["--exec", "true", *ONE],
            "does not answer each payload: it must read lines",
            marks=pytest.mark.slow,
        ),
        (["--exec", "#"], "retry-contract consumer: '#' is no program"),
        (["--client", ""], "the target is empty"),
        ([""], "the target is empty"),
    ],
)
def test_what_cannot_be_tried_is_one_line(
    words: list[str], said: str, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retry_contract.cli.consumer._PATIENCE", 600)  # no note on a busy machine
    done = here("consumer", *words)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    (line,) = lines
    assert line.startswith("retry-contract consumer: ")
    assert ": :" not in line
    assert len(line) < 600
    assert said in line


@pytest.mark.usefixtures("app")
def test_what_lasts_says_so(here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retry_contract.cli.consumer._PATIENCE", 0)
    done = here("consumer", "app:tolerant", *FEW)
    note = "retry-contract consumer: still trying; with fewer --payloads it takes less time\n"
    assert (done.returncode, done.stderr) == (0, note)


@pytest.mark.slow
def test_what_cannot_be_tried_is_json_if_asked(check: Any) -> None:
    code, found = check("nowhere:parse")
    assert (code, found["outcome"]) == (2, "usage error")
    assert "cannot be imported" in found["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["prints", "threads", "exits", "moves"])
def test_the_real_command_ends_too(target: str, app: Path, command: Callable[..., Done]) -> None:
    done = command("consumer", f"app:{target}", *FEW, cwd=app)
    assert done.returncode == (target == "exits")
    assert done.stdout.startswith(f"{'NOT ' if target == 'exits' else ''}{READY}\n")
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code"), [("pydantic_plain", 0), ("marshmallow_default", 1), ("msgspec_forbid", 1)]
)
def test_a_library_is_recognised_by_the_real_command(
    name: str, code: int, command: Callable[..., Done]
) -> None:
    done = command("consumer", f"support.consumers:{name}", *FEW, cwd=ROOT / "tests")
    assert done.returncode == code, done.stdout + done.stderr
    assert bool(code) is ("to do     " in done.stdout)


@pytest.mark.parametrize(
    ("filter_", "code"),
    [("{id, latestStatus}", 0), pytest.param(".[2]", 1, marks=pytest.mark.slow)],
)
def test_a_filter_of_jq_is_a_consumer(filter_: str, code: int, check: Any) -> None:
    words = [needs("jq"), "-r", f'"ok " + ({filter_} | tojson)']
    assert check("--exec", shlex.join(words))[0] == code


@pytest.mark.slow
def test_a_command_may_be_started_once_a_payload(check: Any) -> None:
    words = [needs("jq"), "-e", 'if has("creatorId") then error("closed") else . end']
    code, found = check("--exec", shlex.join(words), "--per-payload", "--payloads", "0")
    assert (code, scenario(found, "before")["verdict"]) == (1, "ok")
    assert scenario(found)["error"].startswith("ended with exit status 5: jq: error")


@pytest.mark.slow
def test_the_api_key_is_not_in_the_target_either(
    here: Callable[..., Done], app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "key_test_0123456789abcdef"
    monkeypatch.setenv("POSTMAN_API_KEY", key)
    reader = shlex.join([sys.executable, str(EXAMPLES / "reader.py"), key])
    outputs = [
        here("consumer", "--exec", reader, *FEW, "--report", "r"),
        here("consumer", "--exec", reader, *FEW, "--json"),
        here("consumer", key),
        here("consumer", "--exec", f"no-such-program {key}"),
    ]
    assert [done.returncode for done in outputs] == [0, 0, 2, 2]
    written = [path.read_text("utf-8") for path in (app / "r").iterdir()]
    assert not any(key in text for done in outputs for text in (done.stdout, done.stderr, *written))
