"""Reading a response's body, within a bound that holds after decompression too.

httpx decompresses a whole piece at a time, and as often as the response says: a few kilobytes,
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
_GZIP = ("gzip", "x-gzip")
_CODINGS = (*_GZIP, "deflate")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_FIRST_OF_GZIP = 0x1F


def read_body(response: httpx.Response) -> bytes:
    """Return the body of a response that is being streamed, decoded, of at most 1 MiB.

    Raises NotTested where it is larger, or encoded otherwise; httpx.DecodingError where it is
    garbled or cut off.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in (*_CODINGS, "identity", ""):
        raise NotTested("a response was compressed in a way that nobody had asked for")
    body = b""
    for piece in _pieces(response, coding):
        body += piece
        if len(body) > LARGEST:
            raise NotTested("a response is larger than 1 MiB, and was not read to its end")
    return body


def _pieces(response: httpx.Response, coding: str) -> Iterator[bytes]:
    if coding not in _CODINGS:
        yield from response.iter_raw()
        return
    try:
        yield from _inflated(response.iter_raw(), coding)
    except (zlib.error, EOFError) as error:
        raise httpx.DecodingError(str(error), request=response.request) from error


def _inflated(raw: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """Yield what is compressed: all members of a gzip file (RFC 1952), or one deflated body."""
    decoder = None
    for piece in raw:
        while piece:
            if decoder is None or decoder.eof:
                if decoder is not None and not _begins_a_member(piece, coding):
                    return  # what follows the last member is padding
                decoder = _decoder(coding, piece)
            yield decoder.decompress(piece, LARGEST + 1)
            piece = decoder.unconsumed_tail or decoder.unused_data
    if decoder is not None and not decoder.eof:
        raise EOFError("a compressed body ended early")


def _begins_a_member(piece: bytes, coding: str) -> bool:
    return coding in _GZIP and piece[0] == _FIRST_OF_GZIP


def _decoder(coding: str, piece: bytes) -> zlib._Decompress:
    """Return a decoder: by deflate some servers mean zlib's format (RFC 9110), some the bare one.

    The first byte tells: the low half of zlib's is 8, and no encoder begins a bare one so.
    """
    if coding in _GZIP:
        return zlib.decompressobj(_GZIP_WINDOW)
    return zlib.decompressobj(zlib.MAX_WBITS if piece[0] & 0x0F == 8 else -zlib.MAX_WBITS)
