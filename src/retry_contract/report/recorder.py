"""Writes the exchanges of a run as JSON lines, masked."""

from datetime import UTC, datetime
from pathlib import Path

from retry_contract import new_file
from retry_contract.exchange import Exchange
from retry_contract.privacy.descriptions import describe
from retry_contract.privacy.disarm import json_text
from retry_contract.privacy.headers import shown_header
from retry_contract.privacy.masks import mask
from retry_contract.privacy.names import mask_path
from retry_contract.privacy.scrubber import Scrubber

_HEADERS = ("content-type", "retry-after", "allow")
_LARGEST = 16_384
"""In bytes. A message is of one; a larger body would fill a disk, line by line."""


class Recorder:
    """Writes one line for each exchange, at once, so that an interrupted run keeps its record."""

    def __init__(self, file: Path, scrubber: Scrubber) -> None:
        self._file, self._scrubber = file, scrubber

    def write(self, exchange: Exchange) -> None:
        """Write an exchange. A body that is not JSON, or a large one, is described and left out."""
        scrub = self._scrubber.scrub
        line = {
            "format": 1,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "call": exchange.kind,
            "method": exchange.method,
            "path": scrub(mask_path(exchange.path)),
            "status": exchange.status,
            "headers": {
                name: scrub(shown_header(name, exchange.headers[name]))
                for name in _HEADERS
                if name in exchange.headers
            },
        }
        if exchange.document.violations:
            line["problem"] = scrub(exchange.document.violations[0].actual)
        elif len(exchange.body) > _LARGEST:
            line["problem"] = f"{describe(exchange.payload)}, over 16 KiB and so left out"
        else:
            line["body"] = self._scrubber.scrub_payload(mask(exchange.payload))
        new_file.append(self._file, f"{json_text(line, indent=None)}\n".encode("ascii"))
