"""`retry-contract validate` of a folder, and of files that hold no saved response."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from retry_contract.cli.saved_files import SavedFile
from retry_contract.contract.catalogue import Kind, catalogue

Done = CompletedProcess[str]

BEFORE, AFTER = "before-2025-02-24", "after-2025-02-24"


def sample(kind: Kind = "retry", contract: str = "after", **changes: Any) -> dict[str, Any]:
    """A response of one kind, as the examples in its schema are."""
    known = catalogue()[contract]
    return {name: known.sample(kind, name) for name in known.fields(kind)} | changes


KEPT = sample(latestStatus="created")
ENCODED = json.dumps(KEPT).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two responses that are kept, one that is broken, and others to leave alone."""
    files = {"2.json": KEPT, "10.json": KEPT, "1.json": KEPT | {"creatorId": None}, "x.txt": []}
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "inner.json").mkdir()
    (tmp_path / "inner.json" / "0.json").write_text("no response")
    return tmp_path


def test_folder_is_validated_in_the_order_of_the_names(
    folder: Path, here: Callable[..., Done]
) -> None:
    done = here("validate", folder)
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert lines == [
        f"{folder / '1.json'}: BROKEN {AFTER}",
        f"{folder / '10.json'}: KEPT {AFTER}",
        f"{folder / '2.json'}: KEPT {AFTER}",
        "3 files: 2 kept, 1 broken",
    ]


def test_quiet_shows_what_is_not_kept_and_the_counts(
    folder: Path, here: Callable[..., Done]
) -> None:
    done = here("validate", folder, "-q", folder / "gone.json")
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert lines == [
        f"{folder / '1.json'}: BROKEN {AFTER}",
        "4 files: 2 kept, 1 broken, 1 unreadable",
    ]
    assert done.stderr == f"{folder / 'gone.json'}: cannot be read: No such file or directory\n"
    assert here("validate", "--quiet", folder / "2.json").stdout == "1 file: 1 kept\n"


def test_quiet_json_has_the_counts_of_all(folder: Path, here: Callable[..., Done]) -> None:
    document = json.loads(here("validate", "-q", "--json", folder).stdout)
    assert [Path(file["file"]).name for file in document["files"]] == ["1.json"]
    assert document["counts"] == {
        **{"files": 3, "kept": 2, "broken": 1, "unreadable": 0, "drift": 0}
    }


def test_drift_is_counted(folder: Path, here: Callable[..., Done]) -> None:
    (folder / "1.json").write_text(json.dumps(KEPT | {"new": 1}), encoding="utf-8")
    assert here("validate", folder, "-q").stdout == "3 files: 3 kept, 1 with drift\n"
    strict = here("validate", folder, "-q", "--strict")
    assert strict.returncode == 1
    assert strict.stdout.endswith("\n3 files: 2 kept, 1 broken, 1 with drift\n")


def test_many_files_are_counted_with_separators(tmp_path: Path, here: Callable[..., Done]) -> None:
    for number in range(1001):
        (tmp_path / f"{number}.json").write_bytes(ENCODED)
    assert here("validate", "-q", tmp_path).stdout == "1,001 files: 1,001 kept\n"


def test_folder_without_json_files_is_a_usage_error(
    folder: Path, here: Callable[..., Done]
) -> None:
    for name in ("1.json", "2.json", "10.json"):
        (folder / name).unlink()
    done = here("validate", folder)
    assert (done.returncode, done.stdout) == (2, "1 file: 1 unreadable\n")
    assert done.stderr == f"{folder}: is a folder without *.json: give one with saved responses\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and links")
def test_what_cannot_be_read_in_a_folder_loses_nothing(
    folder: Path, here: Callable[..., Done]
) -> None:
    os.mkfifo(folder / "pipe.json")
    (folder / "dangling.json").symlink_to("nowhere")
    (folder / "loop.json").symlink_to("loop.json")
    (folder / "linked.json").symlink_to("2.json")
    done = here("validate", folder)
    assert done.returncode == 1
    assert done.stdout.endswith("\n7 files: 3 kept, 1 broken, 3 unreadable\n")
    assert [line.removeprefix(f"{folder}/") for line in done.stderr.splitlines()] == [
        "dangling.json: cannot be read: No such file or directory",
        "loop.json: cannot be read: Too many levels of symbolic links",
        "pipe.json: cannot be read: it is no regular file",
    ]


def test_interrupted_run_shows_what_it_found(
    folder: Path, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SavedFile.read

    def interrupted(file: SavedFile) -> bytes:
        if file.name.endswith("2.json"):
            raise KeyboardInterrupt
        return read(file)

    monkeypatch.setattr(SavedFile, "read", interrupted)
    done = here("validate", folder)
    assert done.returncode == 1
    assert done.stdout.endswith("\n2 files: 1 kept, 1 broken\n")
    reason = "interrupted: the other files were not validated"
    assert done.stderr == f"retry-contract validate: {reason}\n"
    (folder / "1.json").unlink()
    assert here("validate", folder).returncode == 3
    document = json.loads(here("validate", "--json", folder).stdout)
    assert (document["outcome"], document["counts"]["files"]) == ("not tested", 1)
    assert document["reason"] == reason


def _zip(body: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("response.json", body)
    return stream.getvalue()


HAR = {"log": {"version": "1.2", "entries": []}}
FOREIGN = {
    "gzip": (gzip.compress(ENCODED), "is gzip: unpack it"),
    "zip": (_zip(ENCODED), "is a zip archive: unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfd rest", "is zstd: unpack it"),
    "curl -i": (b"HTTP/1.1 201 Created\r\n\r\n" + ENCODED, "is the output of curl -i, head"),
    "curl -i with HTTP 2": (
        b"HTTP/2 201\r\n\r\n" + ENCODED,
        "is the output of curl -i, headers and",
    ),
    "HAR": (json.dumps(HAR, indent=2).encode(), "is a HAR, which holds many exchanges: save the"),
    "HAR with a mark": (b"\xef\xbb\xbf" + json.dumps(HAR).encode(), "is a HAR, which holds many"),
    "JSON lines": (ENCODED + b"\n" + ENCODED + b"\n", "is JSON lines, one document a line: save"),
    "JSON lines, cut off": (b"{}\r\n\r\n{}\r\n{", "is JSON lines, one document a line: save each"),
}
BROKEN = {
    "two pretty documents": json.dumps(KEPT, indent=2).encode() * 2,
    "arrays on lines": b"[]\n[]\n",
    "a first line alone": b'{}\n{"a":',
    "log without entries": b'{"log": {}}',
    "log that is no object": b'{"log": []}',
    "HTTP further on": b" HTTP/1.1 201 Created",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_saved_response_is_named(
    name: str, tmp_path: Path, here: Callable[..., Done]
) -> None:
    body, said = FOREIGN[name]
    (tmp_path / "a.json").write_bytes(body)
    (tmp_path / "b.json").write_bytes(ENCODED)
    done = here("validate", tmp_path)
    assert done.returncode == 2
    assert done.stdout == f"{tmp_path / 'b.json'}: KEPT {AFTER}\n2 files: 1 kept, 1 unreadable\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{tmp_path / 'a.json'}: {said}")
    document = json.loads(here("validate", "--json", tmp_path / "a.json").stdout)
    assert document["outcome"] == "usage error"
    assert document["files"][0]["reason"].startswith(said)


@pytest.mark.parametrize("name", BROKEN)
def test_what_only_looks_like_another_format_is_broken(
    name: str, tmp_path: Path, here: Callable[..., Done]
) -> None:
    (tmp_path / "a.json").write_bytes(BROKEN[name])
    assert here("validate", tmp_path / "a.json").returncode == 1


CODE = "too_many_message_attempts_error"
NESTED = {"error": {"code": CODE, "message": "no", "type": "domain_error", "id": "trace"}}
FLAT = {"message": "no", "statusCode": 401}
SECRET = {"error": NESTED["error"] | {"code": "tan_ah_kow"}}
RETRIEVE = "it is a retrieve response"
OTHERS = {
    "nested envelope": (NESTED, f"it is an error response with the code {CODE}"),
    "a code that is not published": (SECRET, "it is an error response"),
    "flat envelope": (
        {"message": "no", "statusCode": 401},
        "it is an error response with the status 401",
    ),
    "retrieve": (sample("retrieve", latestStatus="sent"), RETRIEVE),
    "retrieve of before": (sample("retrieve", "before", latestStatus="failure"), RETRIEVE),
}


@pytest.mark.parametrize("contract", ["auto", "any", "before"])
@pytest.mark.parametrize("name", OTHERS)
def test_another_response_is_named_in_the_first_line(
    name: str, contract: str, tmp_path: Path, here: Callable[..., Done]
) -> None:
    payload, said = OTHERS[name]
    (tmp_path / "a.json").write_text(json.dumps(payload), encoding="utf-8")
    done = here("validate", "--contract", contract, tmp_path / "a.json")
    assert (done.returncode, done.stderr) == (1, "")
    first, *rest = done.stdout.splitlines()
    assert first.partition("; ")[2] == said
    assert rest[:2] == ["  at        the body", "  expected  the response of a retry"]
    assert len(rest) == 4
    document = json.loads(here("validate", "--json", tmp_path / "a.json").stdout)
    (file,) = document["files"]
    assert (file["remark"], file["keeps"], len(file["violations"])) == (said, [], 1)


@pytest.mark.parametrize("kind", ["single-send", "retrieve"])
def test_response_that_is_both_is_kept_with_drift_and_says_so(
    kind: Kind, tmp_path: Path, here: Callable[..., Done]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(sample(kind, latestStatus="created")), "utf-8")
    done = here("validate", tmp_path / "a.json")
    assert done.returncode == 0
    assert f"KEPT {AFTER}, with drift; it is a valid {kind} response too\n" in done.stdout


@pytest.mark.parametrize("extra", [{}, {"language": "english"}])
def test_status_that_is_not_reset_is_no_other_response(
    extra: dict[str, str], tmp_path: Path, here: Callable[..., Done]
) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps(KEPT | {"latestStatus": "failure"} | extra), "utf-8"
    )
    lines = here("validate", tmp_path / "a.json").stdout.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'a.json'}: BROKEN {AFTER}")
    assert "it is" not in lines[0]
    assert lines[1] == "  at        /latestStatus"


def test_superseded_contract_comes_before_another_response(
    tmp_path: Path, here: Callable[..., Done]
) -> None:
    payload = sample("single-send", "before", latestStatus="created")
    (tmp_path / "a.json").write_text(json.dumps(payload), encoding="utf-8")
    lines = here("validate", tmp_path / "a.json").stdout.splitlines()
    assert f"BROKEN {AFTER}, with drift; it keeps {BEFORE} (superseded at " in lines[0]
    assert lines[1] == "  at        /creatorId"


def test_nearly_an_error_response_is_shown_by_its_members(
    tmp_path: Path, here: Callable[..., Done]
) -> None:
    (tmp_path / "a.json").write_text('{"message": "no"}', encoding="utf-8")
    assert here("validate", tmp_path / "a.json").stdout.count("  came      absent") == 10
