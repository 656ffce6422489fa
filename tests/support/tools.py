"""What a test needs and a machine may lack: the test is skipped, and in the pipeline it fails."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test; fail it where the environment says that nothing may be missing."""
    assert "TESTS_REQUIRE_TOOLS" not in os.environ, reason
    pytest.skip(reason)


def needs(program: str) -> str:
    """Return the path of a program."""
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not installed")
    return path


def installed(program: str) -> str:
    """Return the path of a program that a package of this environment has."""
    path = shutil.which(program, path=str(Path(sys.executable).parent))
    return path or needs(program)
