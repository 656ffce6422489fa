"""Clients as integrators write them, good and bad: what `consumer --client` is tried on."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import urllib.request
from typing import Any

import httpx
import requests

Payload = dict[str, Any]
IMPORTED_WITH = os.environ.get("POSTMAN_API_KEY")
OLD_FIELDS = {
    *("createdAt", "updatedAt", "id", "recipient", "values", "fullMessage", "latestStatus"),
    *("templateBodyId", "campaignId"),
}
SHORT = 0.3
REAL_KEY = "key_test_0123456789abcdef"
CLIENT = httpx.Client(timeout=SHORT, verify=False)
"""Made once: its TLS context, which nothing here needs, takes longer than a call."""


def _post(base_url: str, api_key: str, path: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {api_key}"}
    return CLIENT.post(base_url + path, headers=headers, **more)


def _retry(base_url: str, api_key: str, campaign: str, message: str) -> httpx.Response:
    return _post(base_url, api_key, f"/campaigns/{campaign}/messages/{message}/retry")


def good(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Payload:
    found: Payload = _retry(base_url, api_key, campaign_id, message_id).raise_for_status().json()
    return {name: found[name] for name in ("id", "latestStatus", "updatedAt")}


async def asynchronous(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    path = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    async with httpx.AsyncClient(timeout=SHORT, verify=False) as client:
        reply = await client.post(path, headers={"Authorization": f"Bearer {api_key}"})
    return str(reply.raise_for_status().json()["latestStatus"])


def standard_library(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    path = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    request = urllib.request.Request(path, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=SHORT) as reply:
        return str(json.load(reply)["latestStatus"])


def whole_response(*given: str) -> httpx.Response:
    return _retry(*given)


def whole_response_of_requests(base_url: str, api_key: str, campaign: str, message: str) -> Any:
    path = f"{base_url}/campaigns/{campaign}/messages/{message}/retry"
    return requests.post(path, headers={"Authorization": f"Bearer {api_key}"}, timeout=SHORT)


def tells_by_value(*given: str) -> bool:
    reply = _retry(*given)
    return reply.status_code == 201


def waits_for_delivery(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    place = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}"
    headers = {"Authorization": f"Bearer {api_key}"}
    CLIENT.post(f"{place}/retry", headers=headers).raise_for_status()
    while True:
        reply = CLIENT.get(place, headers=headers).raise_for_status()
        status = str(reply.json()["latestStatus"])
        if status in ("success", "failure"):
            return status


def tries_thrice(*given: str) -> Payload:
    for _ in range(3):
        reply = _retry(*given)
        if reply.status_code not in (429, 500):
            break
    found: Payload = reply.raise_for_status().json()
    return found


def patient(*given: str) -> Payload:
    for number in range(10):
        reply = _retry(*given)
        if reply.status_code not in (429, 500):
            break
        time.sleep(0.2 * 2**number)
    found: Payload = reply.raise_for_status().json()
    return found


def closed(*given: str) -> str:
    found = _retry(*given).raise_for_status().json()
    if found.keys() - OLD_FIELDS:
        raise ValueError("unknown field")
    return str(found["id"])


def requires_the_newer(*given: str) -> str:
    found = _retry(*given).raise_for_status().json()
    return str(found["creatorId"])


def last_member(*given: str) -> Payload:
    found = _retry(*given).raise_for_status().json()
    return {"campaign": list(found.values())[-1]}


def always_true(*given: str) -> bool:
    _retry(*given)
    return True


def says_the_same(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    _retry(base_url, api_key, campaign_id, message_id)
    return f"retried {message_id}"


def sends_anew_on_timeout(base_url: str, api_key: str, campaign_id: str, message_id: str) -> None:
    try:
        _retry(base_url, api_key, campaign_id, message_id).raise_for_status()
    except httpx.TimeoutException:
        _post(base_url, api_key, f"/campaigns/{campaign_id}/messages", json={})
        raise


def tells_the_key_on_timeout(base_url: str, api_key: str, campaign: str, message: str) -> Any:
    path = f"{base_url}/campaigns/{campaign}/messages/{message}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    try:
        reply = requests.post(path, headers=headers, timeout=SHORT)
    except requests.ReadTimeout:
        raise ValueError(f"no reply to {headers}") from None
    reply.raise_for_status()
    return reply.json()


def takes_a_timeout_for_a_success(*given: str) -> bool:
    with contextlib.suppress(httpx.TimeoutException):
        _retry(*given).raise_for_status()
    return True


def endless(base_url: str, api_key: str, campaign_id: str, message_id: str) -> bool:
    path = f"/campaigns/{campaign_id}/messages/{message_id}/retry"
    while True:
        with contextlib.suppress(httpx.TransportError):
            if _post(base_url, api_key, path, timeout=None).status_code == 201:
                return True


def without_timeout(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Any:
    path = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    reply = requests.post(path, headers=headers)  # as people write it, without a timeout
    reply.raise_for_status()
    return reply.json()


def sends_anew(base_url: str, api_key: str, campaign_id: str, message_id: str) -> None:
    if _retry(base_url, api_key, campaign_id, message_id).status_code != 201:
        body = {"recipient": "6511111111", "language": "english", "values": {"name": "x"}}
        _post(base_url, api_key, f"/campaigns/{campaign_id}/messages", json=body)
        raise ValueError("sent anew")


def logs_the_key(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Payload:
    logging.getLogger("app").warning("calling with %s", api_key)
    return good(base_url, api_key, campaign_id, message_id)


def raises_the_key(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Payload:
    try:
        return good(base_url, api_key, campaign_id, message_id)
    except Exception as error:
        raise ValueError(f"failed with {api_key}") from error


def hides_the_key(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Payload:
    try:
        return good(base_url, api_key, campaign_id, message_id)
    except Exception:
        raise ValueError("failed") from PermissionError(f"refused {api_key}")


def exits(*given: str) -> None:
    os._exit(_retry(*given).status_code % 100)


def wrong_path(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Payload:
    path = f"/campaigns/{campaign_id}/{message_id}/retry"
    found: Payload = _post(base_url, api_key, path).raise_for_status().json()
    return found


def real_service(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Payload:
    return good("https://test.postman.gov.sg/api/v2", api_key, campaign_id, message_id)


def idle(base_url: str, api_key: str, campaign_id: str, message_id: str) -> bool:
    return True


def two_arguments(base_url: str, message_id: str) -> None:
    raise AssertionError("it is never called")


def finds_a_real_key(*given: str) -> Payload:
    settings = {name for name in os.environ if name.startswith("RETRY_CONTRACT_")}
    if REAL_KEY in (IMPORTED_WITH, os.environ.get("POSTMAN_API_KEY")) or settings:
        raise ValueError("a setting of the user's")
    return good(*given)


def knows_nested_errors_only(*given: str) -> Any:
    found = _retry(*given).json()
    if "error" in found:
        raise ValueError(found["error"]["code"])
    return found.get("latestStatus")


def returns_the_body(*given: str) -> str:
    return _retry(*given).text


def retries_the_batch(base_url: str, api_key: str, campaign_id: str, message_id: str) -> None:
    if _retry(base_url, api_key, campaign_id, message_id).status_code != 201:
        _post(base_url, api_key, f"/campaigns/{campaign_id}/batch/batch_1/retry")
        raise ValueError("retried the batch")


def polls_without_end(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    _retry(base_url, api_key, campaign_id, message_id)
    place = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}"
    while True:
        reply = CLIENT.get(place, headers={"Authorization": f"Bearer {api_key}"})
        if reply.is_success and reply.json()["latestStatus"] == "success":
            return "success"


def knows_a_code(*given: str) -> bool:
    """Returns False for a code that it knows of; in the other envelope it raises."""
    reply = _retry(*given)
    if reply.status_code == 400 and "error" in reply.json():
        return False
    reply.raise_for_status()
    return True


def looks_before_it_fails(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    """Takes a message that Retrieve shows to be sent for one that was retried."""
    reply = _retry(base_url, api_key, campaign_id, message_id)
    if reply.status_code == 400:
        place = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}"
        found = CLIENT.get(place, headers={"Authorization": f"Bearer {api_key}"})
        if found.is_success and found.json()["latestStatus"] != "failure":
            return "retried"
    reply.raise_for_status()
    return "retried"


def looks_and_goes_on(base_url: str, api_key: str, campaign_id: str, message_id: str) -> str:
    reply = _retry(base_url, api_key, campaign_id, message_id)
    if reply.status_code == 400:
        place = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}"
        CLIENT.get(place, headers={"Authorization": f"Bearer {api_key}"})
        return "retried"
    reply.raise_for_status()
    return "retried"


def tells_by_text(*given: str) -> str:
    begin = time.perf_counter()
    reply = _retry(*given)
    return f"HTTP {reply.status_code} in {time.perf_counter() - begin:.4f}s"


def swallows_the_connection(*given: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        _retry(*given).raise_for_status()
    return True
