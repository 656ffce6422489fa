"""Ids that look like the service's, the same ones in each run."""

import itertools
import random
import uuid
from collections.abc import Callable


def new_ids() -> Callable[[str], str]:
    """Return what makes unused ids of a kind, such as `message_` and a UUID."""
    numbers, source = itertools.count(1), random.Random(20250224)

    def new_id(kind: str) -> str:
        if kind == "batch":
            return str(1000 + next(numbers))
        return f"{kind}_{uuid.UUID(int=source.getrandbits(128), version=4)}"

    return new_id
