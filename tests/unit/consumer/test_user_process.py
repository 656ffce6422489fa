"""Processes of the user's code: what they print is bounded, searched, and ends with them."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from retry_contract.consumer.process.user_environment import isolated_environment, own_environment
from retry_contract.consumer.process.user_process import (
    Output,
    ProcessPool,
    UserProcess,
    check_started,
    read_command,
)
from retry_contract.outcome import UsageError

RUNNING = "retry_contract.consumer.process.user_process"
SECRET = "key_test_0123456789abcdef"
PYTHON = [sys.executable, "-I", "-S", "-c"]
WAITS = "import sys; sys.stdin.read()"
HANG = 30.0
"""Seconds after which a test fails that would hang."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes here")


def assert_freed(running: UserProcess) -> None:
    """Assert that nobody waits for a line of a process, long before the timeout is over."""
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        running.next_line(HANG)
    assert time.monotonic() - begin < HANG / 2


class Start(Protocol):
    def __call__(self, code: str, secret: str = "") -> UserProcess: ...


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code, and stop it after the test."""
    with contextlib.ExitStack() as stack:

        def start_code(code: str, secret: str = "") -> UserProcess:
            running = UserProcess([*PYTHON, code], secret=secret)
            stack.callback(running.stop)
            return running

        yield start_code


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return what is set once a queue of lines is full, and a line waits for it."""
    event = threading.Event()

    class Watched(queue.Queue[Any]):
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            try:
                super().put(item, block, timeout)
            except queue.Full:
                event.set()
                raise

    monkeypatch.setattr(queue, "Queue", Watched)
    return event


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (b"", []),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb", ["a", "b"]),
        (b"\n \n", ["", " "]),
        (b"\xff\xc3\xa9\n", ["\ufffdé"]),
    ],
)
def test_output_is_read_line_by_line_to_its_end(
    start: Start, output: bytes, lines: list[str]
) -> None:
    running = start(f"import os; os.write(1, {output!r})")
    assert [*running.lines(HANG)] == lines
    assert running.stop() == 0


def test_input_is_written_while_output_is_read(start: Start) -> None:
    running = start("import sys\nfor line in sys.stdin: sys.stdout.write(line)")
    running.send("".join(f"{number}\n" for number in range(50_000)), last=True)
    assert [*running.lines(HANG)] == [str(number) for number in range(50_000)]


def test_input_stays_open_until_its_last_lines(start: Start) -> None:
    running = start("import sys\nfor line in sys.stdin: print(line.strip(), flush=True)")
    running.send("1\n", last=False)
    assert running.next_line(HANG) == "1"
    running.send("2\n", last=True)
    assert running.next_line(HANG) == "2"
    assert running.next_line(HANG) is None


def test_input_that_nobody_reads_is_dropped(start: Start) -> None:
    running = start("import os; os.close(0); print('on', flush=True)")
    assert running.next_line(HANG) == "on"
    running.send("x\n" * 100_000, last=True)
    assert running.next_line(HANG) is None
    assert running.stop() == 0


def test_standard_error_is_read_though_nobody_asks_for_it(start: Start) -> None:
    running = start("import os; os.write(2, b'x' * 1_000_000 + b'\\nlast\\n'); os.write(1, b'ok')")
    assert [*running.lines(HANG)] == ["ok"]
    running.stop()
    assert running.errors.reason == "last"


def test_waiting_for_a_line_ends_after_the_timeout(start: Start) -> None:
    running = start(WAITS)
    with pytest.raises(TimeoutError):
        running.next_line(0.01)
    assert running.is_alive()


def test_the_timeout_of_lines_is_for_all_of_them(start: Start) -> None:
    code = "import time\nwhile True: print('x', flush=True); time.sleep(0.01)"
    with pytest.raises(TimeoutError):
        [*itertools.islice(start(code).lines(0.1), 1_000)]


def test_output_that_never_ends_is_not_read_beyond_the_timeout(
    start: Start, held: threading.Event
) -> None:
    def read(running: UserProcess) -> None:
        for _ in itertools.islice(running.lines(0), 5):  # with a full queue before each
            held.clear()
            assert held.wait(HANG)

    running = start("while True: print('x')")
    assert held.wait(HANG)
    with pytest.raises(TimeoutError):
        read(running)


def test_who_waits_for_a_line_is_freed_by_another_thread(start: Start) -> None:
    running = start(WAITS)
    thread = threading.Thread(target=running.give_up)
    thread.start()
    assert_freed(running)
    thread.join()


def test_a_process_that_prints_without_end_is_given_up_too(
    start: Start, held: threading.Event
) -> None:
    running = start("while True: print('x')")
    assert held.wait(HANG)
    running.give_up()
    with pytest.raises(TimeoutError):
        [*itertools.islice(running.lines(HANG), 1_000)]


def test_a_process_is_held_up_while_nobody_reads_its_lines(
    start: Start, held: threading.Event
) -> None:
    running = start("for number in range(20_000): print(f'{number:0100d}')")
    assert held.wait(HANG)
    assert running.is_alive()
    assert [*running.lines(HANG)] == [f"{number:0100d}" for number in range(20_000)]
    assert running.stop() == 0


def test_of_a_line_that_is_too_long_the_beginning_is_read_and_the_rest_passed_over(
    start: Start, held: threading.Event
) -> None:
    running = start("import os\nfor _ in range(60): os.write(1, b'x' * 50_000)\nprint('\\nlast')")
    assert held.wait(HANG)
    assert running.is_alive()
    assert [*running.lines(HANG)] == ["x" * 2**20, "last"]
    assert running.stop() == 0


def test_a_line_without_end_is_waited_for_no_longer_than_another(start: Start) -> None:
    running = start("import os\nwhile True: os.write(1, b'x' * 50_000)")
    assert len(running.next_line(HANG) or "") == 2**20
    with pytest.raises(TimeoutError):
        running.next_line(0.2)


def test_of_output_that_nobody_reads_a_mebibyte_waits(start: Start, held: threading.Event) -> None:
    running = start("import os\nwhile True: os.write(1, b'x' * 50_000)")
    assert held.wait(HANG)
    assert sum(map(len, vars(running)["_parts"].queue)) <= 2**20


def test_a_process_that_is_held_up_can_be_stopped(start: Start, held: threading.Event) -> None:
    running = start("while True: print('x')")
    assert held.wait(HANG)
    assert running.stop() != 0
    assert not running.is_alive()


@pytest.mark.parametrize("number", [1, 2], ids=["output", "errors"])
@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"Authorization: Bearer {SECRET}\n",
        "x" * 90 + SECRET,
        "x" * 190 + SECRET + "\n",
        "x" * 75 + SECRET + "y" * 1_000 + "\n",
        f"one\n{SECRET}\n" + "more\n" * 1_000,
    ],
)
def test_a_secret_in_the_output_or_standard_error_is_found(
    start: Start, text: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{RUNNING}._LONGEST_PART", 100)
    running = start(f"import os; os.write({number}, {text.encode()!r})", SECRET)
    assert len([*running.lines(HANG)]) > 0 or number == 2
    running.stop()
    leaks = [running.output.leak, running.errors.leak]
    assert SECRET in leaks[number - 1]
    assert leaks[2 - number] == ""


def test_a_secret_in_lines_that_nobody_read_is_found(start: Start, held: threading.Event) -> None:
    code = f"print('x\\n' * 100 + '{SECRET}', flush=True); import time; time.sleep(60)"
    running = start(code, SECRET)
    assert held.wait(HANG)
    running.stop()
    assert running.output.leak == SECRET


@pytest.mark.parametrize("secret", ["", SECRET])
def test_output_without_the_secret_leaks_nothing(start: Start, secret: str) -> None:
    running = start(f"print('{SECRET[:-1]}'); print('{SECRET[-1]}')", secret)
    assert len([*running.lines(HANG)]) == 2
    running.stop()
    assert (running.output.leak, running.errors.leak) == ("", "")


@pytest.mark.parametrize("at", range(1, len(SECRET)))
def test_a_secret_that_is_split_over_two_parts_of_a_line_is_found(at: int) -> None:
    printed = Output(SECRET)
    text = f"{'x' * 1_000}{SECRET}{'y' * 1_000}".encode()
    for part in (text[: 1_000 + at], text[1_000 + at :], b"\n"):
        printed.feed(part)
    assert SECRET in printed.leak


def test_the_first_line_with_the_secret_is_kept() -> None:
    printed = Output(SECRET)
    for line in ("none", f"first {SECRET}", f"second {SECRET}", "none"):
        printed.feed(f"{line}\n".encode())
    assert printed.leak == f"first {SECRET}"


def test_a_secret_is_not_put_together_from_two_lines() -> None:
    printed = Output(SECRET)
    printed.feed(f"{SECRET[:9]}\n".encode())
    printed.feed(f"{SECRET[9:]}\n".encode())
    assert printed.leak == ""


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        ([], ""),
        ([b"one\n", b"two\n", b"\n", b"  \n"], "two"),
        ([b"\x1b[31mred\n"], "\\x1b[31mred"),
        ([b"\xff\n"], "\ufffd"),
        ([b"x" * 1_000_000], "x" * 10_000),
        ([b"ValueError: no\n", b"  at x\n", b"bye\n"], "ValueError: no"),
    ],
)
def test_the_last_line_that_is_not_blank_is_kept_printable_and_bounded(
    lines: list[bytes], last: str
) -> None:
    printed = Output()
    for line in lines:
        printed.feed(line)
    assert printed.reason == last


@pytest.mark.parametrize(
    ("code", "described"),
    [
        ("", "ended with exit status 0"),
        ("import sys; sys.exit(3)", "ended with exit status 3"),
        ("import sys; sys.exit('out of ideas\\n')", "ended with exit status 1: out of ideas"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "ended by signal 9", marks=posix),
    ],
)
def test_the_end_is_described_by_its_status_and_last_error(
    start: Start, code: str, described: str
) -> None:
    running = start(code)
    assert [*running.lines(HANG)] == []
    assert running.describe(running.stop()) == described


def test_a_process_that_has_closed_its_output_may_end_by_itself(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{RUNNING}._PATIENCE_AT_THE_END", HANG)
    running = start("import os, time; os.close(1); time.sleep(0.1); os._exit(3)")
    assert [*running.lines(HANG)] == []
    assert running.stop() == 3


def test_a_process_that_still_runs_is_ended(start: Start) -> None:
    running = start(WAITS)
    assert running.is_alive()
    status = running.stop()
    assert status != 0
    assert not running.is_alive()
    assert running.stop() == status


@posix
@pytest.mark.parametrize("parent", ["child.wait()", "os._exit(0)"])
def test_children_are_ended_with_the_process(start: Start, parent: str, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    other_end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    child = f"held = open({str(fifo)!r}, 'w'); print('on', flush=True); import time; time.sleep(60)"
    running = start(
        "import os, subprocess\n"
        f"words, null = {[*PYTHON, child]!r}, subprocess.DEVNULL\n"
        "child = subprocess.Popen(words, stdin=null, stdout=subprocess.PIPE, stderr=null)\n"
        "child.stdout.readline()\n"
        "print('on', flush=True)\n" + parent
    )
    assert running.next_line(HANG) == "on"
    assert not select.select([other_end], [], [], 0)[0]
    running.stop()
    assert select.select([other_end], [], [], HANG)[0]  # the child held it open until it ended
    assert os.read(other_end, 1) == b""
    os.close(other_end)


@posix
def test_a_child_that_left_the_group_keeps_nobody_waiting(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{RUNNING}._PATIENCE_AT_THE_END", 0.01)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    child = f"print('on', flush=True); open({str(fifo)!r}).read()"
    words = [*PYTHON, child]
    running = start(f"import subprocess; subprocess.run({words!r}, start_new_session=True)")
    assert running.next_line(HANG) == "on"
    running.stop()
    assert not running.is_alive()
    monkeypatch.setattr(f"{RUNNING}._PATIENCE_AT_THE_END", HANG)
    fifo.write_text("")  # the child ends, and with it the threads that read its output
    running.stop()


def test_a_process_has_the_environment_that_it_is_given() -> None:
    code = "import os; print(os.environ.get('GIVEN'), os.environ.get('HOME'))"
    running = UserProcess([*PYTHON, code], {"GIVEN": "here"})
    assert [*running.lines(HANG)] == ["here None"]
    running.stop()


@posix
@pytest.mark.parametrize(
    ("mode", "reason"), [(0o600, "Permission denied"), (0o700, "Exec format error")]
)
def test_what_is_no_program_cannot_be_started(mode: int, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no program")
    file.chmod(mode)
    with pytest.raises(UsageError, match=f"^the command cannot be started: {reason}$"):
        UserProcess([str(file)])


def test_processes_are_given_up_together_after_an_error() -> None:
    group = ProcessPool()
    running = [group.add(UserProcess([*PYTHON, WAITS])) for _ in range(3)]
    with pytest.raises(ZeroDivisionError):
        group.results([lambda: 1 / 0])
    late = group.add(UserProcess([*PYTHON, WAITS]))
    for each in (*running, late):
        assert_freed(each)
        assert group.stop(each) != 0


def test_processes_are_not_given_up_without_an_error() -> None:
    group = ProcessPool()
    (running,) = group.results([lambda: group.add(UserProcess([*PYTHON, "print('on')"]))])
    assert [*running.lines(HANG)] == ["on"]
    assert group.stop(running) == 0


def test_a_process_of_a_group_is_searched_for_the_secret() -> None:
    group = ProcessPool()
    running = group.add(
        UserProcess([*PYTHON, "import os; print(os.environ['KEY'])"], {"KEY": SECRET}, SECRET)
    )
    assert running.next_line(HANG) == SECRET
    group.stop(running)
    assert running.output.leak == SECRET


def test_a_command_is_split_as_by_a_shell() -> None:
    words = read_command("sh -c 'echo \"a b\"' c", windows=False)
    assert words[1:] == ["-c", 'echo "a b"', "c"]
    assert Path(words[0]).is_absolute()


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('npm run --silent "my check"', ' run --silent "my check"'),
        ('  "npm" run', " run"),
        ("npm", ""),
        ("npm ' a'", " ' a'"),
    ],
)
def test_on_windows_the_quoting_stays_and_the_program_is_looked_for(
    text: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"npm": r"C:\Program Files\nodejs\npm.cmd"}
    monkeypatch.setattr("shutil.which", found.get)
    assert read_command(text, windows=True) == rf'"C:\Program Files\nodejs\npm.cmd"{rest}'


@pytest.mark.parametrize(
    ("text", "windows", "reason"),
    [
        ("no-such-program a", False, "'no-such-program' is no program in the PATH"),
        ("no-such-program a", True, "'no-such-program' is no program in the PATH"),
        ('"no such program" a', True, "'no such program' is no program in the PATH"),
        ("", False, "the command is empty"),
        ("", True, "'' is no program in the PATH"),
        ("sh -c 'a", False, "No closing quotation; quote it as for a shell"),
    ],
)
def test_a_command_that_cannot_be_read_says_why(text: str, windows: bool, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_command(text, windows=windows)


@pytest.mark.parametrize("status", [126, 127])
def test_a_status_may_say_that_the_command_was_not_started(status: int) -> None:
    with pytest.raises(UsageError, match=r"^the command cannot be started: "):
        check_started(status)


@pytest.mark.parametrize("status", [0, 1, 125, 128, -9])
def test_any_other_status_is_the_command_s_own(status: int) -> None:
    check_started(status)


def test_an_environment_apart_holds_no_key_and_no_proxy_of_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("POSTMAN_API_KEY", "POSTMAN_API_KEY_OLD", "RETRY_CONTRACT_ENDPOINT", "OTHER"):
        monkeypatch.setenv(name, "of the user")
    for name in ("https_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.setenv(name, "of-the-user")
    found = isolated_environment({"RETRY_CONTRACT_MESSAGES": "message_1"})
    ours = ("POSTMAN_API_KEY", "RETRY_CONTRACT_")
    assert {name: text for name, text in found.items() if name.startswith(ours)} == {
        "POSTMAN_API_KEY": "key_test_of_nobody",
        "RETRY_CONTRACT_MESSAGES": "message_1",
    }
    assert [name for name, text in found.items() if text == "of the user"] == ["OTHER"]
    proxies = {text for name, text in found.items() if name.lower().endswith("_proxy")}
    assert proxies == {"http://127.0.0.1:9", "127.0.0.1"}


def test_what_is_given_counts_in_an_environment_apart() -> None:
    found = isolated_environment({"POSTMAN_API_KEY": "given", "https_proxy": "given"})
    assert (found["POSTMAN_API_KEY"], found["https_proxy"]) == ("given", "given")


ANOTHER_THREAD = """
import signal, threading, time
from retry_contract.consumer.process.user_process import ProcessPool

pool = ProcessPool()

def work():
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    while not pool.over:
        time.sleep(0.01)

try:
    pool.results([work])
except KeyboardInterrupt:
    print(pool.over)
"""


@posix
def test_a_signal_that_reaches_another_thread_ends_the_wait() -> None:
    # In a process whose main thread runs it: only there is a signal handled.
    words = [sys.executable, "-c", ANOTHER_THREAD]
    assert subprocess.run(words, capture_output=True, text=True, timeout=60).stdout == "True\n"


def test_a_reader_has_the_users_environment_but_for_the_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSTMAN_API_KEY", "key_live_1")
    monkeypatch.setenv("RETRY_CONTRACT_CAMPAIGN", "campaign_1")
    monkeypatch.delenv("RETRY_CONTRACT_REVOKED_KEY", raising=False)
    changed = {"POSTMAN_API_KEY": "key_test_of_nobody"}
    assert own_environment() == {**os.environ, **changed}
