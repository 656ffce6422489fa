"""Writes the exchanges of a run as JSON lines, masked."""

import json
from datetime import UTC, datetime
from pathlib import Path

from retry_contract.exchange import Exchange
from retry_contract.privacy.masks import mask
from retry_contract.privacy.scrubber import Scrubber

_HEADERS = ("content-type", "retry-after", "allow")


class Recorder:
    """Writes one line for each exchange, at once, so that an interrupted run keeps its record."""

    def __init__(self, file: Path, scrubber: Scrubber) -> None:
        self._file, self._scrubber = file, scrubber

    def write(self, exchange: Exchange) -> None:
        """Write an exchange. A body that is not JSON is described, and left out."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "call": exchange.kind,
            "method": exchange.method,
            "path": exchange.path,
            "status": exchange.status,
            "headers": {n: exchange.headers[n] for n in _HEADERS if n in exchange.headers},
        }
        if exchange.document.violations:
            line["problem"] = exchange.document.violations[0].actual
        else:
            line["body"] = mask(exchange.payload)
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(self._scrubber.scrub_payload(line)) + "\n")
