"""The served model, with every request kept and a hook before each: for tests that count."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.server import Served, serve

from retry_contract.service.faults import FAULTS, Fault
from retry_contract.service.faults.model import Wrap
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service

_SERVING = threading.Lock()


@dataclass
class Watch:
    """The requests that a service has had, each with the status of its response.

    `on_request` is told of the number of each request, from 1, before it is answered. `received`
    has that request too.
    """

    on_request: Callable[[int], None] = lambda _: None
    seen: list[tuple[Request, int]] = field(default_factory=list)
    received: list[Request] = field(default_factory=list)

    def wrap(self, _: Service, handle: Handler) -> Handler:
        def watched(request: Request) -> Response:
            self.received.append(request)
            self.on_request(len(self.seen) + 1)
            response = handle(request)
            self.seen.append((request, response.status))
            return response

        return watched

    @property
    def calls(self) -> list[tuple[str, int]]:
        """The method and the status of each."""
        return [(request.method, status) for request, status in self.seen]

    @property
    def accepted(self) -> list[str]:
        """The paths of the retries that were accepted."""
        return [
            request.path
            for request, status in self.seen
            if request.method == "POST" and request.path.endswith("/retry") and status < 300
        ]

    @property
    def recipients(self) -> list[str]:
        """The recipients of the Single Sends."""
        sends = [request for request, _ in self.seen if request.path.endswith("/messages")]
        return [json.loads(request.body)["recipient"] for request in sends]


@contextlib.contextmanager
def watched(
    contract: str = "after",
    *,
    faults: Sequence[str] = (),
    wraps: Sequence[Wrap] = (),
    watch: Watch | None = None,
    **more: Any,
) -> Iterator[tuple[Served, Watch]]:
    """Serve the model with faults by name and of the test's own, and watch it."""
    watch = watch or Watch()
    with contextlib.ExitStack() as stack:
        with _SERVING, pytest.MonkeyPatch.context() as patch:
            own = {f"own-{n}": wrap for n, wrap in enumerate([*wraps, watch.wrap])}
            for name, wrap in own.items():
                patch.setitem(FAULTS, name, Fault(name, "", None, wrap))
            served = stack.enter_context(serve(contract, faults=[*faults, *own], **more))
        yield served, watch


def reaching(served: Served, folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run that leaves nothing outside a folder, and finds plugins there."""
    return {
        **env,
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "caches"),
        "COLUMNS": "400",
        "PYTHONPATH": os.pathsep.join([env["PYTHONPATH"], str(folder)]),
        "POSTMAN_API_KEY": served.key,
    }


def begin(
    words: Sequence[str], served: Served, folder: Path, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start Python in a folder, where its standard output and error go."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=reaching(served, folder, env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
