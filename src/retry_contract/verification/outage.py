"""Tells a service that is out of reach, or refuses to talk, from one that breaks the contract."""

import errno
import re
import socket
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from retry_contract.exchange import Exchange
from retry_contract.outcome import NotTested


class NoSuchMessage(NotTested):
    """The service talks to the run, but does not have the message that it asked for first."""


NO_RESPONSE = "no response from"
"""What the reason begins with where nothing came back."""

LONGEST_BACK_OFF = 30.0
"""The longest wait after a 429, in seconds."""

_ADDRESS = "this machine's address is not on the campaign's list: add it, or run from one that is"
_BLOCKED = re.compile(rb"(?i)error([ _]code)?\"?[: ]+1010\b|cf-error-code\">1010\b")
_BROKEN = "the connection broke, or the response was cut off"
_REFUSED = "the connection was refused"
_BREAKS = ("RemoteProtocolError", "ReadError", "WriteError", "CloseError", "DecodingError")


def looks_down(exchange: Exchange) -> bool:
    """Return whether a response may come from a proxy, or from a service in trouble."""
    media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    html = media_type == "text/html" or exchange.body.lstrip()[:1] == b"<"
    return exchange.status >= 500 or html


def refusal_of(exchange: Exchange) -> str | None:
    """Return why the service refuses to talk to this key and address, if the response says so."""
    status = exchange.status
    blocked = status >= 400 and _BLOCKED.search(exchange.body)
    if blocked or exchange.error_code == "invalid_ip_address_used":
        return f"refused with {status}: {_ADDRESS}"
    if status == 401:
        return "the key was refused (401): is POSTMAN_API_KEY the key of this campaign?"
    if status == 403:
        return f"refused with 403: {_ADDRESS}; or the key is of another campaign"
    return None


def is_unlike_a_message(exchange: Exchange) -> bool:
    """Return whether a Retrieve may have been answered by something else than the service."""
    return looks_down(exchange) or (exchange.succeeded and bool(exchange.document.violations))


def check_control(control: Exchange) -> None:
    """Raise NotTested if a Retrieve of a known message is not answered as documented."""
    if is_unlike_a_message(control) or control.status != 200:
        came = f"{control.status}{' and no message' if control.status == 200 else ''}"
        again = ", on a new connection too" if is_unlike_a_message(control) else ""
        raise NotTested(f"the service is down: a Retrieve that must work got {came}{again}")


def check_redirect(exchange: Exchange) -> None:
    """Raise NotTested after a redirect: nothing but the endpoint is ever contacted."""
    if 300 <= exchange.status < 400:
        raise NotTested(f"redirected with {exchange.status}: give the service's own base URL")


def check_welcome(exchange: Exchange, *, first: bool = True) -> None:
    """Raise NotTested if the service refuses to talk to the run's key and address."""
    reason = refusal_of(exchange)
    if reason is not None:
        since = "" if first else f"since request {exchange.number} of the run, "
        raise NotTested(since + reason)


def check_first(exchange: Exchange) -> None:
    """Raise NotTested if the first request of a run, for a message, is answered without one."""
    check_welcome(exchange)
    status = exchange.status
    if status >= 500:
        raise NotTested(f"the service is down: the first request was answered with {status}")
    unlike = exchange.document.violations if exchange.succeeded else exchange.kind == "retrieve"
    if unlike or status == 404 or looks_down(exchange):
        raise (NoSuchMessage if status == 404 else NotTested)(
            f"answered with {status} and no message: does the campaign have it, and is /api/v2 "
            "missing from the base URL?"
        )


def back_off(asked: str, number: int) -> float:
    """Return the seconds to wait after a 429: what its Retry-After asks for, or 1, 2, 4, ….

    `number` counts from 0. Raises NotTested where it asks for more than a run can wait.
    """
    seconds = _retry_after(asked.strip())
    if seconds is None:
        return min(2.0**number, LONGEST_BACK_OFF)
    if seconds > LONGEST_BACK_OFF:
        wait = f"{seconds:.0f} seconds" if seconds < 10**6 else "very long"
        raise NotTested(f"too many requests (429): the service asks to wait {wait}; try again then")
    return max(seconds, 0.0)


def _retry_after(asked: str) -> float | None:
    """Read Retry-After: seconds, or an instant (RFC 9110, section 10.2.3)."""
    if re.fullmatch("[0-9]+", asked):
        return float(asked[:20])
    try:
        until = parsedate_to_datetime(asked)
    except (ValueError, TypeError, OverflowError):
        return None
    return (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def explain_failure(error: Exception) -> str:
    """Return in a clause why no response came."""
    kind, text = type(error).__name__, str(error)
    if kind == "ProxyError":
        status = re.match(r"[0-9]{3}\b", text)
        said = f"answered with {status[0]}" if status else "is out of reach"
        return f"the proxy of --proxy {said}"
    cause: BaseException | None = error
    seen: list[BaseException] = []  # a chain may lead back into itself
    while cause is not None and cause not in seen:
        explanation = _explain(cause)
        if explanation is not None:
            return explanation
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    if "refused" in text.lower():
        return _REFUSED
    if "Timeout" in kind:
        return "it did not answer in time; see --timeout"
    return _BROKEN if kind in _BREAKS else f"the connection failed ({kind})"


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
            return _REFUSED
        case OSError() if cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return "there is no way to the host from here"
        case ConnectionError():
            return _BROKEN
    return None
