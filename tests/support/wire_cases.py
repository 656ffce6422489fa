"""Bytes of all kinds for a sandbox, and what becomes of each: served right, or refused."""

from __future__ import annotations

from support.http_plan import Row
from support.wire import Case, head

from retry_contract.service.controls import CONTROL

MESSAGES, CLOCK = f"{CONTROL}/messages", f"{CONTROL}/clock"
BODY = b'{"state": "success", "count": 2}'
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"5\r\n%b\r\n1B\r\n%b\r\n" % (BODY[:5], BODY[5:])
MADE = Row("POST", MESSAGES, body=BODY)
MOVED = Row("PUT", CLOCK, body=b'{"forward": 7}')
HOME = Row("GET", f"{CONTROL}/")
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAA")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + b"\x07" * 197


def post(*lines: str, body: bytes = BODY, length: str = LENGTH, **more: str) -> bytes:
    return head("POST", MESSAGES, *lines, *([length] if length else []), **more) + body


def chunked(body: bytes, *lines: str) -> bytes:
    return post(*lines, CHUNKED, body=body, length="")


def of(row: Row) -> bytes:
    body = row.body or b""
    return head(row.method, row.target, f"Content-Length: {len(body)}") + body


def served(sent: bytes, *means: Row, closes: bool = False) -> Case:
    return Case(sent, means or (MADE,), closes=closes)


def either(sent: bytes, *means: Row) -> Case:
    return Case(sent, means or (MADE,), "either")


def refused(sent: bytes, *means: Row) -> Case:
    return Case(sent, means or (MADE,), "refused")


def with_host(host: str) -> Row:
    return Row("POST", MESSAGES, {"host": host}, BODY)


TRAILERS = {
    "Authorization: Bearer x": served,
    "Host: sandbox.example": served,
    "Sec-Fetch-Site: cross-site": served,
    "Expect: 200-ok": served,
    "Upgrade: h2c": served,
    "Content-Length: 3": either,
    "Transfer-Encoding: gzip": either,
    "Connection: close": either,
}
"""None of these says anything in a trailer; to refuse the last ones is right too."""
TEN = [MADE, HOME, MOVED, MADE, HOME, HOME, MOVED, MADE, Row("GET", MESSAGES), HOME]
CASES = {
    "as usual": served(post()),
    "h2c": served(post(*H2C)),
    "h2c, in chunks": served(chunked(CHUNKS + b"0\r\n\r\n", *H2C)),
    "h2c, no body": served(head("GET", f"{CONTROL}/", *H2C), HOME),
    "h2c, an empty body": served(head("PUT", CLOCK, *H2C, "Content-Length: 0"), Row("PUT", CLOCK)),
    "h2c, three times": served(post(*H2C) * 3, MADE, MADE, MADE),
    "h2c, expecting": served(post(*H2C, "Expect: 100-continue")),
    "h2c, and closed": served(post(*H2C, "Connection: close"), closes=True),
    "h2c of HTTP/1.0": served(post(*H2C, version="1.0"), closes=True),
    "h2c, two lengths": refused(post(*H2C, "Content-Length: 5")),
    "h2c, too large": refused(post(*H2C, length="Content-Length: 1200000", body=b"")),
    "h2c, an absolute target": served(
        head("POST", f"http://127.0.0.1{MESSAGES}", *H2C, LENGTH, host="sandbox.example") + BODY
    ),
    "upgrade to websocket": served(
        head("GET", f"{CONTROL}/", "Connection: Upgrade", "Upgrade: websocket"), HOME
    ),
    "upgrade to websocket, a body": served(post("Connection: Upgrade", "Upgrade: websocket")),
    "upgrade to several": served(post("Connection: upgrade", "Upgrade: TLS/1.2, h2c, a/1")),
    "upgrade without Connection": served(post("Upgrade: h2c")),
    "Connection without Upgrade": served(post("Connection: Upgrade, keep-alive")),
    "expecting, the body at once": served(post("Expect: 100-Continue")),
    "expecting something else": refused(post("Expect: 200-ok")),
    "expecting to send too much": refused(
        post("Expect: 100-continue", length="Content-Length: 1200000", body=b"")
    ),
    "chunks": served(chunked(CHUNKS + b"0\r\n\r\n")),
    "chunks, extended": served(
        chunked(b'00020;a;b=c;d="e;\\"f"\r\n%b\r\n0;g\r\n\r\n' % BODY, "Trailer: h")
    ),
    "chunks, a trailer": served(chunked(CHUNKS + b"0\r\nX-Sum: 1\r\nY: \r\n\r\n")),
    **{
        f"chunks, a trailer {text!r}": kind(chunked(CHUNKS + b"0\r\n%b\r\n\r\n" % text.encode()))
        for text, kind in TRAILERS.items()
    },
    "chunks, upper case": served(
        post("TRANSFER-ENCODING: CHUNKED", length="", body=CHUNKS + b"0\r\n\r\n")
    ),
    "chunks of HTTP/1.0": either(
        head("POST", MESSAGES, CHUNKED, version="1.0") + CHUNKS + b"0\r\n\r\n"
    ),
    "chunks, none": served(head("PUT", CLOCK, CHUNKED) + b"0\r\n\r\n", Row("PUT", CLOCK)),
    "chunks and a length": either(chunked(CHUNKS + b"0\r\n\r\n", "Content-Length: 4")),
    "chunks and the same length": either(chunked(CHUNKS + b"0\r\n\r\n", LENGTH)),
    "chunks, a bad size": refused(chunked(b"zz\r\n" + BODY)),
    "chunks, a negative size": refused(chunked(b"-20\r\n%b\r\n0\r\n\r\n" % BODY)),
    "chunks, 0x": refused(chunked(b"0x20\r\n%b\r\n0\r\n\r\n" % BODY)),
    "chunks, a size beyond all": refused(chunked(b"F" * 20 + b"\r\n" + BODY)),
    "chunks, too long a chunk": refused(chunked(b"1F\r\n%b\r\n0\r\n\r\n" % BODY)),
    "chunks, line feeds": either(chunked(b"20\n%b\n0\n\n" % BODY)),
    "coded": refused(post("Transfer-Encoding: gzip", length="")),
    "coded, then chunks": refused(
        post("Transfer-Encoding: gzip, chunked", length="", body=CHUNKS + b"0\r\n\r\n")
    ),
    "chunks, then coded": refused(
        post("Transfer-Encoding: chunked, gzip", length="", body=CHUNKS + b"0\r\n\r\n")
    ),
    "chunks twice": refused(
        post("Transfer-Encoding: chunked, chunked", length="", body=CHUNKS + b"0\r\n\r\n")
    ),
    "chunks in two lines": refused(chunked(CHUNKS + b"0\r\n\r\n", "Transfer-Encoding: gzip")),
    "almost chunks": refused(
        post("Transfer-Encoding: xchunked", length="", body=CHUNKS + b"0\r\n\r\n")
    ),
    "two lengths": refused(post("Content-Length: 5")),
    "the same length twice": either(post(LENGTH)),
    "two lengths in a line": refused(post(length=f"{LENGTH}, 5")),
    **{
        f"length {text!r}": refused(post(length=f"Content-Length: {text}"))
        for text in ("-1", "+32", "0x20", "3 2", "32.0", "thirty", "9" * 40, "", "32;")
    },
    "a length of many digits": either(post(length=f"Content-Length: {len(BODY):09000}")),
    "ten at once": served(b"".join(map(of, TEN)), *TEN),
    "a GET with a body": served(
        head("GET", f"{CONTROL}/", LENGTH) + BODY, Row("GET", f"{CONTROL}/", body=BODY)
    ),
    "a GET with chunks": served(
        head("GET", f"{CONTROL}/", CHUNKED) + CHUNKS + b"0\r\n\r\n",
        Row("GET", f"{CONTROL}/", body=BODY),
    ),
    "HEAD": served(head("HEAD", f"{CONTROL}/"), Row("HEAD", f"{CONTROL}/")),
    "HEAD, with a body": served(
        head("HEAD", MESSAGES, LENGTH) + BODY, Row("HEAD", MESSAGES, body=BODY)
    ),
    "OPTIONS of all": served(head("OPTIONS", "*"), Row("OPTIONS", "*")),
    "CONNECT": refused(head("CONNECT", "127.0.0.1:80")),
    "CONNECT with a body": refused(head("CONNECT", "127.0.0.1:80", LENGTH) + BODY),
    "CONNECT to a control": refused(head("CONNECT", MESSAGES, LENGTH) + BODY),
    "an unknown method": either(
        head("BREW", MESSAGES, LENGTH) + BODY, Row("BREW", MESSAGES, body=BODY)
    ),
    "a method in lower case": either(
        head("post", MESSAGES, LENGTH) + BODY, Row("post", MESSAGES, body=BODY)
    ),
    "an absolute target": served(
        head("POST", f"http://127.0.0.1:80{MESSAGES}?a=b", LENGTH, host="sandbox.example") + BODY
    ),
    "an absolute target, HTTP": served(
        head("POST", f"HTTP://LOCALHOST{MESSAGES}", LENGTH, host="sandbox.example") + BODY,
        with_host("localhost"),
    ),
    "an absolute target elsewhere": served(
        head("POST", f"http://sandbox.example{MESSAGES}", LENGTH) + BODY,
        with_host("sandbox.example"),
    ),
    "an absolute target, of somebody": either(
        head("POST", f"http://127.0.0.1@sandbox.example{MESSAGES}", LENGTH) + BODY,
        with_host("127.0.0.1@sandbox.example"),
    ),
    "an absolute target without a path": served(head("GET", "http://127.0.0.1?a"), Row("GET", "/")),
    "an absolute target of another scheme": either(
        head("POST", f"ftp://127.0.0.1{MESSAGES}", LENGTH) + BODY,
        Row("POST", f"ftp://127.0.0.1{MESSAGES}", body=BODY),
    ),
    "a target without a slash": either(
        head("POST", MESSAGES[1:], LENGTH) + BODY, Row("POST", MESSAGES[1:], body=BODY)
    ),
    "a query": served(head("POST", f"{MESSAGES}?/reset#a", LENGTH) + BODY),
    "a URL in the path": served(
        head("GET", "/http://127.0.0.1/_sandbox/"), Row("GET", "/http://127.0.0.1/_sandbox/")
    ),
    "a path of two slashes": served(
        head("POST", f"/{MESSAGES}", LENGTH) + BODY,
        Row("POST", f"/{MESSAGES}", body=BODY),
    ),
    "a path with dots": served(head("GET", f"/a/..{CONTROL}/"), Row("GET", f"/a/..{CONTROL}/")),
    "a target of other letters": either(
        head("GET", "/_sandbox/\xe9"), Row("GET", "/_sandbox/\xe9")
    ),
    "HTTP/1.0": served(post(version="1.0"), closes=True),
    "HTTP/1.0, kept": served(post("Connection: keep-alive", version="1.0")),
    "HTTP/1.0, expecting": served(post("Expect: 100-continue", version="1.0"), closes=True),
    "HTTP/1.0 without a host": served(post(host="", version="1.0"), with_host(""), closes=True),
    "HTTP/0.9": refused(b"GET /_sandbox/\r\n"),
    "HTTP/1.2": either(post(version="1.2")),
    **{
        f"HTTP/{text}": refused(post(version=text)) for text in ("2.0", "3.7", "1", "1.10", "x", "")
    },
    "no host": either(post(host=""), with_host("")),
    "two hosts": either(post("Host: 127.0.0.1"), with_host("127.0.0.1, 127.0.0.1")),
    "two hosts, one elsewhere": either(
        post("Host: sandbox.example"), with_host("127.0.0.1, sandbox.example")
    ),
    "and closed": served(post("Connection: close"), closes=True),
    "and closed, a token of several": served(post("Connection: x-a, Close"), closes=True),
    "and closed, much follows": served(post("Connection: close") + b"x" * 3_000_000, closes=True),
    "lines before it": either(b"\r\n\r\n" + post()),
    "a folded header": either(post("X-A: b\r\n c")),
    "a folded length": either(post(length=f"Content-Length:\r\n {len(BODY)}")),
    "line feeds": either(post().replace(b"\r\n", b"\n")),
    "a carriage return in a header": refused(post("X-A: b\rContent-Length: 5")),
    "a NUL in a header": refused(post("X-A: b\0c")),
    "a NUL in a name": refused(post("X\0A: b")),
    "a NUL in a target": refused(head("GET", "/_sand\0box/")),
    "a space in a name": refused(post("X A: b")),
    "a space before a colon": refused(post("X-A : b")),
    "a length with a space before its colon": refused(post(length=f"Content-Length : {len(BODY)}")),
    "a header without a colon": refused(post("X-A")),
    "a header without a name": refused(post(": b")),
    "a space before the first header": either(post().replace(b"Host", b" X: y\r\nHost")),
    "no target": refused(b"GET HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    "a space in a target": refused(head("GET", f"{CONTROL}/ a")),
    "a header of 65 KB": served(post(f"X-A: {'b' * 65_000}")),
    "a header of 2 MB": refused(post(f"X-A: {'b' * 2_000_000}")),
    "a target of 2 MB": refused(head("GET", f"/{'b' * 2_000_000}")),
    "400,000 headers": refused(post(*["X-A: b"] * 400_000)),
    "a trailer of 2 MB": either(chunked(CHUNKS + b"0\r\nX: " + b"b" * 2_000_000 + b"\r\n\r\n")),
    "an extension of 2 MB": either(
        chunked(b"20;a=" + b"b" * 2_000_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n")
    ),
    "a body of 900 KB": served(
        post(length="Content-Length: 900000", body=BODY.rjust(900_000)),
        Row("POST", MESSAGES, body=BODY.rjust(900_000)),
    ),
    "a body of 1.2 MB": refused(post(length="Content-Length: 1200000", body=BODY.rjust(1_200_000))),
    "chunks of 1.2 MB": refused(
        chunked(b"249F0\r\n%b\r\n" % BODY.rjust(150_000) * 8 + b"0\r\n\r\n")
    ),
    "a preface of HTTP/2": refused(PREFACE),
    "TLS": refused(CLIENT_HELLO),
    "garbage": refused(bytes(range(255, 0, -1)) * 3),
    "garbage in lines": refused(b"\x00\x01\r\n\r\n\x02\r\n\r\n"),
    "another protocol": refused(b"EHLO sandbox.example\r\n"),
    "a right one, then garbage": Case(post() + b"\x01\x02\r\n\r\n", [MADE, MADE], "refused"),
    "a right one, then a wrong length": Case(
        post() + post("Content-Length: 5"), [MADE, MADE], "refused"
    ),
}
LARGE = 60_000
"""In bytes: a case of more is not read in small pieces, since that takes long."""
ENDS = {
    "after a request": Case(post(), [MADE], follows=False),
    "after h2c": Case(post(*H2C), [MADE], follows=False),
    "after ten": Case(b"".join(map(of, TEN)), TEN, follows=False),
    "after chunks": Case(chunked(CHUNKS + b"0\r\n\r\n"), [MADE], follows=False),
    "after one and a half": Case(post() + post()[:-1], [MADE, MADE], "refused", follows=False),
    "in a line": Case(b"POST /_sand", [MADE], "refused", follows=False),
    "in a head": Case(post()[:-50], [MADE], "refused", follows=False),
    "in a body": Case(post()[:-1], [MADE], "refused", follows=False),
    "in a body of h2c": Case(post(*H2C)[:-1], [MADE], "refused", follows=False),
    "before a body of h2c": Case(post(*H2C, body=b""), [MADE], "refused", follows=False),
    "in a chunk": Case(chunked(CHUNKS[:-9]), [MADE], "refused", follows=False),
    "before the last chunk": Case(chunked(CHUNKS), [MADE], "refused", follows=False),
    "in the last chunk": Case(chunked(CHUNKS + b"0\r\n"), [MADE], "refused", follows=False),
    "in a trailer": Case(chunked(CHUNKS + b"0\r\nX: y\r\n"), [MADE], "refused", follows=False),
    "in TLS": Case(CLIENT_HELLO[:60], [MADE], "refused", follows=False),
}
