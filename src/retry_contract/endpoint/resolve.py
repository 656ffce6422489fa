"""Looking up a host's addresses within a time limit.

The system's own look-up has no time limit, and does not hear Ctrl-C.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading

import httpcore

from retry_contract.outcome import NotTested


def addresses_of(host: str, port: int, seconds: float | None) -> list[str]:
    """Return the addresses of a host, as the system orders them.

    Raises httpcore.ConnectError where there are none, or no name server answers in time.
    """
    try:
        return _look_up(host, port, seconds)
    except OSError as error:
        # Raised in here: httpcore drops the cause, and keeps the context.
        raise httpcore.ConnectError(str(error)) from error


def _look_up(host: str, port: int, seconds: float | None) -> list[str]:
    results: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([str(address[0]) for *_, address in found])
        except ValueError:  # a name that IDNA cannot write
            results.put(socket.gaierror(socket.EAI_NONAME, "no such name can be"))
        except OSError as error:
            results.put(error)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer") from None
    if isinstance(result, OSError):
        raise result
    return result


def check_here(host: str, addresses: list[str]) -> None:
    """Raise NotTested unless all addresses of a host are of this machine.

    The name of a host may say that it is this machine, and lead elsewhere.
    """
    for address in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise NotTested(
                f"{host} leads to {address}, which is not this machine: nothing was sent; give "
                "127.0.0.1 or [::1] instead, or mend the hosts file"
            )
