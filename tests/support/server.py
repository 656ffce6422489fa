"""The model of the documented service over real HTTP on loopback, for tests and benchmarks.

Run as a program it serves until its standard input is closed, and prints one line of JSON: the
base URL, the key, the campaigns, and ids of failed messages.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Handler, Request
from retry_contract.service.model import PREFIX, Service, Settings
from retry_contract.service.seeds import seed

DELIVERY = timedelta(milliseconds=20)


@dataclass(frozen=True)
class Served:
    """A model that is being served, and how to reach it."""

    url: str
    key: str
    campaign: str
    foreign_campaign: str
    service: Service

    def failed(self, number: int = 1) -> list[str]:
        """Return the ids of so many new messages that have failed."""
        campaign = self.service.campaigns[self.campaign]
        return [seed(self.service, campaign, "failure").id for _ in range(number)]

    @property
    def options(self) -> list[str]:
        """The options of `verify` that reach it."""
        return ["--endpoint", self.url, "--campaign", self.campaign]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that is gone, such as a run that was interrupted."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serve(
    contract: str = "after", *, settings: Settings | None = None, faults: Sequence[str] = ()
) -> Iterator[Served]:
    """Serve the model with a contract, on a free port of loopback, until the block is left."""
    served_contract = catalogue()[contract]
    service = Service(
        clock=lambda: datetime.now(UTC),
        new_id=lambda kind: f"{kind}_{uuid.uuid4()}",
        in_force=lambda _: served_contract,
        settings=settings or Settings(delivery=DELIVERY),
    )
    own, foreign = service.add_campaign(), service.add_campaign()
    handle: Handler = service.handle
    for name in faults:
        handle = FAULTS[name].wrap(service, handle)
    server = _Server(("127.0.0.1", 0), _handler(handle))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}{PREFIX}"
        yield Served(url, own.key, own.id, foreign.id, service)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(handle: Handler) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class ModelHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = self.path.partition("?")[0]
            with lock:
                response = handle(Request(self.command, path, headers, body))
            head = [f"HTTP/1.1 {response.status} -"]
            head += [f"{name}: {value}" for name, value in response.headers.items()]
            head += [f"content-length: {len(response.body)}", "", ""]
            content = b"" if self.command == "HEAD" else response.body
            self.wfile.write("\r\n".join(head).encode("latin-1") + content)

        do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return ModelHandler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contract", default="after")
    parser.add_argument("--messages", type=int, default=1)
    parser.add_argument("--fault", action="append", default=[])
    options = parser.parse_args()
    with serve(options.contract, faults=options.fault) as served:
        told = {name: getattr(served, name) for name in ("url", "key", "campaign")}
        print(json.dumps({**told, "messages": served.failed(options.messages)}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
