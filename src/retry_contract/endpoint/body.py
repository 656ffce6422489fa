"""Reading a reply's body, within a bound that holds after decompression too.

httpx decompresses a whole piece at a time, and as often as the reply says: a few kilobytes,
compressed twice, would fill the memory before anybody could count them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

from retry_contract.outcome import NotTested

ACCEPTED = "gzip, deflate"
"""What `read_body` can decode, as a value of Accept-Encoding."""

LARGEST = 2**20
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def read_body(response: httpx.Response) -> bytes:
    """Return the body of a reply that is being streamed, decoded, of at most 1 MiB.

    Raises NotTested where it is larger, or encoded otherwise; httpx.DecodingError where it is
    garbled or cut off.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in (*_WINDOWS, "identity", ""):
        raise NotTested("a reply was compressed in a way that nobody had asked for")
    body = b""
    for piece in _pieces(response, coding):
        body += piece
        if len(body) > LARGEST:
            raise NotTested("a reply is larger than 1 MiB, and was not read to its end")
    return body


def _pieces(response: httpx.Response, coding: str) -> Iterator[bytes]:
    if coding not in _WINDOWS:
        yield from response.iter_raw()
        return
    decoder, empty = zlib.decompressobj(_WINDOWS[coding]), True
    try:
        for piece in response.iter_raw():
            empty = empty and not piece
            while piece and not decoder.eof:
                yield decoder.decompress(piece, LARGEST)
                piece = decoder.unconsumed_tail
    except zlib.error as error:
        raise httpx.DecodingError(str(error), request=response.request) from error
    if not (empty or decoder.eof):
        raise httpx.DecodingError("a compressed body ended early", request=response.request)
