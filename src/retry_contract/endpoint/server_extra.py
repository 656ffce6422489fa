"""The server, which only an installation with the extra `sandbox` has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from retry_contract.outcome import UsageError
from retry_contract.service.http import Handler

Serving = Callable[[Handler, int], AbstractContextManager[str]]
ServingEach = Callable[[Sequence[Handler]], AbstractContextManager[list[str]]]


def sandbox_server() -> Serving:
    """Return `serving`. Raises UsageError if what it needs is not installed."""
    with _extra():
        from retry_contract.endpoint.server import serving
    return serving


def sandbox_servers() -> ServingEach:
    """Return `serving_each`. Raises UsageError if what it needs is not installed."""
    with _extra():
        from retry_contract.endpoint.server import serving_each
    return serving_each


@contextlib.contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("uvicorn", "httptools"):
            raise
        raise UsageError(
            f"the sandbox needs {error.name}: install retry-contract with its extra `sandbox`"
        ) from None
