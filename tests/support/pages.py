"""The page of a report, read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script></style><img src=x onerror=alert(1)>javascript:alert(1)\u202egpj"
)
"""What a service or the user's code may send: markup, a command, an override of the direction."""

_EMPTY = {"meta", "rect", "line", "input", "link", "img", "br"}


@dataclass
class Page(HTMLParser):
    """The elements and the text of a page."""

    source: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        """The text, with single blanks."""
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str | None]:
        """Return the values of an attribute, wherever it is."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    def count(self, tag: str) -> int:
        """Return how many elements have this name."""
        return sum(found == tag for found, _ in self.tags)
