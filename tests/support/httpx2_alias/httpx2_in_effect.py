"""A plugin that ends the session unless the kit runs on httpx2."""

import httpx2
import pytest


def pytest_configure() -> None:
    from retry_contract.endpoint import live, mock

    for module in (live, mock):
        if vars(module)["httpx"] is not httpx2:
            raise pytest.UsageError(f"{module.__name__} runs on httpx, not on httpx2")
