"""What a text says to a reader who decodes it: percent, entities, base64 and the like undone."""

import base64
import binascii
import functools
import re
from collections.abc import Callable, Iterator, Sequence

_DEPTH = 2
"""A text that was encoded twice is read too."""

SHORTEST = 10
"""In characters: shorter words are taken for no base64, as too many words would be some."""

_MOST_KEPT = 200
_PERCENT = re.compile("(?:%[0-9A-Fa-f]{2})+")
_ENTITY = re.compile("&(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});?")
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,5})\}|x([0-9A-Fa-f]{2})|([0-3][0-7]{2})|(/))"
)
_PLAIN: dict[int, str | None] = {
    **{0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)},
    **dict.fromkeys((0xAD, 0x34F, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F))),
    **dict.fromkeys((*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF)),
}
"""ASCII of its wide forms, and nothing of what joins, hides or turns around its neighbours."""

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_BREAKS = bytes(code if code in _LETTERS else 0x20 for code in range(256))
"""Leaves of a text the words that base64 or hex may be: quicker than by a pattern."""

_WIDE = re.compile(f"[{''.join(map(chr, _PLAIN))}]")


def views(text: str, shortest: int = SHORTEST, *, any_bytes: bool = False) -> Iterator[str]:
    """Yield a text, what it decodes to, and what that decodes to, each once.

    `shortest` is the length of the shortest word that is read as base64 or hex. What such a word
    decodes to counts if it is text, or with `any_bytes` whatever it is: a UUID decodes too.
    The work is linear in the text's length.
    """
    if not is_encoded(text, shortest):
        yield from dict.fromkeys((text, text[::-1]))
        return
    found = {text: None}
    latest = [text]
    for _ in range(_DEPTH):
        new = [view for text in latest for view in _decoded(text, shortest, any_bytes)]
        latest = [view for view in dict.fromkeys(new) if view not in found]
        found |= dict.fromkeys(latest)
    yield from found


def is_encoded(text: str, shortest: int) -> bool:
    """Return whether a text may decode to another: most do not, and that is soon seen."""
    if "%" in text or "&" in text or "\\" in text:
        return True
    words = text.encode("ascii", "replace").translate(_BREAKS).split()
    if max(map(len, words), default=0) >= shortest:
        return True
    return not text.isascii() and _WIDE.search(text) is not None


def _decoded(text: str, shortest: int, any_bytes: bool) -> Iterator[str]:
    yield text[::-1]
    if "%" in text:
        yield _PERCENT.sub(_of_percents, text)
    if "&" in text:
        yield _ENTITY.sub(_of_entity, text)
    if "\\" in text:
        yield _ESCAPE.sub(_unescaped, text)
    if not text.isascii():
        yield _WIDE.sub(lambda found: _PLAIN[ord(found[0])] or "", text)
    for words, read in _encodings(shortest, any_bytes):
        if words.search(text):
            yield words.sub(read, text)


def _of_percents(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace")


def _of_entity(found: re.Match[str]) -> str:
    import html  # here, since its table of names takes time

    return html.unescape(found[0])


def _unescaped(found: re.Match[str]) -> str:
    sixteen = found[1] or found[2] or found[3]
    if sixteen:
        return chr(int(sixteen, 16))
    return chr(int(found[4], 8)) if found[4] else found[5]


Reading = Callable[[re.Match[str]], str]


@functools.cache
def _encodings(shortest: int, any_bytes: bool) -> Sequence[tuple[re.Pattern[str], Reading]]:
    """Return the words of each alphabet: base64, that of URLs, and hex; and what reads one."""
    decoders: dict[str, Callable[[str], bytes]] = {
        "[A-Za-z0-9+/]": _from_base64,
        "[A-Za-z0-9_-]": _from_base64,
        "[A-Fa-f0-9]": _from_hex,
    }
    return tuple(
        (
            re.compile(f"{letters}{{{shortest},}}={{0,2}}"),
            functools.partial(_read, decode, any_bytes),
        )
        for letters, decode in decoders.items()
    )


def _read(decode: Callable[[str], bytes], any_bytes: bool, found: re.Match[str]) -> str:
    """Return the text that a word stands for; the word, if it stands for none."""
    word = found[0]
    read = _kept if len(word) <= _MOST_KEPT else _texts_of
    return read(decode, any_bytes, word) or word


def _texts_of(decode: Callable[[str], bytes], any_bytes: bool, word: str) -> str:
    """Return what a word decodes to; of any bytes, from each place at which the code may begin."""
    letters = word.rstrip("=")
    if not any_bytes:
        return _text_of(decode(letters))
    begins = 2 if decode is _from_hex else 4
    found = (decode(letters[begin:]).decode("utf-8", "ignore") for begin in range(begins))
    return " ".join("".join(filter(str.isprintable, text)) for text in found)


def _text_of(raw: bytes) -> str:
    """Return the text of some bytes, which may have lines; nothing, if they are no text."""
    try:
        text = raw.replace(b"\0", b"").decode("utf-8").translate(_LINES)
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


_LINES = dict.fromkeys(map(ord, "\r\n\t"), " ")
_kept = functools.lru_cache(4096)(_texts_of)
"""Most words come again: the ids of a run."""


def _from_base64(word: str) -> bytes:
    standard = word.replace("-", "+").replace("_", "/")
    standard = standard[: len(standard) - (len(standard) % 4 == 1)]
    return base64.b64decode(standard + "=" * (-len(standard) % 4))


def _from_hex(word: str) -> bytes:
    return binascii.unhexlify(word[: len(word) // 2 * 2])
