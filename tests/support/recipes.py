"""The recipes of docs/sandbox.md and docs/pipeline.md, and a place to run them in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.started import variables_in

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
PIPELINE = PAGE.with_name("pipeline.md")
_BLOCK = re.compile(r"^```(bash|yaml|groovy)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OURS = ("RETRY_CONTRACT_", "POSTMAN_")
PATIENCE = 60
Done = subprocess.CompletedProcess[str]

_SANDBOX = f"""#!/bin/sh
exec "{sys.executable}" -m retry_contract "$@" $MORE_OPTIONS
"""
_TOOL = """#!/bin/sh
tool=$(basename "$0")
env > "$SEEN/$tool.env"
echo "$@" > "$SEEN/$tool.arguments"
[ "$tool" = pip ] || eval "$DO"
"""


def recipes(heading: str, language: str = "bash", page: Path = PAGE) -> list[str]:
    """Return the blocks of a section, in order."""
    text = page.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [code for found, code in _BLOCK.findall(text) if found == language]


def job(heading: str) -> dict[str, Any]:
    """Return the job of GitLab in a section."""
    (text,) = recipes(heading, "yaml")
    (found,) = yaml.safe_load(text).values()
    assert isinstance(found, dict)
    return found


@dataclass(frozen=True)
class Place:
    """An empty folder, and an environment in which a recipe runs as it is written."""

    folder: Path
    seen: Path
    environment: Mapping[str, str]

    def has_run(self, tool: str) -> bool:
        """Return whether a stand-in has run."""
        return (self.seen / f"{tool}.env").exists()

    def variables(self, tool: str) -> dict[str, str]:
        """Return the sandbox's variables that a stand-in has seen."""
        lines = (self.seen / f"{tool}.env").read_text(encoding="utf-8").splitlines()
        return variables_in("\n".join(line for line in lines if line.startswith(_OURS)))

    def arguments(self, tool: str) -> str:
        """Return what a stand-in was started with."""
        return (self.seen / f"{tool}.arguments").read_text(encoding="utf-8").strip()

    def run(self, script: str, shell: str = "bash", **more: str) -> Done:
        """Run a script to its end. `DO` is what the stand-ins of build tools do then."""
        return subprocess.run(
            [shell, "-c", script],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )


def place(folder: Path, shell: Mapping[str, str], *tools: str) -> Place:
    """Return a place with stand-ins of these tools, which note what they see."""
    programs, seen, project = folder / "bin", folder / "seen", folder / "project"
    for new in (programs, seen, project):
        new.mkdir()
    for name in ("retry-contract", *tools):
        program = programs / name
        program.write_text(_SANDBOX if name == "retry-contract" else _TOOL, encoding="utf-8")
        program.chmod(0o755)
    own = {
        "PATH": os.pathsep.join([str(programs), shell["PATH"]]),
        "HOME": str(folder),
        "SEEN": str(seen),
    }
    return Place(project, seen, {**shell, **own})
