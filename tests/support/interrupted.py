"""Runs of `verify` against a served model, interrupted at a request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.forking import Forker
from support.watched import Watch, reaching, watched

from retry_contract.service.model import Settings

PATIENCE = 20.0


@dataclass(frozen=True)
class Ended:
    """How an interrupted run ended, `seconds` after the signal, and what the service had seen."""

    exit_code: int
    seconds: float
    folder: Path
    watch: Watch = field(repr=False)

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        text = (self.folder / "stdout").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    @property
    def went_out(self) -> dict[str, int]:
        """How many retries and sends the service received, whatever it answered."""
        posts = [received.path for received in self.watch.received if received.method == "POST"]
        retries = sum(path.endswith("/retry") for path in posts)
        return {"retries": retries, "sends": sum(path.endswith("/messages") for path in posts)}


def interrupted(
    started: Forker,
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    request: int | None,
    held: bool = False,
    faults: Sequence[str] = (),
    delivery: float = 0.02,
    caches: Path | None = None,
) -> Ended:
    """Run `verify`, and press Ctrl-C at a request, which is held back, or answered as the last.

    Without a request the run is left alone. A run that ends before is left alone too. Runs that
    share a folder of `caches` generate faster.
    """
    reached, released = threading.Event(), threading.Event()

    def on_request(number: int) -> None:
        if request is None:
            return
        if number == request:
            reached.set()
        if number >= request + (not held):
            released.wait(PATIENCE)

    watch = Watch(on_request)
    settings = Settings(delivery=timedelta(seconds=delivery))
    with watched(faults=faults, watch=watch, settings=settings) as (served, _):
        given = ["verify", *served.options, "--message", *served.failed(), *words]
        variables = reaching(served, folder, env)
        if caches is not None:
            variables["XDG_CACHE_HOME"] = str(caches)
        run = started.start(given, folder, variables)
        run.on_end(reached.set)
        try:
            assert reached.wait(PATIENCE), (folder / "stderr").read_text()
            begin = time.monotonic()
            if request is not None:
                run.interrupt()
            code = run.wait(PATIENCE)
            seconds = time.monotonic() - begin
        finally:
            released.set()
    return Ended(code, seconds, folder, watch)
