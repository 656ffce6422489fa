"""`sandbox --env-file`, and the environment of `--run`."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest
from support.started import document_of, started, variables_in, wait_until_written

from retry_contract.cli import env_file, sandbox
from retry_contract.outcome import UsageError
from retry_contract.service.controls import STATES

Done = CompletedProcess[str]
Here = Callable[..., Done]

MESSAGE = "RETRY_CONTRACT_MESSAGE_"
NAMES = [
    "RETRY_CONTRACT_ENDPOINT",
    "POSTMAN_API_KEY",
    "RETRY_CONTRACT_CAMPAIGN",
    "RETRY_CONTRACT_MESSAGES",
    "RETRY_CONTRACT_FOREIGN_CAMPAIGN",
    "RETRY_CONTRACT_REVOKED_KEY",
    "RETRY_CONTRACT_SANDBOX",
    *(MESSAGE + name for name in ("FAILURE", "CREATED", "ENQUEUED", "SENDING", "SENT")),
    *(MESSAGE + name for name in ("SENT_TO_TELCO", "SUCCESS", "ATTEMPTS_SPENT")),
    *(MESSAGE + f"BATCH_{name}" for name in ("MESSAGES_ENQUEUED", "MESSAGES_ENQUEUING_FAILED")),
    *(MESSAGE + name for name in ("BATCH_SUCCESS", "BATCH_OTHER", "BEFORE_CUTOVER")),
    *(MESSAGE + name for name in ("OTHER_CREATOR", "SPECIAL_VALUES")),
]
PRINT = (
    "import os; [print(n, v, sep='=') for n, v in os.environ.items() if n[:5] in ('RETRY','POSTM')]"
)


def files_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_command_has_the_sandbox_in_its_environment(here: Here, tmp_path: Path) -> None:
    run = f'"{sys.executable}" -c "{PRINT}; raise SystemExit(7)" > "{tmp_path / "out"}"'
    done = here("sandbox", "--port", "0", "--cutover-in", "1", "--run", run)
    assert (done.returncode, done.stderr) == (7, "")
    found = variables_in((tmp_path / "out").read_text(encoding="utf-8"))
    assert sorted(found) == sorted([*NAMES, "RETRY_CONTRACT_SANDBOX_COMMAND"])
    command = "retry-contract sandbox --port 0 --cutover-in 1"
    assert found["RETRY_CONTRACT_SANDBOX_COMMAND"] == command
    ids = [found[MESSAGE + re.sub("[^A-Z]", "_", state.upper())] for state in STATES]
    assert ",".join(ids) == found["RETRY_CONTRACT_MESSAGES"]


def test_file_is_there_while_it_serves(shell: dict[str, str], tmp_path: Path) -> None:
    with started(shell, "--json", "--env-file", "s.env", cwd=tmp_path) as process:
        text = wait_until_written(tmp_path / "s.env")
        found = variables_in(text)
        response = httpx.get(found["RETRY_CONTRACT_SANDBOX"] + "/", trust_env=False)
        served = document_of(process)
        assert files_in(tmp_path) == ["s.env"]
        process.terminate()
        process.communicate(timeout=10)
    assert files_in(tmp_path) == []
    assert list(found) == NAMES
    assert text.endswith("\n")
    assert all(re.fullmatch(r"[A-Z_]+=[A-Za-z0-9_.:/,-]+", line) for line in text.splitlines())
    for described in (served, response.json()):
        assert found["POSTMAN_API_KEY"] == described["key"]
        assert found["RETRY_CONTRACT_FOREIGN_CAMPAIGN"] == described["foreign"]["campaign"]
        for state, message in described["messages"].items():
            assert found[MESSAGE + re.sub("[^A-Z]", "_", state.upper())] == message


@pytest.mark.parametrize(
    ("own", "said"),
    [({}, ""), ({"NO_PROXY": "a.example"}, "a.example,"), ({"no_proxy": "b"}, "b,")],
)
def test_command_asks_past_the_proxies(
    own: dict[str, str], said: str, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    script = "import os; print(os.environ['NO_PROXY'], os.environ['no_proxy'])"
    out = tmp_path / "out"
    done = here("sandbox", "--port", "0", "--run", f'"{sys.executable}" -c "{script}" > "{out}"')
    assert done.returncode == 0
    assert out.read_text(encoding="utf-8").split() == [f"{said}127.0.0.1,localhost"] * 2


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_shell_sources_the_file(here: Here, tmp_path: Path) -> None:
    file, out = tmp_path / "s.env", tmp_path / "out"
    run = f'env -i sh -euc \'. "{file}"; set\' > "{out}"; [ -f "{file}" ]'
    done = here("sandbox", "--port", "0", "--env-file", file, "--run", run)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(NAMES) <= {line.partition("=")[0] for line in out.read_text().splitlines()}
    assert not file.exists()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


EARLIER = ["", "".join(f"{name}=http://127.0.0.1:1\n" for name in NAMES)]


@pytest.mark.parametrize("content", EARLIER, ids=["empty", "of a sandbox"])
def test_file_of_an_earlier_sandbox_is_gone_even_if_this_one_does_not_start(
    content: str, taken: int, here: Here, tmp_path: Path
) -> None:
    file = tmp_path / "s.env"
    file.write_text(content, encoding="utf-8")
    done = here("sandbox", "--port", taken, "--env-file", file)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert files_in(tmp_path) == []


OWN = [
    " ",
    "SECRET=1\n",
    "SECRET=1\nRETRY_CONTRACT_ENDPOINT=http://127.0.0.1:1\n",
    "RETRY_CONTRACT_ENDPOINT=https://test.postman.gov.sg/api/v2\nPOSTMAN_API_KEY=made_up\n",
    "RETRY_CONTRACT_ENDPOINT=http://127.0.0.1:8000/api/v2\nPOSTMAN_API_KEY=made_up\n",
    "POSTMAN_API_KEY=made_up\nRETRY_CONTRACT_SANDBOX=http://127.0.0.1:1\nSECRET=1\n",
]


@pytest.mark.parametrize("content", OWN)
def test_file_that_no_sandbox_wrote_is_kept(content: str, here: Here, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(content, encoding="utf-8")
    done = here("sandbox", "--port", "0", "--env-file", file, "--run", "exit 0")
    assert (done.returncode, done.stderr) == (
        2,
        f"retry-contract sandbox: --env-file {file}: is there, and no sandbox wrote it; "
        "give the name of a new file\n",
    )
    assert file.read_text(encoding="utf-8") == content


def test_file_of_the_next_sandbox_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "s.env"
    with env_file.published(file, {"A": "b"}):
        file.write_text("A=c\n", encoding="utf-8")
    assert file.read_text(encoding="utf-8") == "A=c\n"


def test_place_where_no_file_can_be_written_is_refused_before_anything_is_served(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_serve", lambda *_: pytest.fail("it is served"))
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    reasons = {
        "": "the name of the file is empty",
        ".": "is a folder; give the name of a new file",
        "none/s.env": "No such file or directory",
        "file/s.env": "Not a directory",
        "link": "is there, and no sandbox wrote it; give the name of a new file",
    }
    for name, reason in reasons.items():
        done = here("sandbox", "--env-file", tmp_path / name if name else " ")
        (line,) = done.stderr.splitlines()
        assert (done.returncode, line.endswith(reason)) == (2, True), line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_pipe_is_not_waited_for(here: Here, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert here("sandbox", "--env-file", tmp_path / "pipe").returncode == 2


@pytest.mark.parametrize("links", [True, False])
def test_file_that_came_while_it_started_is_kept(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", link)
    file = tmp_path / "s.env"
    file.write_text("SECRET=1\n", encoding="utf-8")
    refused = pytest.raises(UsageError, match=r"s\.env: File exists")
    with refused, env_file.published(file, {"A": "b"}):
        pytest.fail("it is published")
    assert (file.read_text(encoding="utf-8"), files_in(tmp_path)) == ("SECRET=1\n", ["s.env"])


def test_file_is_moved_where_a_folder_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", link)
    with env_file.published(tmp_path / "s.env", {"A": "b"}):
        assert files_in(tmp_path) == ["s.env"]
    assert files_in(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    with env_file.published(tmp_path / "s.env", {"A": "b"}):
        assert (tmp_path / "s.env").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_pipe_in_its_place_is_not_waited_for_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "s.env"
    with env_file.published(file, {"A": "b"}):
        file.unlink()
        os.mkfifo(file)
    assert files_in(tmp_path) == ["s.env"]


def test_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", replace)
    monkeypatch.setattr(Path, "replace", replace)
    refused = pytest.raises(UsageError, match=r"s\.env: No space left on device")
    with refused, env_file.published(tmp_path / "s.env", {"A": "b"}):
        pytest.fail("it is published")
    assert files_in(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, before[1]))
    try:
        refused = pytest.raises(UsageError, match=r"s\.env: File too large")
        with refused, env_file.published(tmp_path / "s.env", {"A": "b" * 100}):
            pytest.fail("it is published")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files_in(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_file_is_gone_when_the_command_was_ended(here: Here, tmp_path: Path) -> None:
    file = tmp_path / "s.env"
    words = ("--env-file", file, "--run", "kill -TERM $PPID; sleep 60")
    done = here("sandbox", "--port", "0", *words)
    assert (done.returncode, files_in(tmp_path)) == (143, [])
