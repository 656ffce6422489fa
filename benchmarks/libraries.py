"""What each library says of a response with creatorId, and the advice that is given on it.

Exits with 1 if a library's error no longer gets the advice of its own row.
"""

from __future__ import annotations

import platform
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

from retry_contract.consumer.advice import advise

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import libraries

READERS = {
    "csv.DictWriter": libraries.csv_strict,
    "Django": libraries.django_strict,
    "fastavro": libraries.fastavro_strict,
    "mashumaro": libraries.mashumaro_strict,
    "pandas": libraries.pandas_strict,
    "protobuf": libraries.protobuf_strict,
    "SQLAlchemy": libraries.sqlalchemy_strict,
}
RESPONSE: dict[str, Any] = {
    "createdAt": "2025-03-03T10:00:00.000+08:00",
    "updatedAt": "2025-03-03T10:00:09.000+08:00",
    "id": "message_1",
    "recipient": "6522222222",
    "values": {"name": "Emily Yeo"},
    "fullMessage": "This is a message to Emily Yeo.",
    "latestStatus": "created",
    "templateBodyId": "template_1",
    "campaignId": "campaign_1",
    "creatorId": "user_1",
}


def main() -> None:
    lost = [library for library in READERS if not is_advised(library)]
    sys.exit(f"no advice of its own: {', '.join(lost)}" if lost else 0)


def is_advised(library: str) -> bool:
    number = platform.python_version() if library.startswith("csv.") else version(library)
    error = error_of(library)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    advice = advise(text, clues_of(error))
    print(f"{library} {number} | {text} | {advice or 'no advice'}")
    return advice.startswith(f"{library}: ")


def error_of(library: str) -> Exception:
    try:
        READERS[library](RESPONSE)
    except Exception as error:
        return error
    return Exception("no error: the library reads creatorId as well")


def clues_of(error: Exception) -> set[str]:
    frames = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [*frames, *(kind.__module__ for kind in type(error).__mro__)]
    return {name.partition(".")[0] for name in modules}


if __name__ == "__main__":
    main()
