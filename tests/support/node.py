"""Packages of node, and payloads checked by one of them: ajv, in strict mode."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.tools import missing, needs

AJV = Path(__file__).resolve().parent / "ajv"
GENERATORS = AJV.parent / "generators"


def ajv(schemas: Mapping[str, Any], payloads: Sequence[Any], folder: Path) -> dict[str, list[bool]]:
    """Return whether each payload is valid, by schema."""
    node = installed_for_node(AJV, folder)
    asked = json.dumps({"schemas": schemas, "payloads": payloads})
    told = subprocess.run(
        [node, "validate.mjs"], cwd=folder, input=asked.encode(), check=True, stdout=subprocess.PIPE
    )
    verdicts: dict[str, list[bool]] = json.loads(told.stdout)
    return verdicts


def installed_for_node(source: Path, folder: Path) -> str:
    """Install a package of node's into a copy of it, and return node's path."""
    node, npm = needs("node"), needs("npm")
    left_out = shutil.ignore_patterns("node_modules")
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=left_out)
    install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        missing("npm cannot install: does its registry respond?")
    return node
