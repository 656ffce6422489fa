"""Sessions of plain pytest, each in a process of its own, and what they leave behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ("-p", "retry_contract.plugin")
KEPT = "KEPT by the built-in model of the page; no service was contacted."


@dataclass(frozen=True)
class Session:
    """What a pytest session left behind: `verdicts` are passed, failed or skipped, by test."""

    exit_code: int
    output: str
    errors: str
    verdicts: dict[str, str]
    folder: Path

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.verdicts.values())

    @property
    def closing(self) -> list[str]:
        """The counts by section of the plugin's last lines, and its outcome."""
        section = self.output.partition(" retry-contract ===")[2]
        found = r"^(?:\S.* [0-9]+ of [0-9]+ .*|(?:KEPT|BROKEN|NOT TESTED|USAGE ERROR)\b.*)$"
        return re.findall(found, section, re.MULTILINE)

    def named(self, verdict: str) -> set[str]:
        """The tests that have a verdict."""
        return {name for name, found in self.verdicts.items() if found == verdict}


@dataclass(frozen=True)
class Asked:
    """A session to run. `plugin` is the source of a plugin to load, `cache` pytest's own folder.

    Without `junit` pytest is not asked for junit.xml.

    Of the plugins installed, only xdist is loaded where it is asked for, unless `every_plugin` is.
    """

    arguments: tuple[str, ...]
    plugin: str = ""
    every_plugin: bool = False
    cwd: Path = ROOT
    cache: Path | None = None
    junit: bool = True
    variables: Mapping[str, str] | None = None


def ask(*arguments: str, fuzz: int = 0, **how: Any) -> Asked:
    """Ask for a session of the contract tests; by default no case is generated."""
    return Asked(("contract_tests", f"--contract-fuzz={fuzz}", *arguments), **how)


def run_session(folder: Path, asked: Asked) -> Session:
    """Run a session, whose plugin, report and cache lie in the folder: {folder} in arguments."""
    (folder / "extra_plugin.py").write_text(textwrap.dedent(asked.plugin), encoding="utf-8")
    left_out = ("PYTEST_", "RETRY_", "PYTHONDONTWRITEBYTECODE")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(left_out)},
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(folder)]),
        "NO_COLOR": "1",
        "COLUMNS": "200",
        **({} if asked.every_plugin else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        **(asked.variables or {}),
    }
    arguments = [argument.replace("{folder}", str(folder)) for argument in asked.arguments]
    junit = folder / "junit.xml"
    options = ["-p", "extra_plugin", "-o", "addopts="]
    options += [f"--junitxml={junit}"] if asked.junit else []
    options += ["-o", f"cache_dir={asked.cache or folder / 'cache'}", "--import-mode=importlib"]
    if "-n" in asked.arguments and not asked.every_plugin:
        options += ["-p", "xdist.plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=asked.cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Session(done.returncode, done.stdout, done.stderr, _verdicts(junit), folder)


@contextmanager
def side_by_side(
    sessions: Mapping[str, Asked], new_folder: Callable[[], Path]
) -> Iterator[Callable[[str], Session]]:
    """Run sessions two at a time; each is waited for when it is first looked at, by name."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = {
            name: pool.submit(run_session, new_folder(), asked) for name, asked in sessions.items()
        }
        yield lambda name: futures[name].result()


def _verdicts(junit: Path) -> dict[str, str]:
    if not junit.is_file():
        return {}
    known = {"failure": "failed", "skipped": "skipped", "error": "error"}
    return {
        case.attrib.get("name", ""): next((known[c.tag] for c in case if c.tag in known), "passed")
        for case in ElementTree.parse(junit).iter("testcase")
    }
