"""Readers as processes: which payload a crash, a hang or noise is laid to."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from retry_contract.consumer.process import readers
from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.process.readers import LineReader, PerPayloadReader, python_reader
from retry_contract.consumer.process.user_process import UserProcess
from retry_contract.outcome import UsageError

GIVEN = [f'"{number}"' for number in range(12)]
PYTHON = [sys.executable, "-I", "-S", "-c"]
HANG = 30.0
"""Seconds after which a test fails that would hang."""

LOOP = "import os, sys\nfor line in sys.stdin:\n    n = int(line.strip()[1:-1])\n    "
ONCE = "import os, sys; n = int(sys.stdin.read().strip()[1:-1]); "
WAIT = "(print('waiting', file=sys.stderr, flush=True), os.read(os.pipe()[0], 1))"
PROCESS_ID = "print('ok', os.getpid(), flush=True)"


@pytest.fixture(autouse=True)
def _buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process that ends at once lose its lines, as most programs do on a pipe."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture
def _waiting_is_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the timeout be over once a process says that it waits, and no sooner."""
    next_line = UserProcess.next_line

    def next_line_or_hang(running: UserProcess, timeout: float) -> str | None:
        for _ in range(int(timeout / 0.05)):
            said = running.errors.reason
            with contextlib.suppress(TimeoutError):
                return next_line(running, 0.05)
            if said == "waiting":
                break
        raise TimeoutError

    monkeypatch.setattr(UserProcess, "next_line", next_line_or_hang)


def ask(code: str, given: Sequence[str] = GIVEN) -> list[Attempt | None]:
    with contextlib.closing(LineReader([*PYTHON, code], HANG)) as reader:
        return reader.ask(given)


def ask_each(code: str, given: Sequence[str] = GIVEN[:3]) -> list[Attempt | None]:
    return PerPayloadReader([*PYTHON, code], HANG).ask(given)


def ask_alone(code: str, given: Sequence[str] = GIVEN) -> list[Attempt | None]:
    with contextlib.closing(LineReader([*PYTHON, code], HANG)) as reader:
        return reader.ask_alone(given)


def endings(attempts: Sequence[Attempt | None]) -> str:
    """Return a letter an attempt: r for read, the first of another ending, - for not tried."""
    letters = {Ending.READ: "r", Ending.RAISED: "R", Ending.CRASHED: "C", Ending.HUNG: "H"}
    return "".join("-" if a is None else letters.get(a.ending, "N") for a in attempts)


def error_of(attempt: Attempt | None) -> str:
    return "" if attempt is None else attempt.error


def reads(attempts: Sequence[Attempt | None]) -> list[object]:
    return [attempt.read for attempt in attempts if attempt and attempt.returned]


def test_each_line_has_its_attempt() -> None:
    found = ask(LOOP + "print('error odd' if n % 2 else f'ok {n}')")
    assert endings(found) == "rR" * 6
    assert reads(found) == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("flush", [True, False])
def test_a_crash_is_laid_to_the_line_that_causes_it(flush: bool) -> None:
    crash = "if n == 5: print('out of ideas', file=sys.stderr); sys.stderr.flush(); os._exit(3)"
    found = ask(LOOP + f"{crash}\n    print('ok', n, flush={flush})")
    assert endings(found) == "rrrrrCrrrrrr"
    assert error_of(found[5]) == "ended with exit status 3: out of ideas"
    assert reads(found) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]


def test_a_crash_far_on_is_found_though_all_lines_are_lost_with_it() -> None:
    given = [f'"{number}"' for number in range(200)]
    found = ask(LOOP + "n == 150 and os._exit(3)\n    print('ok')", given)
    assert endings(found) == "r" * 150 + "C" + "r" * 49


@pytest.mark.parametrize("flush", [True, False])
def test_after_three_crashes_no_more_is_tried(flush: bool) -> None:
    found = ask(LOOP + f"print('ok', flush={flush}) if n < 1 else os._exit(3)")
    assert endings(found) == "rCCC--------"


def test_after_noise_three_times_no_more_is_tried() -> None:
    assert endings(ask(LOOP + "print('DEBUG' if n else 'ok')")) == "rNNN--------"


@pytest.mark.usefixtures("_waiting_is_a_hang")
@pytest.mark.parametrize("flush", [True, False])
def test_after_a_hang_which_is_laid_to_its_line_no_more_is_tried(flush: bool) -> None:
    found = ask(LOOP + f"print('ok', flush={flush}) if n != 2 else {WAIT}")
    assert endings(found) == "rrH---------"
    assert error_of(found[2]) == f"no line within {HANG:g} s"


@pytest.mark.usefixtures("_waiting_is_a_hang")
def test_a_hang_at_the_first_line_names_the_option_for_a_slow_start() -> None:
    with pytest.raises(UsageError, match=r"first payload; if it starts slowly, give --timeout"):
        ask(LOOP + WAIT)


@pytest.mark.parametrize("flush", [True, False])
def test_noise_is_laid_to_the_line_that_causes_it(flush: bool) -> None:
    found = ask(LOOP + f"print('DEBUG' if n == 4 else f'ok {{n}}', flush={flush})")
    assert endings(found) == "rrrrNrrrrrrr"
    assert error_of(found[4]) == "wrote the line: DEBUG"
    assert reads(found) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_a_line_too_many_puts_no_other_line_out_of_step() -> None:
    found = ask(LOOP + "print(f'ok {n}\\nok' if n == 4 else f'ok {n}')")
    assert endings(found) == "rrrrNrrrrrrr"
    assert error_of(found[4]) == "wrote a line too many: ok"
    assert reads(found) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_what_only_happens_after_other_lines_is_laid_to_none() -> None:
    code = "import os, sys\nfor at, line in enumerate(sys.stdin):\n    "
    found = ask(code + "at > 6 and os._exit(3)\n    print('ok')")
    assert endings(found) == "r" * 12


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (LOOP + "print('DEBUG')", "^it wrote the line: DEBUG; .* logs go to standard error$"),
        (LOOP + "print()", r"^it wrote the line: \(an empty one\); .* logs go to standard error$"),
        (LOOP + "print('ok\\nok')", "^it wrote a line too many: ok; .* logs go to standard error$"),
        (
            "import no_such",
            "^without any payload it ended with exit status 1: ModuleNotFoundError: ",
        ),
        ("import sys; sys.stdin.read()", "must read lines until its input ends .*--per-payload$"),
    ],
)
def test_what_never_keeps_to_the_protocol_is_a_usage_error(code: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        ask(code)


def test_a_command_that_crashes_on_each_line_alone_is_no_usage_error() -> None:
    assert endings(ask(LOOP + "os._exit(3)")) == "CCC---------"


def test_a_command_that_ends_after_each_line_is_a_usage_error() -> None:
    given = [f'"{number}"' for number in range(30)]
    with pytest.raises(
        UsageError, match=r"for one that takes a single payload, give --per-payload$"
    ):
        ask("import sys; line = sys.stdin.readline(); print('ok')", given)


def test_a_program_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no program")
    with pytest.raises(UsageError, match=r"^the command cannot be started: "):
        LineReader([str(file)], HANG).ask(GIVEN)


def test_the_lines_of_a_batch_are_read_in_one_process() -> None:
    assert len({*map(str, reads(ask(LOOP + PROCESS_ID)))}) == 1


def test_alone_each_line_is_read_in_a_new_process() -> None:
    with contextlib.closing(LineReader([*PYTHON, LOOP + PROCESS_ID], HANG)) as reader:
        found = reads(reader.ask(GIVEN[:1]) + reader.ask_alone(GIVEN[:6]))
    assert len({*map(str, found)}) == 7


def test_alone_each_line_has_its_own_ending() -> None:
    code = LOOP + "n == 1 and os._exit(3)\n    print('DEBUG' if n in (2, 3, 4) else f'ok {n}')"
    with contextlib.closing(LineReader([*PYTHON, code], HANG)) as reader:
        found = reader.ask_alone(GIVEN[:6])
    assert endings(found) == "rCNNNr"
    assert reads(found) == [0, 5]


@pytest.mark.usefixtures("_waiting_is_a_hang")
def test_alone_a_hang_keeps_no_other_line_from_being_read() -> None:
    code = LOOP + f"{WAIT} if n < 2 else print('ok', flush=True)\nsys.exit(1)"
    with contextlib.closing(LineReader([*PYTHON, code], HANG)) as reader:
        assert endings(reader.ask_alone(GIVEN[:3])) == "HHr"


Write = Callable[[str], None]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the module `app`, in the folder that the host imports from."""
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> None:
        (tmp_path / "app.py").write_text(source, "utf-8")

    return write


def ask_python(given: Sequence[str] = GIVEN, target: str = "app:read") -> list[Attempt | None]:
    with contextlib.closing(python_reader(target, HANG)) as reader:
        return reader.ask(given)


def test_a_python_reader_stays_for_the_next_lines(module: Write) -> None:
    module("import os\ndef read(response): return os.getpid()")
    with contextlib.closing(python_reader("app:read", HANG)) as reader:
        same = {*map(str, reads(reader.ask(GIVEN[:2]) + reader.ask(GIVEN[:2])))}
        others = {*map(str, reads(reader.ask_alone(GIVEN[:2])))}
    assert (len(same), len(others), len(same | others)) == (1, 2, 3)


def test_a_python_reader_that_crashes_is_started_again(module: Write) -> None:
    module(
        "import os\ndef read(response):\n"
        "    if response == '1': os._exit(3)\n"
        "    if response == '2': raise KeyError(response)\n"
        "    return response"
    )
    found = ask_python(GIVEN[:5])
    assert endings(found) == "rCRrr"
    assert error_of(found[1]) == "ended with exit status 3"
    assert error_of(found[2]) == "KeyError: '2'"
    assert reads(found) == ["0", "3", "4"]


@pytest.mark.usefixtures("_waiting_is_a_hang")
def test_after_a_hang_of_a_python_reader_the_next_lines_have_a_new_process(module: Write) -> None:
    module(f"import os, sys\ndef read(n): return {WAIT} if n == '1' else n")
    with contextlib.closing(python_reader("app:read", HANG)) as reader:
        assert endings(reader.ask(GIVEN[:3])) == "rH-"
        assert reads(reader.ask(GIVEN[2:4])) == ["2", "3"]


def test_a_python_reader_that_always_crashes_is_no_usage_error(module: Write) -> None:
    module("import os\ndef read(response): os._exit(3)")
    assert endings(ask_python()) == "CCC---------"


def test_what_a_python_reader_prints_is_no_line(module: Write) -> None:
    module(
        "import os\nos.system('echo a')\ndef read(n): print('ok'); os.system('echo b'); return n"
    )
    assert reads(ask_python(GIVEN[:2])) == ["0", "1"]


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("1 / 0", "app:read", r"^cannot be imported: ZeroDivisionError: .* \(at app\.py:1\)$"),
        ("import no_such", "app:read", r"^cannot be imported: ModuleNotFoundError: .*'no_such'"),
        ("", "no_such:read", "^cannot be imported: .*; it is looked for in this folder and in"),
        ("", "app:read", "^app was imported, but it has no read$"),
        ("read = 1", "app:read", "^read is no callable; name a function$"),
        ("def read(): ...", "app:read", "^cannot be called with one argument, the response: too"),
        ("import sys; sys.exit(3)", "app:read", "^cannot be imported: SystemExit: 3"),
        ("def", "app:read", r"^cannot be imported: SyntaxError: .*\(app\.py, line 1\)"),
        (
            "import os, sys; print('out of ideas', file=sys.stderr, flush=True); os._exit(4)",
            "app:read",
            "^cannot be imported: the process ended with exit status 4: out of ideas$",
        ),
        pytest.param(
            "raise ValueError('schön')", "app:read", "^cannot be imported: ValueError: schön "
        ),
        pytest.param("", "app:größe", "^app was imported, but it has no größe$"),
    ],
)
def test_a_python_reader_that_cannot_be_imported_says_why(
    module: Write, source: str, target: str, reason: str
) -> None:
    module(source)
    with pytest.raises(UsageError, match=reason):
        ask_python(target=target)


@pytest.mark.usefixtures("_waiting_is_a_hang")
def test_an_import_that_does_not_end_is_a_usage_error(module: Write) -> None:
    module(f"import os, sys; {WAIT}")
    with pytest.raises(UsageError, match=r"^it is still being imported after 60 s$"):
        ask_python()


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of this kind")
def test_alone_what_can_be_imported_once_at_a_time_is_read_one_by_one(
    module: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_AT_ONCE", 3)
    module(
        "import fcntl\nheld = open('lock', 'w')\nfcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "def read(response): return response"
    )
    with contextlib.closing(python_reader("app:read", HANG)) as reader:
        assert reads(reader.ask_alone(GIVEN[:4])) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("value", ["'x' * 2_000_000", "list(range(100_000))"])
def test_however_much_a_python_reader_returns_it_has_read(module: Write, value: str) -> None:
    module(f"def read(response): return {value}")
    assert endings(ask_python(GIVEN[:2])) == "rr"


def test_a_number_of_a_python_reader_may_be_of_any_size(module: Write) -> None:
    module("def read(response): return 10 ** 5_000")
    assert endings(ask_python(GIVEN[:2])) == "rr"


def test_a_long_word_in_an_error_keeps_nobody_waiting(module: Write) -> None:
    module("def read(response): raise ValueError('x' * 200_000)")
    with contextlib.closing(python_reader("app:read", 2.0)) as reader:
        assert endings(reader.ask(GIVEN[:1])) == "R"


def test_once_a_payload_the_exit_status_reports() -> None:
    code = ONCE + "print(f'log\\nok {n}\\nlog' if n else 'nothing'); n > 1 and sys.exit('too big')"
    assert ask_each(code) == [
        Attempt(Ending.READ),
        Attempt(Ending.READ, returned=True, read=1),
        Attempt(Ending.RAISED, error="ended with exit status 1: too big", trace="too big"),
    ]


def test_once_a_payload_each_has_a_new_process() -> None:
    code = "import os; print('ok', os.getpid())"
    reader = PerPayloadReader([*PYTHON, code], HANG)
    found = reads(reader.ask(GIVEN) + reader.ask_alone(GIVEN))
    assert len({*map(str, found)}) == 24


@pytest.mark.usefixtures("_waiting_is_a_hang")
def test_once_a_payload_a_hang_is_the_last_that_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_AT_ONCE", 2)
    found = ask_each(ONCE + f"{WAIT} if n == 3 else print('ok', n)", GIVEN[:8])
    assert endings(found) == "rrrH----"
    assert error_of(found[3]) == f"no line within {HANG:g} s"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["sh", "-c", "no-such-program"], "there is no such program"),
        (["sh", "-c", "exit 126"], "the program may not be executed"),
        (["./no-such-program"], "the command cannot be started"),
    ],
)
def test_once_a_payload_what_cannot_be_started_is_a_usage_error(
    words: list[str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        PerPayloadReader(words, HANG).ask(GIVEN)


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to a thread")
@pytest.mark.parametrize("ask", [ask_each, ask_alone])
def test_an_interrupt_gives_up_the_processes_that_still_run(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    main = threading.get_ident()
    both = threading.Barrier(2, action=lambda: signal.pthread_kill(main, signal.SIGINT))
    send, give_up, given_up = UserProcess.send, UserProcess.give_up, list[UserProcess]()

    def sending(running: UserProcess, text: str, *, last: bool) -> None:
        both.wait(HANG)
        send(running, text, last=last)

    def giving_up(running: UserProcess) -> None:
        given_up.append(running)
        give_up(running)

    monkeypatch.setattr(readers, "_AT_ONCE", 2)
    monkeypatch.setattr(UserProcess, "send", sending)
    monkeypatch.setattr(UserProcess, "give_up", giving_up)
    with pytest.raises(KeyboardInterrupt):
        ask(ONCE + WAIT, GIVEN)
    assert len({*map(id, given_up)}) == 2
    for running in given_up:
        running._process.wait(HANG)  # a thread of its own ends it
