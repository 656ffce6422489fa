"""A client on httpx2, apart from the others, which need not import it."""

from __future__ import annotations

import httpx2

CLIENT = httpx2.Client(timeout=0.8, verify=False)
"""Made once: its TLS context, which nothing here needs, takes longer than a call."""


def retry(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    place = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    response = CLIENT.post(place, headers={"Authorization": f"Bearer {api_key}"})
    return str(response.raise_for_status().json()["latestStatus"])
