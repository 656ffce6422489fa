"""Files that are written as new ones, and moved to their names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retry_contract import new_file

Write = Callable[[Path, bytes], None]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"earlier")
    with file.open("rb") as opened:
        new_file.replace(file, b"later")
        assert opened.read() == b"earlier"
    assert (file.read_bytes(), _names(tmp_path)) == (b"later", ["a"])


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_rights_are_those_of_any_new_file(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        new_file.replace(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("there", [True, False])
def test_link_is_replaced_and_not_followed(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    if there:
        target.write_bytes(b"mine")
    link.symlink_to(target)
    new_file.replace(link, b"new")
    assert (link.is_symlink(), link.read_bytes()) == (False, b"new")
    assert target.exists() is there
    assert not there or target.read_bytes() == b"mine"


def test_link_that_comes_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, file = tmp_path / "target", tmp_path / "a"
    target.write_bytes(b"mine")
    replace = Path.replace

    def late(new: Path, name: Path) -> Path:
        file.symlink_to(target)
        return replace(new, name)

    monkeypatch.setattr(Path, "replace", late)
    new_file.replace(file, b"new")
    assert (target.read_bytes(), file.read_bytes()) == (b"mine", b"new")


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="flags of POSIX")
def test_nothing_is_appended_to_what_a_link_names(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"mine")
    link.symlink_to(target)
    with pytest.raises(OSError, match="link"):
        new_file.append(link, b"more")
    assert target.read_bytes() == b"mine"


def test_lines_are_appended(tmp_path: Path) -> None:
    for line in (b"1\n", b"2\n"):
        new_file.append(tmp_path / "a", line)
    assert (tmp_path / "a").read_bytes() == b"1\n2\n"


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.parametrize("write", [new_file.replace, new_file.create])
def test_full_disk_leaves_what_was_there(write: Write, tmp_path: Path) -> None:
    import resource

    (tmp_path / "a").write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(tmp_path / "a", b"longer than the limit")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ((tmp_path / "a").read_bytes(), _names(tmp_path)) == (b"old", ["a"])


def test_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory") as failed:
        new_file.replace(tmp_path / "a", b"")
    assert (failed.value.filename, _names(tmp_path)) == (str(tmp_path / "a"), ["a"])
