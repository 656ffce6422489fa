"""`sandbox --listen`: what is bound, what is printed, and what a client asks."""

from __future__ import annotations

import socket
from collections.abc import Callable
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import httpx
import pytest
from support.started import document_of, started
from support.tools import missing

from retry_contract.cli.listen import read_address
from retry_contract.endpoint.sandbox_client import states_of
from retry_contract.outcome import UsageError
from retry_contract.service.admission import refuse_other_hosts
from retry_contract.service.http import Request, Response

Done = CompletedProcess[str]
Here = Callable[..., Done]

ASKED = {
    "127.0.0.1": "127.0.0.1",
    "127.0.0.2": "127.0.0.2",
    "localhost": "127.0.0.1",
    "::ffff:127.0.0.1": "127.0.0.1",
    "0.0.0.0": "127.0.0.1",
    "::1": "[::1]",
    "::": "[::1]",
}
"""The host of the base URL, by what --listen names."""
REACHED = ["0.0.0.0", "::"]
HOSTS = ["localhost", "127.0.0.1", "[::1]", "box", "evil.example", "192.0.2.7", "0.0.0.0"]


def needs_to_bind(address: str) -> None:
    """Skip the test where the system has no such address, as one without IPv6."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        missing(f"{address} cannot be listened on")


@pytest.mark.parametrize("address", ASKED)
def test_printed_url_is_one_that_a_client_can_use(address: str, shell: dict[str, str]) -> None:
    needs_to_bind(address)
    options = ("--json", "--listen", address, "--allow-host", "box")
    with started(shell, *options) as process:
        served = document_of(process)
        places = [urlsplit(served[name]) for name in ("endpoint", "control")]
        statuses = {
            host: httpx.get(served["control"], headers={"host": host}, trust_env=False).status_code
            for host in (places[0].netloc, *HOSTS)
        }
        message = states_of(served["endpoint"], {"RETRY_CONTRACT_SANDBOX": served["control"]})
        assert message is not None
        assert message("failure") is not None
        process.terminate()
        _, err = process.communicate(timeout=10)
    assert [place.netloc.rpartition(":")[0] for place in places] == [ASKED[address]] * 2
    assert list(statuses.values()) == [200, 200, 200, 200, 200, 403, 403, 403]
    named = "127.0.0.1, localhost" if address in ("0.0.0.0", "::") else address
    who = (
        f"retry-contract sandbox: --listen {address}: everybody who reaches this machine at port "
        f"{places[0].port} can use it; each request needs a Host of {named} or of "
        "--allow-host\n"
    )
    assert err == (who if address in REACHED else "")


def test_text_says_where_it_serves(shell: dict[str, str]) -> None:
    with started(shell, "--listen", "0.0.0.0") as process:
        assert process.stdout is not None
        lines = [next(process.stdout)]
        while "Ctrl-C" not in lines[-1]:
            lines.append(next(process.stdout))
    assert lines[0].startswith("base URL  http://127.0.0.1:")
    assert lines[-2:] == ["\n", "Serving on 0.0.0.0; Ctrl-C ends it.\n"]


@pytest.mark.parametrize(
    ("named", "found", "asked", "hosts"),
    [
        ("10.1.2.3", "10.1.2.3", "10.1.2.3", ["10.1.2.3:80", "10.1.2.3"]),
        ("fd00:0::7", "fd00::7", "[fd00::7]", ["[fd00::7]:80", "[FD00:0:0::7]"]),
        ("Box", "10.1.2.3", "10.1.2.3", ["box:80", "10.1.2.3:80"]),
    ],
)
def test_address_of_this_machine_is_a_host_that_it_answers_for(
    named: str, found: str, asked: str, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that has these."""
    v4, v6 = (socket.AF_INET, "10.1.2.3"), (socket.AF_INET6, "fd00::7")
    bound: list[tuple[str, int]] = []
    answers = [(family, 1, 6, "", (address, 0)) for family, address in (v6, v4)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    monkeypatch.setattr(socket.socket, "bind", lambda _, place: bound.append(place))
    address = read_address(named)
    assert (bound, address.bound, address.asked) == ([(found, 0)], found, asked)
    assert address.reach(80) == (
        f"--listen {named}: everybody who reaches this machine at port 80 can use it; "
        f"each request needs a Host of {named} or of --allow-host"
    )
    handle = refuse_other_hosts(lambda _: Response(204), address.names)
    for host, status in [*((host, 204) for host in hosts), ("10.1.2.4", 403), ("[fd00::8]", 403)]:
        assert handle(Request("GET", "/", {"host": host}, b"")).status == status


BAD = {
    "": "is no address",
    "a b": "is no address",
    "127.0.0.1:80": "is no address",
    "[::1]": "is no address",
    "http://127.0.0.1": "is no address",
    "*": "is no address",
    "fe80::1%lo": "has a zone, which no URL holds",
    "256.1.1.1": "no such host",
    "a..b": "no such host",
    "a" * 64 + ".b": "no such host",
    "0.0.0.1": "cannot be listened on here",
    "203.0.113.5": "cannot be listened on here",
    "2001:db8::1": "cannot be listened on here",
}


@pytest.mark.parametrize("address", BAD)
def test_bad_address_is_one_line(address: str, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(host: str, *_: object, **__: object) -> None:
        host.encode("idna")
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    done = here("sandbox", "--port", "0", "--listen", address, "--run", "exit 0")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(f"retry-contract sandbox: --listen {address}: {BAD[address]}")
    assert line.endswith("; give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::")


def test_machine_without_ipv6_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_: object) -> None:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(UsageError, match="Address family not supported"):
        read_address("::1")


def test_help_fits_a_screen(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = here("sandbox", "--help").stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
