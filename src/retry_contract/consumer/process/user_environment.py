"""The environment of the user's code."""

from collections.abc import Mapping

from retry_contract.environment import original
from retry_contract.privacy.scrubber import KEY_VARIABLES

_NOBODY = "key_test_of_nobody"
_OURS = ("POSTMAN_API_KEY", "RETRY_CONTRACT_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_NOWHERE = {
    **dict.fromkeys(_PROXIES, "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    "POSTMAN_API_KEY": _NOBODY,
}


def own_environment() -> dict[str, str]:
    """Return the user's environment, with a key of nobody in place of the user's own keys.

    All that a process of the user's code has of the environment comes from here.
    """
    return {name: _NOBODY if name in KEY_VARIABLES else text for name, text in original().items()}


def isolated_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the user's key, and without a way off this machine by proxy."""
    kept = {name: text for name, text in own_environment().items() if not name.startswith(_OURS)}
    return {**kept, **_NOWHERE, **given}
