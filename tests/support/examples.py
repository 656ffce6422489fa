"""The example payloads of the contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.document import read_document


def example_payloads() -> Iterator[Any]:
    """Yield every example of every contract, valid and invalid, that is JSON."""
    for contract in catalogue().values():
        for path in [*contract.examples("valid").values(), *contract.examples("invalid").values()]:
            document = read_document(path.read_bytes())
            if not document.violations:
                yield document.payload
