"""Clients that do otherwise after the calls before; they import little, so they start quickly."""

from __future__ import annotations

import asyncio
import json
import urllib.request

_LOOP = asyncio.new_event_loop()
_FAILURES: list[Exception] = []
_SESSION: dict[str, str] = {}


def _retry(base_url: str, api_key: str, campaign: str, message: str) -> str:
    path = f"{base_url}/campaigns/{campaign}/messages/{message}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    request = urllib.request.Request(path, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=0.3) as reply:
        return str(json.load(reply)["latestStatus"])


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


def keeps_its_key(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    key = _SESSION.setdefault("key", api_key)
    return _retry(base_url, key, campaign_id, message_id)
