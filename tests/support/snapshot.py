"""What a clone would hold if all of the working tree were committed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = ("user.name=test", "user.email=test@example", "commit.gpgsign=false")
_GIT = ("git", *(word for setting in _SETTINGS for word in ("-c", setting)))


def copy_of_the_checkout(folder: Path) -> None:
    """Copy the files that git knows, or would add, into a folder."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def commit_all(folder: Path) -> str:
    """Make a folder a repository with one commit of all that it holds, and return its id."""
    steps = (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "all"))
    for words in (*steps, ("remote", "add", "origin", "https://git.example/team/sms.git")):
        subprocess.run([*_GIT, *words], cwd=folder, check=True)
    head = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        head, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
