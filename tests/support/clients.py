"""Clients as integrators write them, good and bad: the rows of the table in docs/consumer.md."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

Payload = dict[str, Any]
TIMEOUT = 0.8
"""In seconds, of each wait for bytes. No shorter: the tests may run on busy processors."""
THRICE = 0.5
"""That of a client which tries three times."""


def _place(base_url: str, campaign_id: str, message_id: str) -> str:
    return f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"


def _headers(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"}


def _retry(
    base_url: str, api_key: str, campaign_id: str, message_id: str, **more: Any
) -> requests.Response:
    place = _place(base_url, campaign_id, message_id)
    return requests.post(place, headers=_headers(api_key), **{"timeout": TIMEOUT, **more})


def raises(*given: str) -> str:
    response = _retry(*given)
    response.raise_for_status()
    return str(response.json()["latestStatus"])


def standard_library(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    place = _place(base_url, campaign_id, message_id)
    request = urllib.request.Request(place, method="POST", headers=_headers(api_key))
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        return str(json.load(response)["latestStatus"])


def returns_a_bool(*given: str) -> bool:
    return _retry(*given).status_code == 201


def returns_none(*given: str) -> None:
    _retry(*given).raise_for_status()


def returns_the_response(*given: str) -> requests.Response:
    return _retry(*given)


def returns_the_status(*given: str) -> int:
    return _retry(*given).status_code


def is_created(status: int) -> bool:
    return status == 201


def returns_the_body(*given: str) -> Payload:
    body: Payload = _retry(*given).json()
    return body


def has_a_status(body: Payload) -> bool:
    return "latestStatus" in body


def swallows_everything(*given: str) -> None:
    try:
        _retry(*given).raise_for_status()
    except Exception:
        print("the retry failed")


def retries_by_urllib3(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    again = Retry(2, backoff_factor=0, status_forcelist=(429, 500, 503), allowed_methods=["POST"])
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=again))
        place = _place(base_url, campaign_id, message_id)
        response = session.post(place, headers=_headers(api_key), timeout=THRICE)
    response.raise_for_status()
    return str(response.json()["latestStatus"])


@tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_none(), reraise=True)
def retries_by_tenacity(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    response = _retry(base_url, api_key, campaign_id, message_id, timeout=THRICE)
    response.raise_for_status()
    return str(response.json()["latestStatus"])


def without_timeout(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    response = _retry(base_url, api_key, campaign_id, message_id, timeout=None)
    response.raise_for_status()
    return str(response.json()["latestStatus"])


def sends_again(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    try:
        return raises(base_url, api_key, campaign_id, message_id)
    except requests.RequestException:
        body: Payload = {"recipient": "6511111111", "language": "english", "values": {"name": "x"}}
        place = f"{base_url}/campaigns/{campaign_id}/messages"
        sent = requests.post(place, json=body, headers=_headers(api_key), timeout=TIMEOUT)
        return str(sent.json()["latestStatus"])


def prints_the_key(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    print(f"retrying {message_id} with {_headers(api_key)}")
    return raises(base_url, api_key, campaign_id, message_id)


def loops_for_ever(*given: str) -> str:
    while True:
        try:
            return raises(*given)
        except requests.RequestException:
            pass


def wrong_path(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    place = f"{base_url}/campaign/{campaign_id}/messages/{message_id}/retry"
    response = requests.post(place, headers=_headers(api_key), timeout=TIMEOUT)
    response.raise_for_status()
    return str(response.json()["latestStatus"])
