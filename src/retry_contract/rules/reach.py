"""What exercises each rule of a live endpoint, measured by runs that were given it: reach.json."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def reached_by(rule: str) -> Mapping[str, Sequence[Sequence[str]]]:
    """Return what exercises a rule `here`, on this machine, and `elsewhere`.

    Each of the lists does alone, by all that is in it. An empty one says that a key and a campaign
    are enough.
    """
    return {where: ways[rule] for where, ways in _ways().items()}


@functools.cache
def _ways() -> Mapping[str, Mapping[str, Sequence[Sequence[str]]]]:
    ways: dict[str, dict[str, list[list[str]]]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    return ways
