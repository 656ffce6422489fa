"""Bytes of all kinds sent to the sandbox: each is served right, or refused with a line.

A twin says what is right; what follows on the same connection shows that nothing is misread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support.sandboxes import still_sandbox
from support.wire import LAST, Case, check, connected, exchange, head
from support.wire_cases import (
    BODY,
    CASES,
    CHUNKED,
    CHUNKS,
    ENDS,
    H2C,
    HOME,
    LARGE,
    LENGTH,
    MADE,
    MESSAGES,
    of,
)

from retry_contract.endpoint import connection
from retry_contract.endpoint.server import serve
from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.controls import Sandbox


@dataclass(frozen=True)
class Here:
    base: str
    sandbox: Sandbox

    def play(self, case: Case, *, ends: bool = False) -> None:
        self.sandbox.reset()
        check(case, self.sandbox, exchange(self.base, case.bytes, ends=ends))


@pytest.fixture(scope="module")
def here() -> Iterator[Here]:
    sandbox = still_sandbox()
    with serve(refuse_other_hosts(sandbox.handle)) as (base,):
        yield Here(base, sandbox)


@pytest.fixture
def read_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what sets how many bytes the server reads at a time."""

    def set_size(size: int) -> None:
        monkeypatch.setattr(connection, "_AT_A_TIME", size)

    return set_size


@pytest.mark.parametrize("name", CASES)
def test_it_is_served_right_or_refused(name: str, here: Here) -> None:
    here.play(CASES[name])


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if len(case.sent) < LARGE])
def test_the_same_however_it_arrives(
    name: str, size: int, here: Here, read_by: Callable[[int], None]
) -> None:
    read_by(size)
    here.play(CASES[name])


@pytest.mark.parametrize("name", ["h2c", "h2c, in chunks", "chunks, extended", "chunks, a trailer"])
def test_it_may_be_cut_anywhere(name: str, here: Here, read_by: Callable[[int], None]) -> None:
    for size in range(2, len(CASES[name].sent)):
        read_by(size)
        here.play(CASES[name])


@pytest.mark.parametrize("name", ENDS)
def test_client_may_end_its_side(name: str, here: Here, read_by: Callable[[int], None]) -> None:
    here.play(ENDS[name], ends=True)
    read_by(1)
    here.play(ENDS[name], ends=True)


@pytest.mark.parametrize("lines", [(), H2C])
@pytest.mark.parametrize("framing", [LENGTH, CHUNKED])
def test_body_is_sent_after_the_100(framing: str, lines: tuple[str, ...], here: Here) -> None:
    here.sandbox.reset()
    body = BODY if framing == LENGTH else CHUNKS + b"0\r\n\r\n"
    with connected(here.base) as wire:
        wire.sendall(head("POST", MESSAGES, "Expect: 100-continue", *lines, framing))
        reader = wire.makefile("rb")
        assert [reader.readline(), reader.readline()] == [b"HTTP/1.1 100 Continue\r\n", b"\r\n"]
        wire.sendall(body + LAST)
        found = check(Case(b"", [MADE]), here.sandbox, reader.read())
    assert not found.continues


@pytest.mark.parametrize(
    ("name", "count"),
    [("h2c, expecting", 1), ("expecting, the body at once", 1), ("HTTP/1.0, expecting", 0)],
)
def test_100_comes_at_most_once(name: str, count: int, here: Here) -> None:
    here.sandbox.reset()
    case = CASES[name]
    found = check(case, here.sandbox, exchange(here.base, case.bytes, ends=False))
    assert found.continues <= count


def test_body_comes_later_than_an_upgrade(here: Here) -> None:
    here.sandbox.reset()
    with connected(here.base) as wire:
        wire.sendall(of(HOME) + head("POST", MESSAGES, *H2C, LENGTH))
        reader = wire.makefile("rb")
        first = reader.readline()  # the head has come as well by now, and no answer to it
        wire.sendall(BODY + LAST)
        check(Case(b"", [HOME, MADE]), here.sandbox, first + reader.read())
