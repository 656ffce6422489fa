"""Payloads judged by ajv, in strict mode, on node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

AJV = Path(__file__).resolve().parent / "ajv"


def ajv(schemas: Mapping[str, Any], payloads: Sequence[Any], folder: Path) -> dict[str, list[bool]]:
    """Return whether each payload is valid, by schema. Skips the test where ajv cannot be had."""
    node = _node(folder)
    if node is None:
        reason = "ajv cannot be asked: node, npm or npm's registry is not at hand"
        assert "RETRY_CONTRACT_REQUIRE_AJV" not in os.environ, reason
        pytest.skip(reason)
    asked = json.dumps({"schemas": schemas, "payloads": payloads})
    told = subprocess.run(
        [node, "judge.mjs"], cwd=folder, input=asked.encode(), check=True, stdout=subprocess.PIPE
    )
    verdicts: dict[str, list[bool]] = json.loads(told.stdout)
    return verdicts


def _node(folder: Path) -> str | None:
    """Install ajv into a folder, and return the path of node; None if it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    shutil.copytree(AJV, folder, dirs_exist_ok=True)
    install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return node
