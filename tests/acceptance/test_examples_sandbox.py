"""The files of examples/sandbox, which a team copies into its tests in Java or Node."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.started import is_running
from support.tools import needs

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "sandbox"
COPIED = {"java": "Sandbox.java", "node": "sandbox.mjs"}
TESTS = {"java": ["SandboxTest"], "node": ["--test", str(EXAMPLES / "sandbox.test.mjs")]}
LIMIT = 120
Done = subprocess.CompletedProcess[str]

# What the tests below run with a copied file, in each language: {options} starts one, and {body}
# has it as `sandbox`.
PROGRAM = {
    "java": """
public class Program {{
  public static void main(String[] arguments) throws Exception {{
    Sandbox sandbox = Sandbox.{start}({options});
    {body}
  }}
}}
""",
    "node": """
import {{ {start} }} from "./sandbox.mjs";
const sandbox = await {start}({options});
{body}
""",
}
PRINT = {
    "java": "System.out.println(sandbox.endpoint());",
    "node": "console.log(sandbox.endpoint);",
}
WAIT = {
    "java": "Thread.sleep(60_000);",
    "node": "await new Promise((end) => setTimeout(end, 60_000));",
}
EXIT = {"java": "System.exit(3);", "node": "process.exit(3);"}
ENDS = {"returns": {"java": "", "node": ""}, "exits": EXIT, "SIGTERM": WAIT, "SIGKILL": WAIT}


@pytest.fixture(params=COPIED)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled classes of both Java files, and their sources."""
    folder = tmp_path_factory.mktemp("classes")
    compile_java(*EXAMPLES.glob("*.java"), to=folder)
    return folder


def compile_java(*sources: Path, to: Path) -> None:
    words = [needs("javac"), "--release", "11", "-cp", str(to), "-d", str(to), *map(str, sources)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def tests(language: str, request: pytest.FixtureRequest) -> list[str]:
    """The command that runs the tests next to a copied file."""
    if language == "node":
        return [needs("node"), *TESTS["node"]]
    return [needs("java"), "-ea", "-cp", str(request.getfixturevalue("classes")), *TESTS["java"]]


@pytest.fixture
def program(
    language: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[..., list[str]]:
    """Return the command of a program that starts a sandbox with options and does something."""

    def write(body: str, *options: str, start: str = "start") -> list[str]:
        quoted = ", ".join(f'"{option}"' for option in options)
        text = PROGRAM[language].format(start=start, options=quoted, body=body)
        if language == "node":
            shutil.copy(EXAMPLES / "sandbox.mjs", tmp_path)
            (tmp_path / "program.mjs").write_text(text, encoding="utf-8")
            return [needs("node"), str(tmp_path / "program.mjs")]
        (tmp_path / "Program.java").write_text(text, encoding="utf-8")
        shutil.copytree(request.getfixturevalue("classes"), tmp_path, dirs_exist_ok=True)
        compile_java(tmp_path / "Program.java", to=tmp_path)
        return [needs("java"), "-cp", str(tmp_path), "Program"]

    return write


@pytest.fixture
def environment(shell: dict[str, str]) -> dict[str, str]:
    """A clean environment that names this environment's command."""
    return {**shell, "RETRY_CONTRACT": f"{sys.executable} -m retry_contract"}


def run(words: list[str], environment: dict[str, str]) -> Done:
    return subprocess.run(
        words,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
    )


def as_command_of_a_sandbox(command: list[str], *options: str) -> list[str]:
    """Return the command that runs another one with a sandbox in its environment."""
    served = [sys.executable, "-m", "retry_contract", "sandbox", "--port", "0", *options]
    return [*served, "--fail-after", "60", "--run", shlex.join(command)]


@pytest.mark.slow
def test_tests_pass_with_a_sandbox_of_their_own(
    tests: list[str], environment: dict[str, str]
) -> None:
    done = run(tests, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^ *ok ", done.stdout, re.MULTILINE)) >= 11


@pytest.mark.slow
def test_tests_pass_as_the_command_of_a_sandbox(
    tests: list[str], environment: dict[str, str]
) -> None:
    done = run(as_command_of_a_sandbox(tests), environment)
    assert done.returncode == 0, done.stdout + done.stderr


MISBEHAVES = """
import runpy, sys
sys.argv += ["--fault", "id-changed"]
runpy.run_module("retry_contract", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
def test_tests_notice_a_service_that_misbehaves(
    tests: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "started.py").write_text(MISBEHAVES, encoding="utf-8")
    environment["RETRY_CONTRACT"] = f"{sys.executable} {tmp_path / 'started.py'}"
    assert run(tests, environment).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_there", [True, False])
def test_sandbox_that_is_there_is_used(
    is_there: bool,
    language: str,
    program: Callable[..., list[str]],
    environment: dict[str, str],
) -> None:
    words = program(PRINT[language], start="fromEnvironment")
    done = run(as_command_of_a_sandbox(words) if is_there else words, environment)
    if is_there:
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("http://127.0.0.1:")
    else:
        assert done.returncode == 1
        assert "RETRY_CONTRACT_SANDBOX is not set" in done.stderr


METHODS = r"^  (?:async )?([a-z]\w+)(?: = |\()|^    this\.(\w+) ="


def test_types_are_those_of_the_file() -> None:
    """`tsc` is run by hand: it is large, and the tests have no other use for it."""
    source, types = (
        (EXAMPLES / name).read_text(encoding="utf-8") for name in ("sandbox.mjs", "sandbox.d.mts")
    )
    _, _, body = source.partition("class Sandbox {")
    members = {name for found in re.findall(METHODS, body, re.MULTILINE) for name in found if name}
    _, _, declared = types.partition("interface Sandbox {")
    named = re.findall(r"^  (?:readonly )?(\w+)[(:]", declared, re.MULTILINE)
    assert members - {"constructor"} == set(named)


STARTED = """
import os, pathlib, runpy, sys
pathlib.Path({pid!r}).write_text(str(os.getpid()))
runpy.run_module("retry_contract", run_name="__main__", alter_sys=True)
"""
"""A command that says which process it is."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("end", ENDS)
def test_no_sandbox_outlives_its_test(
    end: str,
    language: str,
    program: Callable[..., list[str]],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "started.py").write_text(STARTED.format(pid=str(pid)), encoding="utf-8")
    environment["RETRY_CONTRACT"] = f"{sys.executable} {tmp_path / 'started.py'}"
    words = program(PRINT[language] + ENDS[end][language])
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        if end.startswith("SIG"):
            process.send_signal(signal.Signals[end])
        process.wait(LIMIT)
    deadline = time.monotonic() + 20
    while is_running(pid.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


MISTAKES = {
    "--contract befor": "--contract befor: no such contract; did you mean before?",
    "--frob": "unrecognized arguments",
}


@pytest.mark.slow
@pytest.mark.parametrize("options", MISTAKES)
def test_sandbox_that_does_not_start_says_why(
    options: str, program: Callable[..., list[str]], environment: dict[str, str]
) -> None:
    done = run(program("", *options.split()), environment)
    assert done.returncode == 1
    assert MISTAKES[options] in done.stderr


@pytest.mark.slow
def test_missing_command_is_named(
    program: Callable[..., list[str]], environment: dict[str, str]
) -> None:
    done = run(program(""), {**environment, "RETRY_CONTRACT": "no-such-command"})
    assert done.returncode == 1
    assert "no-such-command" in done.stderr


@pytest.mark.slow
def test_message_in_no_such_state_is_an_error(
    program: Callable[..., list[str]], environment: dict[str, str]
) -> None:
    done = run(program('sandbox.message("failed");'), environment)
    assert done.returncode == 1
    assert "no message in the state failed" in done.stderr


@pytest.mark.slow
def test_refusal_of_a_control_is_thrown_with_its_text(
    language: str, program: Callable[..., list[str]], environment: dict[str, str]
) -> None:
    body = {"java": 'sandbox.faults("no-respons");', "node": 'await sandbox.faults("no-respons");'}
    done = run(program(body[language]), environment)
    assert done.returncode == 1
    assert "PUT /faults: " in done.stderr
    assert "no-respons: no such fault; did you mean no-response?" in done.stderr


def block(language: str) -> str:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(code)


@pytest.mark.slow
def test_java_of_the_page_prints_what_it_says(
    classes: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    main = "public static void main(String[] arguments) throws Exception"
    text = f"public class Page extends SandboxTest {{ {main} {{\n{block('java')}}} }}"
    (tmp_path / "Page.java").write_text(text, encoding="utf-8")
    compile_java(tmp_path / "Page.java", to=classes)
    done = run([needs("java"), "-cp", str(classes), "Page"], environment)
    assert (done.returncode, done.stdout.split()) == (0, ["1"]), done.stderr


@pytest.mark.slow
def test_script_of_the_page_prints_what_it_says(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.copy(EXAMPLES / "sandbox.mjs", tmp_path)
    (tmp_path / "page.mjs").write_text(block("js"), encoding="utf-8")
    done = run([needs("node"), str(tmp_path / "page.mjs")], environment)
    assert (done.returncode, done.stdout.split()) == (0, ["false", "true"]), done.stderr


@pytest.mark.parametrize("name", COPIED.values())
def test_copied_file_is_short(name: str) -> None:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) < 80
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "path", sorted({*EXAMPLES.iterdir()} - {EXAMPLES / "sandbox.d.mts"}), ids=lambda path: path.name
)
def test_nothing_is_imported_but_what_comes_with_the_language(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".java":
        imports = re.findall(r"^import (?:static )?([\w.*]+);", text, re.MULTILINE)
        others = [name for name in imports if not name.startswith("java.")]
    else:
        assert not re.search(r"\b(require|import)\(", text)
        imports = re.findall(r'^import .* from "(.*)";', text, re.MULTILINE)
        others = [name for name in imports if not name.startswith(("node:", "./sandbox"))]
    assert imports
    assert others == []
