"""Looking up a host's addresses, without waiting longer for a name server than for a response.

The system's own look-up has no time limit, and does not hear Ctrl-C.
"""

from __future__ import annotations

import ipaddress
import socket
import threading

import httpcore

from retry_contract.outcome import NotTested


def addresses_of(host: str, port: int, seconds: float | None) -> list[str]:
    """Return the addresses of a host, as the system orders them.

    Raises httpcore.ConnectError where there are none, or nobody has answered by then.
    """
    try:
        return _look_up(host, port, seconds)
    except OSError as error:
        # Raised in here: httpcore drops the cause, and keeps the context.
        raise httpcore.ConnectError(str(error)) from error


def _look_up(host: str, port: int, seconds: float | None) -> list[str]:
    found: list[str] = []
    errors: list[OSError] = []
    done = threading.Event()

    def ask() -> None:
        try:
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append(str(address[0]))
        except UnicodeError:  # a name that IDNA cannot write
            errors.append(socket.gaierror(socket.EAI_NONAME, "no such name can be"))
        except OSError as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    if not done.wait(seconds):
        raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer")
    if errors:
        raise errors[0]
    return found


def check_here(host: str, addresses: list[str]) -> None:
    """Raise NotTested unless all addresses of a host are of this machine.

    A host may be trusted as this machine by its name, and the name may lead elsewhere.
    """
    elsewhere = [a for a in addresses if not ipaddress.ip_address(a.partition("%")[0]).is_loopback]
    if elsewhere:
        raise NotTested(
            f"{host} leads to {elsewhere[0]}, which is not this machine: nothing was sent; give "
            "127.0.0.1 or [::1] instead, or mend the hosts file"
        )
