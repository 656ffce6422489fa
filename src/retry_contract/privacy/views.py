"""What a text says to a reader who decodes it: percent, entities, base64 and the like undone."""

import base64
import binascii
import functools
import html
import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

_DEPTH = 2
"""A text that was encoded twice is read too."""

SHORTEST = 10
"""In characters: shorter words are taken for no base64, as too many words would be some."""

_MOST_KEPT = 200
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(/))")
_PLAIN: dict[int, str | None] = {
    **{0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)},
    **dict.fromkeys((0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0xFEFF)),
    **dict.fromkeys(range(0x2060, 0x2070)),
}
"""ASCII of its wide forms, and nothing of what joins, hides or turns around its neighbours."""

_WIDE = re.compile(f"[{''.join(map(chr, _PLAIN))}]")


def views(text: str, shortest: int = SHORTEST) -> Iterator[str]:
    """Yield a text, what it decodes to, and what that decodes to, each once.

    `shortest` is the length of the shortest word that is read as base64 or hex. The work is linear
    in the text's length.
    """
    if not _is_encoded(text, shortest):
        yield from dict.fromkeys((text, text[::-1]))
        return
    found = {text: None}
    latest = [text]
    for _ in range(_DEPTH):
        new = [view for text in latest for view in _decoded(text, shortest)]
        latest = [view for view in dict.fromkeys(new) if view not in found]
        found |= dict.fromkeys(latest)
    yield from found


def _is_encoded(text: str, shortest: int) -> bool:
    """Return whether a text may decode to another: most do not, and that is soon seen."""
    if "%" in text or "&" in text or "\\" in text or _word(shortest).search(text):
        return True
    return not text.isascii() and _WIDE.search(text) is not None


@functools.cache
def _word(shortest: int) -> re.Pattern[str]:
    return re.compile(f"[A-Za-z0-9+/_-]{{{shortest}}}")


def _decoded(text: str, shortest: int) -> Iterator[str]:
    yield text[::-1]
    if "%" in text:
        yield unquote(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPE.sub(_unescaped, text)
    if not text.isascii():
        yield _WIDE.sub(_plain, text)
    for words, read in _encodings(shortest):
        if words.search(text):
            yield words.sub(read, text)


@functools.cache
def _encodings(shortest: int) -> Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
    """Return the words of each alphabet: base64, that of URLs, and hex; and what reads one."""
    decoders: dict[str, Callable[[str], bytes]] = {
        "[A-Za-z0-9+/]": _from_base64,
        "[A-Za-z0-9_-]": _from_base64,
        "[A-Fa-f0-9]": binascii.unhexlify,
    }
    return tuple(
        (re.compile(f"{alphabet}{{{shortest},}}={{0,2}}"), functools.partial(_read, decode))
        for alphabet, decode in decoders.items()
    )


def _plain(found: re.Match[str]) -> str:
    return _PLAIN[ord(found[0])] or ""


def _unescaped(found: re.Match[str]) -> str:
    return found[3] or chr(int(found[1] or found[2], 16))


def _read(decode: Callable[[str], bytes], found: re.Match[str]) -> str:
    """Return the text that a word stands for; the word, if it stands for none."""
    word = found[0]
    return _kept(decode, word) if len(word) <= _MOST_KEPT else _text_of(decode, word)


def _text_of(decode: Callable[[str], bytes], word: str) -> str:
    try:
        text = decode(word).decode("utf-8")
    except ValueError:
        return word
    return text if text.isprintable() else word


_kept = functools.lru_cache(4096)(_text_of)
"""Most words come again: the ids of a run."""


def _from_base64(word: str) -> bytes:
    standard = word.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4))
