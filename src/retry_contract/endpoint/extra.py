"""The server, which only an installation with the extra `sandbox` has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from retry_contract.outcome import Unusable
from retry_contract.service.http import Handler

Serving = Callable[[Handler, int], AbstractContextManager[str]]


def sandbox_server() -> Serving:
    """Return `serving`. Raises Unusable if what it needs is not installed."""
    try:
        from retry_contract.endpoint.sandbox import serving
    except ModuleNotFoundError as error:
        if error.name not in ("uvicorn", "httptools"):
            raise
        raise Unusable(
            f"the sandbox needs {error.name}: install retry-contract with its extra `sandbox`"
        ) from None
    return serving
