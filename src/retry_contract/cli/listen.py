"""The address of `sandbox --listen`: what is bound, what a client asks, and who can reach it."""

import ipaddress
import socket
from dataclasses import dataclass

from retry_contract.outcome import UsageError
from retry_contract.service.admission import NAME

_FORM = "give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::"
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


@dataclass(frozen=True)
class Address:
    """An address of this machine. `given` is how --listen names it, `bound` is in numbers.

    `asked` is where a client on this machine finds it, as it stands in a URL.
    """

    given: str
    bound: str
    asked: str
    is_wildcard: bool
    is_loopback: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that it answers for, next to those of loopback."""
        return () if self.is_wildcard else (self.given, self.bound)

    def reach(self, port: int) -> str:
        """Return who can send requests to a port of it, in a sentence; empty on loopback."""
        if self.is_loopback:
            return ""
        who = f"everybody who reaches this machine at port {port} can use it"
        host = "127.0.0.1, localhost" if self.is_wildcard else self.given
        return (
            f"--listen {self.given}: {who}; each request needs a Host of {host} or of --allow-host"
        )


def read_address(text: str) -> Address:
    """Return an address or a name of this machine. Raises UsageError for any other."""
    try:
        address = _address(text)
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((str(address), 0))
    except (socket.gaierror, UnicodeError):  # the latter for a label that no name may have
        raise UsageError(f"--listen {text}: no such host; {_FORM}") from None
    except OSError as error:
        why = f"cannot be listened on here ({error.strerror or error})"
        raise UsageError(f"--listen {text}: {why}; {_FORM}") from None
    here = address.is_unspecified
    asked = _LOOPBACK[address.version] if here else str(address)
    return Address(
        text,
        str(address),
        f"[{asked}]" if address.version == 6 else asked,
        is_wildcard=here,
        is_loopback=address.is_loopback,
    )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address, or that of a name, rather the one of IPv4. Raises OSError, UsageError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if not NAME.fullmatch(text):
            raise UsageError(f"--listen {text}: is no address; {_FORM}") from None
        found = socket.getaddrinfo(text, 0, type=socket.SOCK_STREAM)
        first = min(found, key=lambda info: info[0] != socket.AF_INET)
        address = ipaddress.ip_address(first[4][0])
    if address.version == 4:
        return address
    if address.scope_id:
        raise UsageError(f"--listen {text}: has a zone, which no URL holds; {_FORM}")
    return address.ipv4_mapped or address
