"""Telling a service that is out of reach, or refuses to talk, from one that breaks the contract."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from retry_contract.exchange import Exchange
from retry_contract.outcome import NotTested


class NoSuchMessage(NotTested):
    """The service talks to the run, and does not have the message that it asked for first."""


LONGEST_BACK_OFF = 30.0
"""How long is waited after a 429 before it is tried again, in seconds."""

_ADDRESS = (
    "this machine's address is not on the campaign's list: have it added, or run from one that is"
)
_BLOCKED = re.compile(rb"(?i)error([ _]code)?\"?[: ]+1010\b|cf-error-code\">1010\b")
_BROKEN = ("RemoteProtocolError", "ReadError", "WriteError", "CloseError", "DecodingError")


def looks_down(exchange: Exchange) -> bool:
    """Whether a response may come from a proxy, or from a service in trouble."""
    media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    html = media_type == "text/html" or exchange.body.lstrip()[:1] == b"<"
    return exchange.status >= 500 or html


def check_control(control: Exchange) -> None:
    """Raise NotTested if a Retrieve of a known message is not answered as documented either."""
    if looks_down(control) or control.status != 200 or control.document.violations:
        unlike = " and no message" if control.status == 200 else ""
        raise NotTested(
            "the service is down: a Retrieve that must work was answered with "
            f"{control.status}{unlike} too"
        )


def check_redirect(exchange: Exchange) -> None:
    """Raise NotTested if a request was redirected: nothing but the endpoint is ever contacted."""
    if 300 <= exchange.status < 400:
        raise NotTested(
            f"redirected with {exchange.status}: give the base URL that the service really has"
        )


def refusal_of(exchange: Exchange) -> str | None:
    """Say why the service will not talk to whoever has this key and address, if it says so."""
    status = exchange.status
    blocked = status >= 400 and _BLOCKED.search(exchange.body)
    if blocked or exchange.error_code == "invalid_ip_address_used":
        return f"refused with {status}: {_ADDRESS}"
    if status == 401:
        return "the key was refused (401): is POSTMAN_API_KEY the key of this campaign?"
    if status == 403:
        return f"refused with 403: {_ADDRESS}; or the key is of another campaign"
    return None


def check_welcome(exchange: Exchange) -> None:
    """Raise NotTested if the first request of a run says that the service will not talk to it."""
    reason = refusal_of(exchange)
    if reason is not None:
        raise NotTested(reason)


def check_still_welcome(exchange: Exchange) -> None:
    """Raise NotTested if a later Retrieve with the run's own key says so."""
    reason = refusal_of(exchange)
    if reason is not None:
        raise NotTested(f"since request {exchange.number} of the run, {reason}")


def check_first(exchange: Exchange) -> None:
    """Raise NotTested if the first request of a run, for a message, is answered without one."""
    check_welcome(exchange)
    status = exchange.status
    if status >= 500:
        raise NotTested(f"the service is down: the first request was answered with {status}")
    unlike = exchange.succeeded and exchange.document.violations
    if status == 404 or looks_down(exchange) or unlike or not _shows(exchange):
        raise (NoSuchMessage if status == 404 else NotTested)(
            f"answered with {status} and no message: does the campaign have it, and is /api/v2 "
            "missing from the base URL?"
        )


def needs_control(exchange: Exchange, *, own_key: bool) -> bool:
    """Whether only a Retrieve of a known message tells what a response is a sign of.

    That is an outage; or with the run's own key a refusal to talk to it at all.
    """
    return looks_down(exchange) or (own_key and refusal_of(exchange) is not None)


def _shows(exchange: Exchange) -> bool:
    return exchange.succeeded or exchange.kind != "retrieve"


def back_off(asked: str, number: int) -> float:
    """Return the seconds to wait after a 429: what its Retry-After asks for, or 1, 2, 4, ….

    `number` counts from 0. Raises NotTested where it asks for more than a run can wait.
    """
    seconds = _seconds(asked.strip())
    if seconds is None:
        return min(2.0**number, LONGEST_BACK_OFF)
    if seconds > LONGEST_BACK_OFF:
        wait = f"{seconds:.0f} seconds" if seconds < 10**6 else "very long"
        raise NotTested(f"too many requests (429): the service asks to wait {wait}; try again then")
    return max(seconds, 0.0)


def nothing_known(exchange: Exchange) -> str:
    """Say that an outage cannot be told from a fault, and what would tell it."""
    return (
        f"answered with {exchange.status}, and no message is known to tell an outage from a fault "
        "by: give --message ID"
    )


def _seconds(asked: str) -> float | None:
    """Read Retry-After: seconds, or an instant (RFC 9110, section 10.2.3)."""
    if re.fullmatch("[0-9]+", asked):
        return float(asked[:20])
    try:
        until = parsedate_to_datetime(asked)
    except (ValueError, TypeError, OverflowError):
        return None
    return (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def explain_failure(error: Exception) -> str:
    """Say in a clause why no response came."""
    chain, kind, text = tuple(_chain(error)), type(error).__name__, str(error)
    if kind == "ProxyError":
        status = re.match(r"[0-9]{3}\b", text)
        said = f"answered with {status[0]}" if status else "is out of reach"
        return f"the proxy of --proxy {said}"
    for cause in chain:
        explained = _explain(cause)
        if explained is not None:
            return explained
    if "refused" in text.lower():
        return "the connection was refused"
    if "Timeout" in kind:
        return "it did not answer in time; see --timeout"
    if kind in _BROKEN:
        return "the connection broke, or the response was cut off"
    return f"the connection failed ({kind})"


def _explain(cause: BaseException) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError() if "mismatch" in cause.verify_message.lower():
            return "its certificate is for another host name"
        case ssl.SSLCertVerificationError() if "expired" in cause.verify_message:
            return "its certificate has expired"
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted here; --ca-file names a CA to trust"
        case ssl.SSLError():
            return "no TLS connection could be made"
        case socket.gaierror() if cause.errno == socket.EAI_AGAIN:
            return "the name server does not answer"
        case socket.gaierror():
            return "the host's name is not known here"
        case ConnectionRefusedError():
            return "the connection was refused"
        case OSError() if cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return "there is no way to the host from here"
        case ConnectionError():
            return "the connection broke, or the response was cut off"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []  # a chain may lead back into itself
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
