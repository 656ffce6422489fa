"""What a verification says that it leaves unused of the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.proxy import refusing

from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import RuleState
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.options import read_options
from retry_contract.verification.verification import Verification

PROXY = "http://user:secret@127.0.0.1:9"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in os.environ:
        if name.lower().endswith("_proxy") or name == "NETRC":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("POSTMAN_API_KEY", "key")
    return tmp_path


def _announcements(**given: Any) -> list[str]:
    said: list[str] = []
    with refusing() as url:
        given |= {"endpoint": url, "campaign": "c", "message": ["m"], "contract": "after"}
        options = read_options(given, catalogue=catalogue())
        verification = Verification(options, Callbacks(announce=said.append))
        result = verification.check(verification.names[0], "status-is-201")
        verification.close()
    assert result.state is RuleState.NOT_EXERCISED
    return said


def test_nothing_is_said_where_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _announcements() == []
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NETRC", os.devnull)
    assert _announcements() == []


def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("all_proxy", PROXY)
    said = "not used by this run: HTTPS_PROXY, all_proxy"
    assert _announcements() == [f"{said}; --proxy names a proxy to use"]
    assert _announcements(proxy="http://127.0.0.1:9") == [said]


def test_netrc_is_not_used(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    file = home / ".netrc"
    file.write_text("machine 127.0.0.1 login user password secret\n")
    assert _announcements() == ["not used by this run: ~/.netrc"]
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    said = "not used by this run: HTTP_PROXY, ~/.netrc"
    assert _announcements() == [f"{said}; --proxy names a proxy to use"]
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setenv("NETRC", str(home / "absent"))
    assert _announcements() == []
    monkeypatch.setenv("NETRC", str(file.rename(home / "credentials")))
    assert _announcements() == ["not used by this run: the file that NETRC names"]
