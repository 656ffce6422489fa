"""What an outage is, and how it is explained."""

from __future__ import annotations

import errno
import socket
import ssl

import httpx
import pytest

from retry_contract.exchange import Exchange, Kind
from retry_contract.outcome import NotTested
from retry_contract.verification.outage import (
    back_off,
    check_control,
    check_first,
    check_redirect,
    check_welcome,
    explain_failure,
    looks_down,
)

MESSAGE = b'{"id": "message_10101010-1010-4010-9010-101010101010", "recipient": "6510101010"}'
JSON = "application/json"


def _exchange(
    status: int, body: bytes = b"{}", media_type: str = JSON, kind: Kind = "retrieve"
) -> Exchange:
    return Exchange(1, kind, "GET", "/", status, {"content-type": media_type}, body)


HTML = _exchange(200, b"<html>1010</html>", "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("exchange", "down"),
    [
        (_exchange(200), False),
        (_exchange(404), False),
        (_exchange(429), False),
        (_exchange(500), True),
        (_exchange(520), True),
        (HTML, True),
        (_exchange(200, b"  <!DOCTYPE html>", "application/json"), True),
        (_exchange(200, b"hello", "TEXT/HTML"), True),
        (_exchange(204, b""), False),
    ],
)
def test_looks_down(exchange: Exchange, down: bool) -> None:
    assert looks_down(exchange) == down


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [
        (_exchange(401), "the key was refused (401): is POSTMAN_API_KEY the key of this campaign?"),
        (_exchange(403), "this machine's address is not on the campaign's list: add it, or"),
        (_exchange(403), "; or the key is of another campaign"),
        (
            _exchange(400, b'{"error": {"code": "invalid_ip_address_used"}}'),
            "refused with 400: this machine's address is not on the campaign's list",
        ),
        (
            _exchange(403, b"<html>error code: 1010", "text/html"),
            "refused with 403: this machine's",
        ),
        (_exchange(503, b"error code: 1010", "text/plain"), "refused with 503: this machine's"),
        (_exchange(404), "answered with 404 and no message"),
        (_exchange(404), "is /api/v2 missing from the base URL?"),
        (_exchange(400), "answered with 400 and no message"),
        (_exchange(405), "answered with 405 and no message"),
        (_exchange(204, b""), "answered with 204 and no message"),
        (_exchange(200, b"not JSON"), "answered with 200 and no message"),
        (HTML, "answered with 200 and no message"),
        (_exchange(500), "the service is down: the first request was answered with 500"),
        (_exchange(503, b"<html>", "text/html"), "the service is down"),
    ],
)
def test_first_response_that_is_no_welcome(exchange: Exchange, reason: str) -> None:
    with pytest.raises(NotTested) as not_tested:
        check_first(exchange)
    assert reason in str(not_tested.value)
    assert "\n" not in str(not_tested.value)


@pytest.mark.parametrize(
    "exchange",
    [
        _exchange(200, MESSAGE),
        _exchange(201, MESSAGE, kind="single-send"),
        _exchange(400, b'{"error": {"code": "parameter_invalid"}}', kind="single-send"),
    ],
)
def test_first_response_that_is_a_welcome(exchange: Exchange) -> None:
    check_first(exchange)


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_welcome_is_refused_by_a_refusal_to_talk_alone(status: int) -> None:
    check_welcome(_exchange(status, MESSAGE))


@pytest.mark.parametrize("exchange", [_exchange(503), _exchange(404), HTML, _exchange(200, b"x")])
def test_control_that_fails_is_an_outage(exchange: Exchange) -> None:
    with pytest.raises(NotTested, match=f"is down: .* got {exchange.status}"):
        check_control(exchange)


def test_control_that_is_answered_is_none() -> None:
    check_control(_exchange(200, MESSAGE))


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_redirect_is_not_tested(status: int) -> None:
    with pytest.raises(NotTested, match=f"redirected with {status}"):
        check_redirect(_exchange(status))
    check_redirect(_exchange(200))
    check_redirect(_exchange(400))


def _unverified(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] {message}")
    error.verify_message = message
    return error


TRUST = "its certificate is not trusted here; --ca-file names a CA to trust"
REFUSED = "the connection was refused"
TIME = "it did not answer in time; see --timeout"
CUT_OFF = "the connection broke, or the response was cut off"


@pytest.mark.parametrize(
    ("error", "cause", "explained"),
    [
        (httpx.ConnectError("x"), _unverified("self-signed certificate in chain"), TRUST),
        (httpx.ConnectError("x"), _unverified("unable to get local issuer certificate"), TRUST),
        (
            httpx.ConnectError("x"),
            _unverified("Hostname mismatch, certificate is not valid for 'a'."),
            "its certificate is for another host name",
        ),
        (
            httpx.ConnectError("x"),
            _unverified("IP address mismatch, certificate is not valid for '127.0.0.1'."),
            "its certificate is for another host name",
        ),
        (
            httpx.ConnectError("x"),
            _unverified("certificate has expired"),
            "its certificate has expired",
        ),
        (
            httpx.ConnectError("x"),
            ssl.SSLError(1, "WRONG_VERSION_NUMBER"),
            "no TLS connection could be made",
        ),
        *(
            (
                httpx.ConnectError(text),
                socket.gaierror(number, text),
                "the host's name is not known here",
            )
            for number, text in (
                (-2, "Name or service not known"),
                (socket.EAI_NONAME, "No such host is known"),
                (8, "nodename nor servname provided, or not known"),
                (11001, "getaddrinfo failed"),
            )
        ),
        (
            httpx.ConnectError("x"),
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            "the name server does not answer",
        ),
        (httpx.ConnectError("[Errno 111]"), ConnectionRefusedError(111, "Refus\u00e9"), REFUSED),
        (httpx.ConnectError("connection refused"), None, REFUSED),
        (httpx.ConnectError("x"), ConnectionResetError(104, "x"), CUT_OFF),
        (
            httpx.ConnectError("x"),
            OSError(errno.ENETUNREACH, "x"),
            "there is no way to the host from here",
        ),
        (
            httpx.ConnectError("All connection attempts failed"),
            None,
            "the connection failed (ConnectError)",
        ),
        (httpx.ConnectTimeout("x"), TimeoutError("x"), TIME),
        (httpx.ReadTimeout("the whole response took too long"), None, TIME),
        (httpx.WriteTimeout("x"), None, TIME),
        (httpx.ReadError("x"), ConnectionResetError(104, "x"), CUT_OFF),
        (httpx.RemoteProtocolError("Server disconnected"), None, CUT_OFF),
        (httpx.DecodingError("x"), None, CUT_OFF),
        (
            httpx.ProxyError("407 Proxy Authentication Required"),
            None,
            "the proxy of --proxy answered with 407",
        ),
        (
            httpx.ProxyError("out of reach"),
            ConnectionRefusedError(),
            "the proxy of --proxy is out of reach",
        ),
        (httpx.TooManyRedirects("x"), None, "the connection failed (TooManyRedirects)"),
    ],
)
def test_failure_is_explained(error: Exception, cause: Exception | None, explained: str) -> None:
    error.__cause__ = cause
    assert explain_failure(error) == explained


def test_chain_of_causes_that_leads_back_into_itself_ends() -> None:
    first, second = httpx.ReadTimeout("late"), ValueError("other")
    first.__cause__, second.__context__ = second, first
    assert explain_failure(first) == "it did not answer in time; see --timeout"


@pytest.mark.parametrize(
    "asked",
    ["", "soon", "-1", "1.5", "1 Jan 99999999999 00:00:00 GMT", "Mon, 99 Jan 2024 00:00:00 GMT"],
)
def test_retry_after_that_cannot_be_read_is_none(asked: str) -> None:
    assert [back_off(asked, number) for number in range(6)] == [1, 2, 4, 8, 16, 30]
