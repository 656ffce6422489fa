"""A client that does what is asked of one: `consumer --client examples.consumers.client:retry`."""

from __future__ import annotations

import httpx


def retry(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    """Retry a message, and return its new status. Raises httpx.HTTPError if it is refused."""
    url = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    reply = httpx.post(url, headers=headers, timeout=3).raise_for_status()
    return str(reply.json()["latestStatus"])
