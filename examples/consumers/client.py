"""A client in Python with requests.

retry-contract consumer --client examples.consumers.client:retry
"""

from __future__ import annotations

import requests


def retry(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    """Retry a message, and return its new status.

    Raises requests.RequestException if the message is not retried, or the response is not whole.
    """
    response = requests.post(
        f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry",
        headers={"Authorization": f"Bearer {api_key}"},
        timeout=3,  # of each wait for bytes, not of the whole call
        allow_redirects=False,
    )
    response.raise_for_status()
    if response.status_code != requests.codes.created:
        raise requests.HTTPError(f"status {response.status_code}, not 201", response=response)
    return str(response.json()["latestStatus"])
