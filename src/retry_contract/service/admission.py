"""Which requests a sandbox answers: those to a host of this machine, and from no other site's page.

Any web page that is open may send requests to this machine, and, once it has the name of its own
server lead here (DNS rebinding), read the responses. The Host of these is the page's.
"""

import functools
import ipaddress
import re
from collections.abc import Collection

from retry_contract.service.controls import CONTROL
from retry_contract.service.http import Handler, Request, Response, json_response

NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?")
"""A host's name, or its address of IPv4, without a port."""
_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|(?P<name>[^:\[\]]+))(?::[0-9]*)?"
)
_ORIGIN = re.compile(r"https?://(.+)")
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")
_SAME_SITE = ("same-origin", "same-site", "none")
_WHERE = "ask 127.0.0.1 or localhost"


def refuse_other_hosts(handle: Handler, names: Collection[str] = ()) -> Handler:
    """Return a handler that answers 403 to a request for another host, or from another site.

    `names` are hosts that it answers for too; an address of IPv6 has no brackets, and its shortest
    form. A header that came twice holds a comma.
    """
    known = frozenset(name.lower().removesuffix(".") for name in ("localhost", *names))

    def answer(request: Request) -> Response:
        why = _refusal(request, known)
        return handle(request) if why is None else json_response(403, {"error": why})

    return answer


def _refusal(request: Request, known: frozenset[str]) -> str | None:
    """Return why a request is refused, and what to do instead; None if it is not."""
    host = request.headers.get("host", "")
    if not _is_here(host, known):
        name = host.partition(":")[0]
        which = f"Host {name}" if NAME.fullmatch(name) else "the Host of this request"
        option = f"--allow-host {name if NAME.fullmatch(name) else 'NAME'}"
        otherwise = f"{_WHERE}, or start `retry-contract sandbox {option}`"
        return f"{which} is no name of this sandbox: {otherwise}"
    if request.path.startswith(CONTROL) and not _is_same_site(request, known):
        return "the controls take no request of a web page of another site: ask from a program"
    return None


@functools.lru_cache(maxsize=16)  # a client sends the same one each time
def _is_here(authority: str, known: frozenset[str]) -> bool:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return False
    name = match["v6"] or match["name"].lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name in known
    return str(address) in known or any(address in network for network in _LOOPBACK)


def _is_same_site(request: Request, known: frozenset[str]) -> bool:
    """Return whether a request is of a program, or of a page of this machine."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    match = None if origin is None else _ORIGIN.fullmatch(origin)
    here = origin is None or (match is not None and _is_here(match[1], known))
    return here and site in _SAME_SITE
