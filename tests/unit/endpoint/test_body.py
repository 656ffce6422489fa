"""Decoding a response's body, in whatever pieces it comes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import httpx
import pytest

from retry_contract.endpoint.body import LARGEST, Allowance, read_body
from retry_contract.outcome import NotSent, NotTested

TEXT = b'{"message": "of many words, of many, many words"}'
HALVES = gzip.compress(TEXT[:20]) + gzip.compress(TEXT[20:])


def _deflated(text: bytes, window: int = -zlib.MAX_WBITS) -> bytes:
    encoder = zlib.compressobj(wbits=window)
    return encoder.compress(text) + encoder.flush()


def _response(coding: str, body: bytes, size: int = 1) -> httpx.Response:
    pieces = (body[i : i + size] for i in range(0, len(body), size))
    request = httpx.Request("GET", "https://service.example/")
    return httpx.Response(
        200, headers={"content-encoding": coding}, content=pieces, request=request
    )


WHOLE = {
    "two members": ("gzip", HALVES),
    "empty members": ("x-gzip", gzip.compress(b"") + HALVES + gzip.compress(b"")),
    "noughts after it": ("gzip", HALVES + b"\0" * 9),
    "other bytes after it": ("gzip", HALVES + b"\r\n" + HALVES),
    "zlib": ("deflate", zlib.compress(TEXT)),
    "zlib, small window": ("deflate", _deflated(TEXT, 9)),
    "bare": ("deflate", _deflated(TEXT)),
    "bare, small window": ("deflate", _deflated(TEXT, -9)),
    "bare, not compressed": ("deflate", b"\x01%c\0%c\xff" % (len(TEXT), 255 - len(TEXT)) + TEXT),
}
GARBLED = {
    "cut off": ("gzip", HALVES[:-1]),
    "cut off in the third": ("gzip", HALVES + HALVES[:5]),
    "no third": ("gzip", HALVES + b"\x1fno member"),
    "bare as gzip": ("gzip", _deflated(TEXT)),
    "bare, cut off": ("deflate", _deflated(TEXT)[:-1]),
    "gzip as deflate": ("deflate", gzip.compress(TEXT)),
}


@pytest.mark.parametrize("size", [1, 7, 2**16])
@pytest.mark.parametrize("name", WHOLE)
def test_body_is_read_whole(name: str, size: int) -> None:
    assert read_body(_response(*WHOLE[name], size)) == TEXT


@pytest.mark.parametrize("size", [1, 2**16])
@pytest.mark.parametrize("name", GARBLED)
def test_body_that_is_cut_off_or_garbled_is_none(name: str, size: int) -> None:
    with pytest.raises(httpx.DecodingError):
        read_body(_response(*GARBLED[name], size))


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", _deflated)])
def test_bound_holds_over_all_members(coding: str, encode: Callable[[bytes], bytes]) -> None:
    whole = b"0" * LARGEST
    assert read_body(_response(coding, encode(whole), 2**16)) == whole
    with pytest.raises(NotTested, match="1 MiB"):
        read_body(_response(coding, encode(whole + b"0"), 2**16))
    with pytest.raises(NotTested, match="1 MiB"):
        read_body(_response("gzip", gzip.compress(whole) + gzip.compress(b"0"), 2**16))


def test_a_run_reads_sixteen_mebibytes_and_some_for_each_response() -> None:
    allowance = Allowance()
    for _ in range(10_000):
        allowance.take(2**14)
    for _ in range(16):
        allowance.check()
        allowance.take(2**20 + 2**14)
    allowance.check()
    allowance.take(2**14 + 1)
    with pytest.raises(NotSent, match="larger than 16 MiB, and 16 KiB for each"):
        allowance.check()
