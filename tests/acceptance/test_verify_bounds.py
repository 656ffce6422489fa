"""A service with large bodies does not keep `verify` busy, fill its memory, or fill a disk."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from support.bounded import MEMORY, run_bounded
from support.forking import forker
from support.hostile_bodies import BODIES, hostile_service
from support.watched import Watch, reaching

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BODIES)
def test_large_bodies_end_soon_and_little_of_them_is_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with hostile_service(name) as served:
        words = ["verify", *served.options, "--message", served.failed()[0], "--fuzz", "0"]
        words += ["--report", "report", "--record", "record.jsonl", "-v"]
        done = run_bounded(words, cwd=tmp_path, env={"POSTMAN_API_KEY": served.key}, seconds=60)
    assert done.returncode in (0, 1, 3), done.stderr
    assert name != "a text" or "larger than 16 MiB" in done.stdout
    assert done.memory < MEMORY
    assert len(done.stdout) < 100_000
    for file in (*(tmp_path / "report").iterdir(), tmp_path / "record.jsonl"):
        assert file.stat().st_size < 1_000_000, file.name
        assert "Zebediah" not in file.read_text(encoding="utf-8")
    assert "Zebediah" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["5,000 undocumented names", "a percent-encoded text", "a text"])
@pytest.mark.parametrize("number", [2, 5, 9])
def test_an_interrupt_is_heard_all_the_while(
    name: str, number: int, tmp_path: Path, shell: dict[str, str]
) -> None:
    watch = Watch()
    with forker(shell) as started, hostile_service(name, watch) as served:
        words = ["verify", *served.options, "--message", served.failed()[0], "--fuzz", "0"]
        reached = threading.Event()
        watch.on_request = lambda count: reached.set() if count == number else None
        run = started.start(words, tmp_path, reaching(served, tmp_path, shell))
        assert reached.wait(30)
        run.interrupt()
        begin = time.monotonic()
        assert run.wait() in (0, 1, 3)
        assert time.monotonic() - begin < 20, "it takes half a second"
    assert "Traceback" not in (tmp_path / "stderr").read_text(encoding="utf-8")
