"""What a part of a case is reduced to."""

from collections.abc import Iterator
from typing import Any, TypeVar

S = TypeVar("S", str, list[Any])


def shorter(items: S) -> Iterator[S]:
    """Yield nothing of a list or a text, then it without each half, each quarter, … each item."""
    size = len(items)
    while size:
        for begin in range(0, len(items), size):
            yield items[:begin] + items[begin + size :]
        size //= 2
