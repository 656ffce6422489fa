"""A command that answers lines: what it may do wrong, and which payload that is laid to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from retry_contract import processes
from retry_contract.consumer.answers import Answer, Kind, one_line, read_answer, shortened
from retry_contract.consumer.process import each
from retry_contract.consumer.process.command import read_command
from retry_contract.consumer.process.each import Each
from retry_contract.consumer.process.lines import Lines
from retry_contract.outcome import Unusable

GIVEN = [f'"{number}"' for number in range(12)]


@pytest.fixture(autouse=True)
def _buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process that ends at once lose its answers, as most programs do on a pipe."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def answers(code: str, timeout: float = 20, *, search: bool = False) -> list[Answer | None]:
    with Lines([sys.executable, "-c", code], timeout) as lines:
        return lines.ask(GIVEN, search=search)


def kinds(found: list[Answer | None]) -> str:
    """One letter an answer: r for read, R, C, H or N for how else it ended, and - for not tried."""
    letters = {
        Kind.READ: "r",
        Kind.REFUSED: "R",
        Kind.CRASHED: "C",
        Kind.HUNG: "H",
        Kind.NOISE: "N",
    }
    return "".join("-" if answer is None else letters[answer.kind] for answer in found)


LOOP = "import os, sys\nfor line in sys.stdin:\n    n = int(line.strip()[1:-1])\n    "


def test_each_line_has_its_answer() -> None:
    found = answers(LOOP + "print('error odd' if n % 2 else f'ok {n}')")
    assert kinds(found) == "rR" * 6
    assert [answer.read for answer in found if answer and answer.told] == [0, 2, 4, 6, 8, 10]


def lasting() -> Lines:
    """A command that answers with the number of its process."""
    code = "import os, sys\nfor line in sys.stdin: print('ok', os.getpid(), flush=True)"
    return Lines([sys.executable, "-c", code], 20, lasting=True)


def test_a_process_that_is_given_up_is_ended_and_started_again() -> None:
    with lasting() as lines:
        lines.give_up()
        (first,) = lines.ask(GIVEN[:1])
        lines.give_up()
        (over,) = lines.ask(GIVEN[:1])
        (anew,) = lines.ask(GIVEN[:1])
    assert kinds([first, over, anew]) == "rHr"
    assert first != anew


def test_the_next_line_may_have_a_process_of_its_own() -> None:
    with lasting() as lines:
        one, same = lines.ask(GIVEN[:2])
        lines.start_anew()
        (other,) = lines.ask(GIVEN[:1])
    assert one == same != other


@pytest.mark.parametrize("flush", [True, False])
def test_a_crash_is_laid_to_the_line_that_caused_it(flush: bool) -> None:
    crash = "if n == 5: print('out of ideas', file=sys.stderr); os._exit(3)"
    code = f"{crash}\n    print('ok', flush={flush})"
    found = answers(LOOP + code)
    assert kinds(found) == "rrrrrCrrrrrr"
    assert found[5] is not None
    assert found[5].error == "ended with exit status 3: out of ideas"


@pytest.mark.slow
def test_a_crash_far_on_is_found_though_all_answers_are_lost_with_it() -> None:
    with Lines(
        [sys.executable, "-c", LOOP + "n == 150 and os._exit(3)\n    print('ok')"], 20
    ) as it:
        found = it.ask([f'"{number}"' for number in range(200)])
    assert kinds(found) == "r" * 150 + "C" + "r" * 49


def test_after_three_crashes_no_more_is_tried_and_a_search_ends_at_the_first() -> None:
    code = LOOP + "print('ok', flush=True) if n < 1 else os._exit(3)"
    assert kinds(answers(code)) == "rCCC--------"
    assert kinds(answers(code, search=True)) == "rC----------"


@pytest.mark.slow
def test_a_hang_is_laid_to_the_line_that_caused_it() -> None:
    code = LOOP + "print('ok', flush=True) if n < 2 else os.read(os.pipe()[0], 1)"
    found = answers(code, 0.5)
    assert kinds(found) == "rrH---------"


def test_noise_is_laid_to_the_line_that_caused_it() -> None:
    code = LOOP + "print('DEBUG' if n == 4 else 'ok', flush=True)"
    found = answers(code)
    assert kinds(found) == "rrrrNrrrrrrr"
    assert found[4] is not None
    assert found[4].error.endswith("nor error TEXT: DEBUG")


def test_a_line_too_many_puts_no_other_answer_out_of_step() -> None:
    found = answers(LOOP + "print('ok\\nok' if n == 4 else 'ok')")
    assert kinds(found) == "rrrrNrrrrrrr"


@pytest.mark.slow
def test_a_child_is_ended_with_the_command(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    child = f"import os; held = open({str(fifo)!r}, 'w'); print('on', flush=True); input()"
    code = (
        "import subprocess, sys\n"
        f"words = [sys.executable, '-c', {child!r}]\n"
        "pipe = subprocess.PIPE\n"
        "child = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)\n"
        "child.stdout.readline()\n"
        "for line in sys.stdin: print('ok', flush=True)\n"
        "sys.stdout.close()\n"
        "child.wait()\n"
    )
    assert kinds(answers(code)) == "r" * 12
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # the child held the other end until it ended


def test_a_command_that_cannot_start_says_why() -> None:
    with pytest.raises(
        Unusable, match=r"without any payload it ended with exit status 1: .*no_such"
    ):
        answers("import no_such_module")


def test_a_command_that_ends_after_a_line_is_told_of_per_payload() -> None:
    code = "import sys; line = sys.stdin.readline(); print('ok')"
    with (
        pytest.raises(Unusable, match="give --per-payload"),
        Lines([sys.executable, "-c", code], 20) as lines,
    ):
        lines.ask([f'"{number}"' for number in range(30)])


def test_a_program_that_is_none_cannot_be_started(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no program")
    with pytest.raises(Unusable, match="the command cannot be started: "):
        Lines([str(file)], 20).ask(GIVEN)


EACH = "import sys; n = int(sys.stdin.read().strip()[1:-1]); "


def test_once_a_payload_the_exit_status_tells() -> None:
    code = EACH + "print(f'ok {n}' if n else 'nothing'); n > 1 and sys.exit('too big')"
    zero, one, two = Each([sys.executable, "-c", code], 20).ask(GIVEN[:3])
    assert zero == Answer(Kind.READ)
    assert one == Answer(Kind.READ, told=True, read=1)
    assert two == Answer(Kind.REFUSED, error="ended with exit status 1: too big")


def test_once_a_payload_a_search_ends_early_and_a_hang_is_ended() -> None:
    code = EACH + "import os; os.read(os.pipe()[0], 1)"
    found = Each([sys.executable, "-c", code], 0.2).ask(GIVEN, search=True)
    assert found[0] == Answer(Kind.HUNG, error="no answer within 0.2 s")
    assert found[-1] is None


def test_once_a_payload_a_program_that_is_not_there_is_unusable() -> None:
    with pytest.raises(Unusable, match="there is no such program"):
        Each(["sh", "-c", "no-such-program"], 20).ask(GIVEN[:1])


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('npm run --silent "my check"', ' run --silent "my check"'),
        ('"npm" run', " run"),
        ("npm", ""),
    ],
)
def test_on_windows_the_quoting_stays_and_the_program_is_looked_for(
    text: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"npm": r"C:\Program Files\nodejs\npm.cmd"}
    monkeypatch.setattr("shutil.which", found.get)
    assert read_command(text, windows=True) == rf'"C:\Program Files\nodejs\npm.cmd"{rest}'


def test_elsewhere_a_command_is_split_as_by_a_shell() -> None:
    words = read_command("sh -c 'echo \"a b\"' c", windows=False)
    assert words[1:] == ["-c", 'echo "a b"', "c"]
    assert Path(words[0]).is_absolute()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("ok", Answer(Kind.READ)),
        (" ok ", Answer(Kind.READ)),
        ('ok {"a": 1}', Answer(Kind.READ, told=True, read={"a": 1})),
        ("ok null", Answer(Kind.READ, told=True)),
        ("error it broke", Answer(Kind.REFUSED, error="it broke")),
        ("error", Answer(Kind.REFUSED, error="error, without a text")),
    ],
)
def test_a_line_of_the_protocol_is_read(line: str, answer: Answer) -> None:
    assert read_answer(line) == answer


@pytest.mark.parametrize("line", ["", "okay", "OK", "ok {", "ok " + "[" * 100_000, "hello"])
def test_any_other_line_is_noise(line: str) -> None:
    assert read_answer(line).kind is Kind.NOISE


def test_an_error_is_one_line_without_what_steers_a_terminal() -> None:
    assert one_line("one\n\n  two\x1b[2J") == "one; two\\x1b[2J"
    assert len(one_line("x" * 20_000)) == 10_000
    assert len(shortened(Answer(Kind.REFUSED, error="x" * 1000)).error) == 300


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to a thread")
def test_an_interrupt_ends_the_commands_that_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    communicate, end, main = subprocess.Popen.communicate, processes.end, threading.get_ident()
    ended_by_main: list[int] = []
    both = threading.Barrier(2, action=lambda: signal.pthread_kill(main, signal.SIGINT))

    def communicating(process: processes.Process, *given: Any) -> Any:
        both.wait(20)
        return communicate(process, *given)

    def ending(process: processes.Process) -> None:
        ended_by_main.extend([process.pid] if threading.get_ident() == main else [])
        end(process)

    monkeypatch.setattr(subprocess.Popen, "communicate", communicating)
    monkeypatch.setattr(processes, "end", ending)
    monkeypatch.setattr(each, "_AT_ONCE", 2)
    with pytest.raises(KeyboardInterrupt):
        Each([sys.executable, "-c", "import os; os.read(os.pipe()[0], 1)"], 20).ask(GIVEN[:2])
    assert len({*ended_by_main}) == 2
