"""Reading a response's body, within a bound that holds after decompression too.

httpx decompresses a whole piece at a time, and as often as the response says: a few kilobytes,
compressed twice, would fill the memory before anybody could count them.
"""

import threading
import zlib
from collections.abc import Iterator

import httpx

from retry_contract.outcome import NotSent, NotTested

ACCEPTED = "gzip, deflate"
"""What `read_body` can decode, as a value of Accept-Encoding."""

LARGEST = 2**20
_LARGEST_IN_ALL, _EACH = 2**24, 2**14
_PLAIN, _GZIP = ("identity", ""), ("gzip", "x-gzip")


class Allowance:
    """How much a run still reads: 16 MiB, and 16 KiB more for each response.

    A run keeps its responses, and a message has 1 KB. It may be used from any thread.
    """

    def __init__(self) -> None:
        self._left, self._lock = _LARGEST_IN_ALL, threading.Lock()

    def check(self) -> None:
        """Raise NotSent if nothing more is read, and so nothing more is to be sent."""
        if self._left < 0:
            raise NotSent(
                "the responses of this run are larger than 16 MiB, and 16 KiB for each: "
                "a smaller --fuzz asks for fewer"
            )

    def take(self, size: int) -> None:
        """Count a response of so many bytes."""
        with self._lock:
            self._left -= size - _EACH


def read_body(response: httpx.Response, *, largest: int = LARGEST, plain: bool = False) -> bytes:
    """Return the body of a response that is being streamed, decoded, of at most `largest` bytes.

    With `plain`, no compression is accepted. Raises NotTested where it is larger, or encoded
    otherwise; httpx.DecodingError where it is garbled or cut off.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in (_PLAIN if plain else (*_GZIP, "deflate", *_PLAIN)):
        raise NotTested("a response was compressed in a way that nobody had asked for")
    raw, body = response.iter_raw(), b""
    try:
        for piece in raw if coding in _PLAIN else _inflate(raw, coding in _GZIP):
            body += piece
            if len(body) > largest:
                bound = f"{largest // 1024} KiB" if largest < LARGEST else "1 MiB"
                raise NotTested(f"a response is larger than {bound}, and was not read to its end")
    except (zlib.error, EOFError) as error:
        raise httpx.DecodingError(str(error), request=response.request) from error
    return body


def _inflate(raw: Iterator[bytes], gzip: bool) -> Iterator[bytes]:
    """Yield what is compressed: all members of a gzip file (RFC 1952), or one deflated body."""
    decoder = None
    for piece in raw:
        while piece:
            if decoder is not None and decoder.eof and not (gzip and piece[0] == 0x1F):
                return  # what follows the last member is padding
            if decoder is None or decoder.eof:
                decoder = zlib.decompressobj(_window(piece, gzip))
            yield decoder.decompress(piece, LARGEST + 1)
            piece = decoder.unconsumed_tail or decoder.unused_data
    if decoder is not None and not decoder.eof:
        raise EOFError("a compressed body ended early")


def _window(piece: bytes, gzip: bool) -> int:
    """Return the format, as `wbits`: for deflate, zlib's (RFC 9110) or the bare one."""
    if gzip:
        return 16 + zlib.MAX_WBITS
    # Servers send both. Half of zlib's first byte is 8, and no encoder begins a bare one so.
    return zlib.MAX_WBITS if piece[0] & 0x0F == 8 else -zlib.MAX_WBITS
