"""A client of a sandbox's controls: they provide a message in any state.

It is not the endpoint's client: the guard lets only the documented calls through, and what is
asked here is neither spent from the budget nor observed. It reaches this machine alone, and the
port that is tested.
"""

import functools
import json
from collections.abc import Callable, Mapping

import httpx

from retry_contract.endpoint.body import read_body
from retry_contract.endpoint.deadline import TimedTransport
from retry_contract.endpoint.guard import is_loopback
from retry_contract.outcome import NotTested

VARIABLE = "RETRY_CONTRACT_SANDBOX"
"""Names the controls of the sandbox that is tested, as `sandbox --run` does."""

COMMAND = "RETRY_CONTRACT_SANDBOX_COMMAND"
"""Holds the command that starts such a sandbox, without its `--run`."""

_PLAIN = {"accept-encoding": "identity"}
_LARGEST = 64 * 1024
"""The most that is read of a response, in bytes. One with a message's id has about a hundred."""


def states_of(url: str, environment: Mapping[str, str]) -> Callable[[str], str | None] | None:
    """Return what provides messages, if the controls of the service at a URL are named."""
    try:
        controls = httpx.URL(environment.get(VARIABLE, ""))
        same = controls.netloc == httpx.URL(url).netloc and controls.scheme == "http"
    except httpx.InvalidURL:
        return None
    here = same and is_loopback(controls)
    return functools.partial(_add_message, str(controls).rstrip("/")) if here else None


def _add_message(control: str, state: str) -> str | None:
    wanted = {"state": "failure", "campaign": "foreign"} if state == "foreign" else {"state": state}
    # Reading CA certificates takes longer than all the rest, and this is plain http.
    transport = TimedTransport(5.0, only_here=True, verify=False)
    try:
        with (
            httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", f"{control}/messages", json=wanted, headers=_PLAIN) as response,
        ):
            if response.status_code != 201:
                return None
            message = json.loads(read_body(response, largest=_LARGEST, plain=True))["messages"][0]
            return message if isinstance(message, str) else None
    except (httpx.HTTPError, NotTested, ValueError, LookupError, TypeError, RecursionError):
        return None
