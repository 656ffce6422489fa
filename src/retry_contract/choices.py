"""Names that a user chooses among, and what is said of one that does not exist."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

_CUTOFF = 0.7
"""How alike a word and a name are at the least, from 0 to 1, as difflib measures it."""


class UnknownName(KeyError):
    """A name that does not exist. Its text is the message, which a KeyError would quote."""

    def __str__(self) -> str:
        return str(self.args[0])


def closest_name(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that a word probably means; None if no name is close to it.

    That is the only one that begins with the word, or the most alike. Case and leading dashes do
    not count, and - and _ are the same.
    """
    from difflib import get_close_matches  # here, since only a mistake needs it

    names, plain = {_plain(name): name for name in known}, _plain(word)
    if not plain:
        return None
    begun = [name for name in names if name.startswith(plain)]
    found = begun if len(begun) == 1 else get_close_matches(plain, names, n=1, cutoff=_CUTOFF)
    return names[found[0]] if found else None


def unknown_name(
    kind: str,
    word: str,
    known: Collection[str],
    *,
    also: Iterable[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
    see: str = "",
) -> str:
    """Return what is said of a word that names nothing of a kind: what was probably meant.

    Where no name is close, it lists the known ones, or names the command `see` that does. `also`
    are names that exist and are not listed, `renamed` the new names of old ones, which are written
    with _.
    """
    spelling = word.replace("-", "_")
    if spelling in renamed:
        return f"{word} was renamed: use {renamed[spelling]}"
    meant = closest_name(word, [*known, *also, *renamed])
    if meant is not None:
        return f"{word}: no such {kind}; did you mean {renamed.get(meant, meant)}?"
    listed = f"see: {see}" if see else f"use one of {', '.join(known)}"
    return f"{word}: no such {kind}; {listed}"


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").lstrip("-")
