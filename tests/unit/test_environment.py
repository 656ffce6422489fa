"""Which variables stay, and who finds the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retry_contract import environment
from retry_contract.endpoint.live import trust
from retry_contract.environment import is_kept, isolate, isolated, original, restored

KEPT = ("POSTMAN_API_KEY", "RETRY_CONTRACT_ENDPOINT", "SSL_CERT_FILE", "PATH", "HOME", "LC_ALL")
OUT = ("SCHEMATHESIS_HOOKS", "SSLKEYLOGFILE", "HYPOTHESIS_NO_PLUGINS", "PYTEST_ADDOPTS", "CI")


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_removed", {})
    before = dict(os.environ)
    for name in os.environ:
        if not is_kept(name):
            monkeypatch.delenv(name)
    assert {name for name in before if is_kept(name)} == set(os.environ)
    for name in (*KEPT, *OUT):
        monkeypatch.setenv(name, f"the {name}")


def _seen() -> set[str]:
    return {*KEPT, *OUT} & set(os.environ)


def test_process_keeps_those_of_the_list() -> None:
    given = dict(os.environ)
    isolate()
    assert _seen() == set(KEPT)
    assert original() == given


def test_block_keeps_those_of_the_list() -> None:
    given = dict(os.environ)
    with isolated():
        assert _seen() == set(KEPT)
        assert original() == given
    assert dict(os.environ) == original() == given


@pytest.mark.parametrize("nested", [True, False])
def test_code_of_the_user_finds_all(nested: bool) -> None:
    given = dict(os.environ)
    isolate()
    if nested:
        with isolated():
            pass
    with restored():
        assert dict(os.environ) == given
        os.environ["SET_BY_THE_CODE"] = "1"
    assert _seen() == set(KEPT)
    assert os.environ.pop("SET_BY_THE_CODE") == "1"


def test_name_that_the_system_does_not_take_back_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"": "x", "=C:": "y", "CI": "true"}
    monkeypatch.setattr(os, "environ", odd)
    isolate()
    assert odd == {"": "x", "=C:": "y"}


def test_trust_writes_no_keys_under_pytest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.delenv("SSL_CERT_FILE")
    assert getattr(trust(None), "keylog_filename", None) is None
    assert list(tmp_path.iterdir()) == []


def test_what_code_of_the_user_changes_is_there_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OF_THE_USER", "DROPPED"):
        monkeypatch.setenv(name, "before")
    with environment.isolated():
        with environment.restored():
            os.environ["OF_THE_USER"] = "changed"
            del os.environ["DROPPED"]
        assert {"OF_THE_USER", "DROPPED"}.isdisjoint(os.environ)
        with environment.restored():
            assert os.environ["OF_THE_USER"] == "changed"
            assert "DROPPED" not in os.environ
