"""What action.yml runs: installs the kit from its checkout, runs a command of it, sets the outputs.

It is started by whatever Python a runner has: the syntax is that of 3.8, and nothing is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST_PYTHON = (3, 11)
OUTCOMES = ("kept", "broken", "usage error", "not tested")
READINESS = ("ready", "not ready", "usage error", "not tested")
WITH_VERDICT = ("verify", "validate", "consumer")
USAGE_ERROR, NOT_TESTED = 2, 3
CHECKOUT = Path(__file__).resolve().parents[2]
CONTENT = ("pyproject.toml", "README.md", "src", "schemas", "contract_tests")
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


class UsageError(Exception):
    """An input that cannot be used; the message says what to give instead."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of the action. `report` is empty where no reports are asked for."""

    command: str
    args: tuple[str, ...]
    report: str
    warns: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command line."""
        # Before the others: behind a `--` they would be pytest's.
        report = ("--report", self.report) if self.report else ()
        return (self.command, *report, *self.args)


def read_inputs(environment: Mapping[str, str]) -> Inputs:
    """Read the inputs. Raises UsageError."""
    command = environment.get("ACTION_COMMAND", "").strip()
    if not re.fullmatch("[a-z]+", command):
        raise UsageError("command: give the name of a subcommand, such as verify")
    not_tested = environment.get("ACTION_NOT_TESTED", "").strip()
    if not_tested not in ("fail", "warn"):
        raise UsageError("not-tested: give fail or warn")
    report = environment.get("ACTION_REPORT", "").strip()
    if not report.isprintable():
        raise UsageError("report: the folder's name has a line break or a control character")
    args = _split(environment.get("ACTION_ARGS", ""))
    own = args[: args.index("--")] if "--" in args else args
    if any(re.fullmatch("--help|--version|-[A-Za-z]*h[A-Za-z]*", word) for word in own):
        raise UsageError("args: --help and --version check nothing, and would pass; leave them out")
    if report and any(word.partition("=")[0] == "--report" for word in own):
        raise UsageError("args: --report is there, and input report too; give one of them")
    return Inputs(command, args, report, not_tested == "warn")


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise UsageError("args: a quotation mark is not closed") from None


def outcome_name(command: str, code: int) -> str:
    """Return the outcome that an exit code stands for; of any other code, nothing was tested.

    A command that says nothing of a service or of code has none where it passes.
    """
    names = READINESS if command == "consumer" else OUTCOMES
    if command not in WITH_VERDICT and code == 0:
        return ""
    return names[code] if 0 <= code < len(names) else names[NOT_TESTED]


def command_line(level: str, title: str, text: str) -> str:
    """Return a command of GitHub's runner that shows an annotation."""
    data = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} title={title}::{data}"


def environment_folder(temporary: Path) -> Path:
    """Return the folder of the kit's own environment: one for each content and each Python."""
    content = hashlib.sha256(f"{sys.executable} {sys.version}".encode())
    for file in sorted(_files()):
        content.update(f"\0{file.relative_to(CHECKOUT)}\0".encode())
        content.update(file.read_bytes())
    return temporary / f"retry-contract-{content.hexdigest()[:16]}"


def _files() -> Iterator[Path]:
    for path in (CHECKOUT / name for name in CONTENT):
        files = path.rglob("*") if path.is_dir() else [path]
        yield from (f for f in files if f.is_file() and "__pycache__" not in f.parts)


def install(folder: Path) -> None:
    """Install the kit into a new environment, if it is not there. Raises UsageError."""
    done = folder / "installed"
    if done.exists():
        return
    made = subprocess.run([sys.executable, "-I", "-m", "venv", "--clear", str(folder)], check=False)
    if made.returncode:
        how = "install it (on Debian, python3-venv), or name another Python by input python"
        raise UsageError(f"{sys.executable} cannot make an environment, its venv is missing: {how}")
    pip = [*_python(folder), "-I", "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-input", f"{CHECKOUT}[sandbox]"]
    if subprocess.run(pip, check=False).returncode:
        how = "see above; a package index of your own is named by PIP_INDEX_URL"
        raise UsageError(f"the kit could not be installed by pip: {how}")
    done.touch()


def _python(folder: Path) -> list[str]:
    return [str(folder / SCRIPTS / "python")]


def run(folder: Path, words: Sequence[str]) -> int:
    """Run a command of the kit, hand on the signals that end it, and return its exit code."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ACTION_")}
    # For `sandbox --run "retry-contract verify"`; last, so that `python` stays the user's.
    environment["PATH"] = f"{environment.get('PATH', '')}{os.pathsep}{folder / SCRIPTS}"
    start = [*_python(folder), "-P", "-m", "retry_contract", *words]
    with subprocess.Popen(start, env=environment) as child:
        if os.name != "nt":  # where the console hands them on
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda received, _: child.send_signal(received))
        code = child.wait()
    return code if code >= 0 else 128 - code  # as a shell says that a signal ended it


def set_outputs(command: str, code: int, report: str, environment: Mapping[str, str]) -> None:
    """Append the outputs to the file that the runner reads; a folder only if it is there."""
    report = report if report and Path(report).is_dir() else ""
    lines = (f"outcome={outcome_name(command, code)}", f"exit-code={code}", f"report={report}")
    with Path(environment["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def prepare(environment: Mapping[str, str]) -> tuple[Inputs, Path]:
    """Read the inputs, and install the kit into the folder that is returned. Raises UsageError."""
    if sys.version_info < OLDEST_PYTHON:
        has = ".".join(map(str, sys.version_info[:2]))
        raise UsageError(f"python: the kit needs Python 3.11 or later, and this is {has}")
    inputs = read_inputs(environment)
    folder = environment_folder(Path(environment["RUNNER_TEMP"]))
    install(folder)
    return inputs, folder


def main() -> int:
    """Run the action, and return its exit code."""
    try:
        inputs, folder = prepare(os.environ)
    except UsageError as error:
        print(command_line("error", "retry-contract", str(error)), flush=True)
        set_outputs("", USAGE_ERROR, "", os.environ)
        return USAGE_ERROR
    code = run(folder, inputs.words)
    set_outputs(inputs.command, code, inputs.report, os.environ)
    if code == NOT_TESTED and inputs.warns:
        text = "nothing was tested; the job goes on, because not-tested is warn"
        print(command_line("warning", "retry-contract", text), flush=True)
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
