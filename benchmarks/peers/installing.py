"""Installs a peer from its registry into a folder of its own, once."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from peers import Peer
from running import run

SECONDS = 600
"""What one installation may take at the most."""


@dataclass(frozen=True)
class Installed:
    """Where a tool is and its version, or the problem, in one line, that it is not there for."""

    home: Path
    version: str = ""
    problem: str | None = None


def default_cache() -> Path:
    """The folder for caches of this user, and in it one of our own."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(folder or Path.home() / ".cache") / "retry-contract-peers"


def install(peer: Peer, cache: Path) -> Installed:
    """Install a tool unless it is there; what is no npm package comes with this project."""
    if not peer.packages:
        return Installed(cache, importlib.metadata.version(peer.module))
    home = cache / re.sub(r"\W+", "-", peer.packages[0]).strip("-")
    for program in ("npm", *peer.needs):
        if shutil.which(program) is None:
            return Installed(home, problem=f"there is no {program} on this machine")
    manifest = home / "node_modules" / peer.packages[0] / "package.json"
    if not manifest.exists():
        home.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(home)]
        try:
            done = run([*words, *peer.packages], home, SECONDS)
        except TimeoutError as reason:
            return Installed(home, problem=str(reason))
        if done.code:
            return Installed(home, problem=_problem(done.output))
    return Installed(home, json.loads(manifest.read_text(encoding="utf-8"))["version"])


def _problem(output: str) -> str:
    lines = [line for line in output.splitlines() if "error" in line.lower()]
    return (lines or output.splitlines() or ["npm said nothing"])[0].strip()[:200]
