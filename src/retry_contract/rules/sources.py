"""The statements that rules go by, each with the page that makes it: data in sources.json."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One statement of a public page. `not_tested` is why no rule can test it, if none can."""

    id: str
    sentence: str
    page: str
    address: str
    not_tested: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} ({self.page})"


@functools.cache
def sources() -> Mapping[str, Source]:
    """Return the statements by id: P1 to P14 are those of the endpoint's own page, in its order."""
    data = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    found = {}
    for id_, row in data["statements"].items():
        page = data["pages"][row["page"]]
        why = row.get("not_tested", "")
        found[id_] = Source(id_, row["sentence"], page["title"], page["address"], why)
    return found
