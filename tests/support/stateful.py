"""Clients that do otherwise after the calls before; they import little, so they start quickly."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import urllib.request
from typing import Any

_LOOP = asyncio.new_event_loop()
_COLUMNS: list[str] = []
_FAILURES: list[Exception] = []
_SESSION: dict[str, str] = {}


def _reply(base_url: str, api_key: str, campaign: str, message: str) -> dict[str, Any]:
    path = f"{base_url}/campaigns/{campaign}/messages/{message}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    request = urllib.request.Request(path, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=0.3) as reply:
        found: dict[str, Any] = json.load(reply)
        return found


def _retry(*given: str) -> str:
    return str(_reply(*given)["latestStatus"])


def breaks_the_circuit(*given: str) -> str:
    """Asks nothing any more after five errors."""
    if len(_FAILURES) == 5:
        raise RuntimeError("the circuit is open")
    try:
        return _retry(*given)
    except Exception as error:
        _FAILURES.append(error)
        raise


def works_once(*given: str) -> str:
    """Closes the event loop of its module."""

    async def call() -> str:
        return _retry(*given)

    coroutine = call()
    try:
        return _LOOP.run_until_complete(coroutine)
    finally:
        coroutine.close()
        _LOOP.close()


def learns_its_columns(*given: str) -> str:
    """Takes the columns of its audit file from the first reply."""
    found = _reply(*given)
    _COLUMNS.extend([] if _COLUMNS else found)
    csv.DictWriter(io.StringIO(), _COLUMNS).writerow(found)
    return str(found["latestStatus"])


def keeps_its_key(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    key = _SESSION.setdefault("key", api_key)
    return _retry(base_url, key, campaign_id, message_id)
