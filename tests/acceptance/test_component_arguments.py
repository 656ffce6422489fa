"""The script of GitLab's component: its arguments are words and no code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.gitlab import TEMPLATE, clean, script, write_program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")

Done = subprocess.CompletedProcess[str]
HOSTILE = "feature/$(touch ran)`touch ran`;touch ran&\"'\ntouch ran --endpoint elsewhere"
_SHOW = """import json, os, sys
endpoint = os.environ.get("RETRY_CONTRACT_ENDPOINT")
print(json.dumps({"words": sys.argv[1:], "endpoint": endpoint}))
"""


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment whose `retry-contract` shows what it was started with."""
    folder = tmp_path_factory.mktemp("kit")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    program = folder / "bin" / "retry-contract"
    program.write_text(f"#!{folder}/bin/python\n{_SHOW}", encoding="utf-8")
    program.chmod(0o755)
    return folder


def run(kit: Path, folder: Path, args: str, command: str = "verify", **variables: str) -> Done:
    """Run the last step of the job's script: the one that starts the command."""
    inputs = {"RETRY_JOB_ARGS": args, "RETRY_JOB_COMMAND": command, "RETRY_JOB_REPORT": "report"}
    return subprocess.run(
        ["sh", "-e", "-c", script()[-1]],
        cwd=folder,
        env=clean(kit=str(kit), **inputs, **variables),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("", []),
        ("--contract after\n--fuzz 0", ["--contract", "after", "--fuzz", "0"]),
        ("""--values '{"due": "24 Feb"}'""", ["--values", '{"due": "24 Feb"}']),
        ("--ignore $NAME", ["--ignore", HOSTILE]),
        ('--ignore="${NAME}"', [f"--ignore={HOSTILE}"]),
        ("--exec 'a $$b'; c | d > e", ["--exec", "a $b;", "c", "|", "d", ">", "e"]),
        ("--endpoint '`touch ran`'", ["--endpoint", "`touch ran`"]),
    ],
)
def test_args_are_words_and_no_code(args: str, words: list[str], kit: Path, tmp_path: Path) -> None:
    done = run(kit, tmp_path, args, NAME=HOSTILE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["words"] == ["verify", "--report", "report", *words]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("--endpoint $UNSET", "the variable UNSET is not set in this job"),
        ("--message $(touch ran)", "a $ begins no name of a variable"),
        ("--message 'open", "a quotation mark is not closed"),
        ("--help", "--help and --version check nothing"),
        ("-vh", "--help and --version check nothing"),
        ("--report other", "the folder of the report is the input report"),
        ("--report=other", "the folder of the report is the input report"),
        ("--fuzz 0 $OPTION", "the value of $OPTION begins with -, and would be an option"),
    ],
)
def test_args_that_cannot_be_taken_are_a_usage_error(
    args: str, said: str, kit: Path, tmp_path: Path
) -> None:
    done = run(kit, tmp_path, args, OPTION="--ignore=status-is-201")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"retry-contract: args: {said}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "given", "endpoint"),
    [
        ("verify", {}, ""),
        ("verify", {"RETRY_CONTRACT_ENDPOINT": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ("consumer", {}, None),
    ],
)
def test_unset_endpoint_is_an_empty_one(
    command: str, given: dict[str, str], endpoint: str | None, kit: Path, tmp_path: Path
) -> None:
    done = run(kit, tmp_path, "", command, **given)
    assert json.loads(done.stdout)["endpoint"] == endpoint


@pytest.mark.parametrize("fails", ["venv", "pip"])
def test_failed_installation_is_a_usage_error(fails: str, tmp_path: Path) -> None:
    python = f"""#!/bin/sh
mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
[ "$2" != {fails} ]
"""
    write_program(tmp_path / "bin" / "python3", python)
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(script()[:-1])],
        cwd=tmp_path,
        env=clean(PATH=path, TMPDIR=str(temporary), RETRY_JOB_PACKAGE="kit.whl"),
    )
    assert done.returncode == 2
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("written", [True, False])
def test_job_links_the_page_that_was_written(written: bool, tmp_path: Path) -> None:
    job = "https://gitlab.example/team/sms/-/jobs/1"
    folder = tmp_path / "report"
    folder.mkdir()
    if written:
        (folder / "report.html").touch()
    environment = clean(RETRY_JOB_REPORT="report", CI_JOB_URL=job)
    after = ["sh", "-e", "-c", *script("after_script")]
    subprocess.run(after, cwd=tmp_path, env=environment, check=True)
    assert (folder / "annotations.json").exists() is written
    if written:
        links = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
        url = f"{job}/artifacts/file/report/report.html"
        link = {"external_link": {"label": "report.html", "url": url}}
        assert links == {"retry-contract": [link]}


def test_no_input_is_part_of_a_script() -> None:
    assert "inputs." not in "".join(script() + script("after_script"))
    assert '{value: "$[[ inputs.args ]]", expand: false}' in TEMPLATE.read_text(encoding="utf-8")
