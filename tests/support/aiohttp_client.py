"""A client on aiohttp, apart from the others, which need not import it."""

from __future__ import annotations

import functools

import aiohttp


@functools.cache
def session() -> aiohttp.ClientSession:
    """The one session of the application, made at the first call, in its event loop."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.8))


async def retry(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    place = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    async with session().post(place, headers=headers) as response:
        response.raise_for_status()
        return str((await response.json())["latestStatus"])
