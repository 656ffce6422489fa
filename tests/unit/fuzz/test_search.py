"""Drawing values by a seed, and finding the smallest that has a property."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from retry_contract.fuzz import search
from retry_contract.fuzz.search import draw, smallest

NUMBERS = st.integers(0, 10**6)
LATER = float("inf")


def test_a_seed_draws_the_same_values_again() -> None:
    assert draw(NUMBERS, 50, 7) == draw(NUMBERS, 50, 7)
    assert draw(NUMBERS, 50, 7) != draw(NUMBERS, 50, 8)


@pytest.mark.parametrize("number", [0, 1, 40])
def test_as_many_are_drawn_as_asked_for(number: int) -> None:
    assert len(draw(NUMBERS, number, 1)) == number


def test_the_smallest_value_with_a_property_is_found() -> None:
    assert smallest(NUMBERS, lambda n: n > 999, 50, 7, until=LATER) == 1000


def test_a_search_sees_what_the_seed_draws() -> None:
    drawn = draw(NUMBERS, 50, 7)
    seen: list[int] = []

    def never(value: int) -> bool:
        seen.append(value)
        return False

    assert smallest(NUMBERS, never, 50, 7, until=LATER) is None
    assert seen == drawn


def test_after_the_time_is_up_the_smallest_so_far_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[int] = []

    def until_the_third(value: int) -> bool:
        if value > 999:
            found.append(value)
        if len(found) == 3:
            monkeypatch.setattr(time, "monotonic", lambda: 10.0**9)
        return value > 999

    assert smallest(NUMBERS, until_the_third, 50, 7, until=10.0**8) == found[2]
    assert found[2] > 1000
    assert smallest(NUMBERS, lambda _: True, 50, 7, until=0.0) is None


def test_an_error_of_the_property_is_raised() -> None:
    class Interrupt(BaseException):
        pass

    def raising(_: int) -> bool:
        raise Interrupt

    with pytest.raises(Interrupt):
        smallest(NUMBERS, raising, 50, 7, until=LATER)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "retry-contract"


def test_folder_of_the_tables_is_private(cache: Path) -> None:
    assert search._cache_folder() == cache
    assert search._cache_folder() == cache
    if os.name != "nt":
        assert {folder.stat().st_mode & 0o777 for folder in (cache, cache.parent)} == {0o700}


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
def test_folder_that_others_can_write_to_is_not_used(mode: int, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(mode)
    assert search._cache_folder() == search._NOWHERE


@pytest.mark.skipif(os.name == "nt", reason="users of POSIX")
def test_folder_of_another_user_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
    assert search._cache_folder() == search._NOWHERE


def test_link_is_not_used(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.parent.mkdir()
    cache.symlink_to(tmp_path / "elsewhere")
    assert search._cache_folder() == search._NOWHERE


@pytest.mark.parametrize("root", ["cache", ".", "{gone}/cache"])
def test_folder_is_made_neither_here_nor_above_one_that_is_not_there(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", root.format(gone=tmp_path / "gone" / "deep"))
    assert search._cache_folder() == search._NOWHERE
    assert list(tmp_path.iterdir()) == []


def test_user_without_a_home_has_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert draw(st.text(), 5, 1)
    assert search._cache_folder() == search._NOWHERE
    assert list(tmp_path.iterdir()) == []
